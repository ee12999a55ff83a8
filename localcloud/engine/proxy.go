package engine

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// newTransport returns a transport for one generation, which shares no connection with another. It
// closes idle connections earlier than most servers do, so that no request is sent on a connection
// that the server is closing.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       2 * time.Second,
		ResponseHeaderTimeout: time.Minute, // that of nginx on an instance
		DisableCompression:    true,
	}
}

// newProxy returns the target for a front that is published on the loopback.
func newProxy(ctx context.Context, generation string, port int) *target {
	transport := newTransport()
	to := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	t := newTarget(ctx, &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { forward(r, to) },
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0), // the application may break its connections
		ErrorHandler: unreachable,
	})
	t.generation = generation
	context.AfterFunc(t.until, transport.CloseIdleConnections)
	return t
}

// forward keeps the Host, which the application may show, and adds the headers of AWS's load
// balancer.
func forward(r *httputil.ProxyRequest, to *url.URL) {
	r.SetURL(to)
	r.Out.Host = r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // includes what Go cannot parse
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
	if _, port, err := net.SplitHostPort(r.In.Host); err == nil {
		r.Out.Header.Set("X-Forwarded-Port", port)
	}
}

func unreachable(w http.ResponseWriter, r *http.Request, err error) {
	var timeout net.Error
	switch {
	case r.Context().Err() != nil: // the client left, or the environment was removed
		page(w, http.StatusBadGateway, "Bad gateway", "The request was ended before the application answered.")
	case errors.As(err, &timeout) && timeout.Timeout():
		page(w, http.StatusGatewayTimeout, "Gateway timeout", "The application did not answer in time.")
	default:
		page(w, http.StatusBadGateway, "Bad gateway", "The application does not answer; it may be restarting.")
	}
}
