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

// ErrExposed is reported by Listen when anyone could reach an address and nothing would tell people and Slack from
// others.
var ErrExposed = errors.New("it would listen on all interfaces, and there is no person's token, no proxy that logs people in and no signing secret of Slack's")

// Listen opens a port for a Daemon. An address without a host is on the loopback interface. All interfaces are
// only for what is guarded: by people's tokens, by a proxy, or by Slack's signing secret.
func Listen(ctx context.Context, address string, guarded bool) (net.Listener, error) {
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
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() && !guarded {
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

// handler serves what the daemon has: without a board, as in a Trial, only what needs none.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	if d.webhook != nil {
		mux.Handle("POST /slack", d.webhook)
	}
	if d.gate == nil {
		return mux
	}
	mux.HandleFunc("GET /healthz", d.serveHealth)
	mux.Handle("GET /metrics", d.gate.Metrics(d.metrics.handler()))
	d.gate.Routes(mux)
	mux.Handle("POST /act", d.gate.Acting(http.HandlerFunc(d.serveAct)))
	pages := http.NewServeMux()
	d.board.Routes(pages)
	mux.Handle("GET /static/", pages)
	mux.Handle("/", d.gate.Reading(pages))
	return mux
}

// serveHealth answers 200 or 503, and why: in detail to those who may look at the board, because an error may
// name a feature.
func (d *Daemon) serveHealth(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		Healthy      bool     `json:"healthy"`
		Live         bool     `json:"live"`
		Reasons      []string `json:"reasons"` // of the daemon as a whole
		Applications []status `json:"applications"`
	}{Live: d.config.Live, Reasons: []string{}, Applications: []status{}}
	now, detailed := time.Now(), d.gate.MayRead(r)
	if d.socket != nil {
		if reason := d.socket.problem(now); reason != "" {
			answer.Reasons = append(answer.Reasons, d.config.Mask(reason))
		}
	}
	answer.Healthy = len(answer.Reasons) == 0
	for _, s := range d.sweeping() {
		status := s.health.status(now, detailed)
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
