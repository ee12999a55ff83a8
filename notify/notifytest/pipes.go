package notifytest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
)

// NewInMemory starts a server without a network, and returns the only client that reaches it. In a bubble of
// testing/synctest its time is exact, however busy the machine is. The caller closes it.
func NewInMemory() (*Server, *http.Client) {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := newServer(func(h http.Handler) *httptest.Server {
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
		server.Start()
		return server
	})
	return s, &http.Client{Transport: &http.Transport{DialContext: l.dial}}
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "slack.test", Net: "memory"} }
