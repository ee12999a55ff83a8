package builder

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// counter counts what is written to it.
type counter struct{ atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.Add(int64(len(p)))
	return len(p), nil
}

// relay stands between a client and the engine until it is cut.
type relay struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	sent  counter // bytes to the engine
}

func newRelay(t *testing.T, dial func(context.Context) (net.Conn, error)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	t.Cleanup(r.cut)
	go func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := dial(t.Context())
			if err != nil {
				_ = front.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, front, back)
			r.mu.Unlock()
			go func() { _, _ = io.Copy(back, io.TeeReader(front, &r.sent)) }()
			go func() { _, _ = io.Copy(front, back) }()
		}
	}()
	return r
}

func (r *relay) cut() {
	_ = r.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
}
