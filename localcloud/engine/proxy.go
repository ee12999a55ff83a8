package engine

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"beansprout/localcloud/upstream"
)

// newTransport returns a transport for one generation. It waits for an answer as long as nginx on
// an instance does.
func newTransport() *http.Transport {
	return upstream.NewTransport((&net.Dialer{Timeout: 5 * time.Second}).DialContext, time.Minute)
}

// newProxy returns the target for a front that is published on the loopback.
func newProxy(ctx context.Context, generation string, port int) *target {
	transport := newTransport()
	to := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	t := newTarget(ctx, &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { upstream.Forward(r, to) },
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0), // the application may break its connections
		ErrorHandler: unreachable,
	})
	t.generation = generation
	context.AfterFunc(t.until, transport.CloseIdleConnections)
	return t
}

func unreachable(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case r.Context().Err() != nil: // the client left, or the environment was removed
		page(w, http.StatusBadGateway, "Bad gateway", "The request was ended before the application answered.")
	case upstream.StatusOf(r, err) == http.StatusGatewayTimeout:
		page(w, http.StatusGatewayTimeout, "Gateway timeout", "The application did not answer in time.")
	default:
		page(w, http.StatusBadGateway, "Bad gateway", "The application does not answer; it may be restarting.")
	}
}
