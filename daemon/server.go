package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// ErrExposed is reported by Listen when everybody could reach an address and nothing would tell
// Slack's requests from others.
var ErrExposed = errors.New("it would listen on all interfaces, and no signing secret of Slack's is set")

// Listen opens a port for a Daemon. An address without a host is on the loopback interface. All
// interfaces are for Slack's HTTP requests, which only the signing secret tells from others.
func Listen(ctx context.Context, address, signingSecret string) (net.Listener, error) {
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() && signingSecret == "" {
		return nil, fmt.Errorf("listen on %s: %w", address, ErrExposed)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
}

// shutdownTime is how long requests may take that had begun when the daemon was stopped.
const shutdownTime = 5 * time.Second

// serve answers HTTP requests until ctx ends.
func (d *Daemon) serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           d.handler(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	d.log.Info("listening", "address", d.config.Listener.Addr().String())
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		_ = server.Shutdown(ctx)
	})
	err := server.Serve(d.config.Listener)
	if stop() || !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", d.config.Listener.Addr(), err)
	}
	<-done
	return nil
}

func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.HandleFunc("GET /healthz", d.serveHealth)
	mux.Handle("GET /metrics", d.metrics.handler())
	if d.webhook != nil {
		mux.Handle("POST /slack", d.webhook)
	}
	return mux
}

// serveHealth answers 200 or 503, and why.
func (d *Daemon) serveHealth(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Healthy      bool     `json:"healthy"`
		Live         bool     `json:"live"`
		Reasons      []string `json:"reasons"` // of the daemon as a whole
		Applications []status `json:"applications"`
	}{Healthy: true, Live: d.config.Live, Reasons: []string{}}
	now := time.Now()
	if d.socket != nil {
		if reason := d.socket.problem(now); reason != "" {
			answer.Reasons = append(answer.Reasons, d.config.Mask(reason))
		}
	}
	answer.Healthy = len(answer.Reasons) == 0
	for _, s := range d.services {
		status := s.health.status(now)
		for i, reason := range status.Reasons {
			status.Reasons[i] = d.config.Mask(reason)
			answer.Healthy = false
		}
		answer.Applications = append(answer.Applications, status)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
