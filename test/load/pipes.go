package load

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Pipes is a listener whose connections are pipes, so that servers and clients can share the false
// clock of a test. [Listen] returns one.
type Pipes struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen returns an open listener.
func Listen() *Pipes { return &Pipes{calls: make(chan net.Conn), closed: make(chan struct{})} }

// Dial connects to the listener. It is refused when the listener is closed.
func (l *Pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.calls <- there:
		return here, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The connections stay open.
func (l *Pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Pipes) Addr() net.Addr { return &net.TCPAddr{} }
