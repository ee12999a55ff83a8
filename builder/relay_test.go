package builder

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// counter counts what is written to it, and shows it to watch, which may be nil.
type counter struct {
	atomic.Int64
	watch func([]byte)
}

func (c *counter) Write(p []byte) (int, error) {
	c.Add(int64(len(p)))
	if c.watch != nil {
		c.watch(p)
	}
	return len(p), nil
}

// relay stands between a client and the engine until it is cut.
type relay struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	sent  counter // bytes to the engine
}

// newRelay starts a relay. watch, unless nil, sees what goes to the engine before the engine
// does; it may be called by several goroutines at a time.
func newRelay(t *testing.T, dial func(context.Context) (net.Conn, error), watch func([]byte)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, sent: counter{watch: watch}}
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
