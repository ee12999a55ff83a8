// Package server serves HTTP until the container is told to stop, and finishes what it began.
package server

import (
	"context"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Run serves on an address until SIGTERM or SIGINT, and then answers the requests it has, for
// at most five seconds.
func Run(address string, handler http.Handler) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	s := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- s.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Shutdown(ctx)
}
