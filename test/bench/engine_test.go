package bench

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"beansprout/test/lab"
	"beansprout/test/must"
)

// counted is a proxy before the engine that counts what goes there.
type counted struct {
	address string
	sent    atomic.Int64

	mu   sync.Mutex
	work []string // requests to build or push
}

func countEngine(b *testing.B) *counted {
	dir, err := os.MkdirTemp("", "engine") // the path of a socket must be short
	must.Succeed(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	must.Succeed(b, err)
	c := &counted{address: "unix://" + l.Addr().String()}
	engine := lab.EngineSocket()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	proxy.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", engine) }}
	proxy.FlushInterval = -1
	server := &httptest.Server{Listener: countedListener{l, c}, Config: &http.Server{Handler: c.counting(proxy)}}
	server.Start()
	b.Cleanup(server.Close)
	return c
}

func (c *counted) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/build") || strings.HasSuffix(r.URL.Path, "/push") {
			c.mu.Lock()
			c.work = append(c.work, r.URL.Path)
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

func (c *counted) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(slices.Clone(c.work))
}

type countedListener struct {
	net.Listener
	c *counted
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countedConn{conn, l.c}, err
}

type countedConn struct {
	net.Conn
	c *counted
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.sent.Add(int64(n))
	return n, err
}
