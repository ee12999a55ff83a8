package fault

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The reasons with which a valid call is refused.
var (
	ErrThrottled = errors.New("rate exceeded")
	ErrInternal  = errors.New("internal error")
)

// exchange is one call and where its answer goes.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	next   http.Handler
	refuse func(http.ResponseWriter, *http.Request, error)
	closed <-chan struct{}
}

// spoil answers the call as the rule demands. last is the previous answer to the same read.
func (x exchange) spoil(rule Rule, last *answer) {
	switch rule.Kind {
	case Throttle:
		x.refuse(x.w, x.r, ErrThrottled)
	case Internal:
		x.refuse(x.w, x.r, ErrInternal)
	case Empty:
		x.w.WriteHeader(http.StatusInternalServerError)
	case HTML:
		x.w.Header().Set("Content-Type", "text/html")
		x.w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(x.w, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n")
	case TimeoutBefore:
		_, _ = io.Copy(io.Discard, x.r.Body) // the server notices that a client leaves only after the body
		x.wait(rule.For)
		x.cut(false)
	case TimeoutAfter:
		x.carryOut()
		x.wait(rule.For)
		x.cut(false)
	case ResetBefore:
		x.cut(true)
	case ResetAfter:
		x.carryOut()
		x.cut(true)
	case Slow:
		x.wait(rule.For)
		x.next.ServeHTTP(x.w, x.r)
	case Truncated:
		if a := x.carryOut().half(); len(a.body) > 0 {
			a.send(x.w)
			_ = http.NewResponseController(x.w).Flush()
		}
		x.cut(false)
	case Malformed:
		a := x.carryOut().half()
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.send(x.w)
	case Stale:
		last.send(x.w)
	}
}

// carryOut has the service answer, even if the client leaves.
func (x exchange) carryOut() *answer {
	a := &answer{header: x.w.Header().Clone()}
	x.next.ServeHTTP(a, x.r.WithContext(context.WithoutCancel(x.r.Context())))
	return a
}

// wait lasts for d, or without an end if d is 0, until the client leaves or the set is closed.
func (x exchange) wait(d time.Duration) {
	var end <-chan time.Time
	if d > 0 {
		end = time.After(d)
	}
	select {
	case <-end:
	case <-x.r.Context().Done():
	case <-x.closed:
	}
}

// cut ends the connection: with a TCP reset if reset is true.
func (x exchange) cut(reset bool) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends the connection without a reset
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
