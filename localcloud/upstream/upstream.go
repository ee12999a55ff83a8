// Package upstream forwards requests to an application as AWS's load balancers and their proxies do.
package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// NewTransport returns a transport for one upstream, which shares no connection with another. Its
// requests end after timeout without an answer. It closes idle connections earlier than most servers
// do, so that no request is sent on a connection that the server is closing.
func NewTransport(dial func(ctx context.Context, network, address string) (net.Conn, error), timeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           dial,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       2 * time.Second,
		ResponseHeaderTimeout: timeout,
		DisableCompression:    true,
	}
}

// Forward addresses the request to the upstream. It keeps the Host, which the application may show,
// and adds the headers of AWS's load balancers.
func Forward(r *httputil.ProxyRequest, to *url.URL) {
	r.SetURL(to)
	r.Out.Host = r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // includes what Go cannot parse
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
	if _, port, err := net.SplitHostPort(r.In.Host); err == nil {
		r.Out.Header.Set("X-Forwarded-Port", port)
	}
}

// StatusOf returns the status for a request that the upstream did not answer: 504 after a timeout,
// 502 for everything else.
func StatusOf(r *http.Request, err error) int {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && r.Context().Err() == nil {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
