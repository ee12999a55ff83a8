package traffic

import (
	"context"
	"fmt"
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

// connectTime is how long a connection to a target may take.
const connectTime = 10 * time.Second

// newTarget returns a target that can be asked and that has no open requests.
func (p *Plane) newTarget(t Target) *target {
	transport := upstream.NewTransport(p.dialer(t), p.Patience)
	to := &url.URL{Scheme: "http", Host: net.JoinHostPort(t.Address, strconv.Itoa(t.Port))}
	made := &target{proxy: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { upstream.Forward(r, to) },
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0), // the application may break its connections
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { refuse(w, upstream.StatusOf(r, err)) },
	}}
	made.Target = t
	made.until, made.cut = context.WithCancel(context.Background())
	context.AfterFunc(made.until, transport.CloseIdleConnections)
	return made
}

// dialer returns what connects to one target.
func (p *Plane) dialer(t Target) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTime)
		defer cancel()
		return p.Instances.Dial(ctx, t.Instance, t.Port)
	}
}

// forward has a target of one of the groups answer.
func (p *Plane) forward(w http.ResponseWriter, r *http.Request, shares []Share) {
	t := p.acquire(shares)
	if t == nil {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	defer p.release(t)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(t.until, cancel)()
	t.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// refuse answers as a load balancer does that has no answer of a target.
func refuse(w http.ResponseWriter, status int) {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	if status == http.StatusServiceUnavailable {
		title = "503 Service Temporarily Unavailable"
	}
	w.Header().Set("Server", "awselb/2.0")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n</body>\r\n</html>\r\n", title)
}
