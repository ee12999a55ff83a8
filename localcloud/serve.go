package localcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// patience is how long open requests may take to end when the cloud closes.
const patience = 3 * time.Second

// listen takes both ports. It comes first, so that a port in use leaves nothing to be stopped.
func (c *Cloud) listen(ctx context.Context) (err error) {
	if c.api, err = c.listenOn(ctx, c.cfg.Port); err == nil {
		c.urls, err = c.listenOn(ctx, c.cfg.URLPort)
	}
	return err
}

func (c *Cloud) listenOn(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listen on port %d of 127.0.0.1: %w", port, err)
	}
	c.onClose(func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}

func (c *Cloud) serve(context.Context) error {
	c.serveOn(c.api, c.front())
	c.serveOn(c.urls, c.balancers.Router(c.runner.Router(c.beanstalk.Lookup)))
	c.onClose(func(context.Context) error { c.faults.Close(); return nil })
	return nil
}

// serveOn answers on a listener until the cloud is closed.
func (c *Cloud) serveOn(l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(c.cfg.Log.Handler(), slog.LevelDebug), // about clients that leave
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	c.onClose(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // the requests that are still open get no answer
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
