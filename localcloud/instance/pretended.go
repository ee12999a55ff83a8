package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"beansprout/localcloud/pipes"
)

// Pretended runs instances as HTTP servers in this process, without a network: a connection is a
// pipe, so tests with a clock of their own can use it. An instance answers 200 with its version and
// id, "v2 i-0123...", and tells them in the headers Version and Instance. A query ?take=3s makes the
// answer take so long. User data may ask for something else in lines "# pretend: ...", which are
// described at [read].
type Pretended struct {
	now func() time.Time

	mu      sync.Mutex
	running map[string]*server
}

// NewPretended returns a runner whose instances start by the given clock.
func NewPretended(now func() time.Time) *Pretended {
	return &Pretended{now: now, running: map[string]*server{}}
}

// server is a running instance.
type server struct {
	Instance
	script
	listener *pipes.Listener
	http     *http.Server
	ready    time.Time
}

// Start implements [Runner].
func (p *Pretended) Start(_ context.Context, i Instance) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[i.ID] != nil {
		return nil
	}
	s := &server{Instance: i, script: read(i.UserData, i.Version), listener: pipes.Listen()}
	s.ready = p.now().Add(s.start)
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(s.listener) }() // until Stop
	p.running[i.ID] = s
	return nil
}

// Stop implements [Runner]. It cuts the open connections.
func (p *Pretended) Stop(_ context.Context, id string) error {
	p.mu.Lock()
	s := p.running[id]
	delete(p.running, id)
	p.mu.Unlock()
	if s == nil {
		return nil
	}
	return errors.Join(s.listener.Close(), s.http.Close())
}

// Close stops all instances.
func (p *Pretended) Close() (err error) {
	p.mu.Lock()
	var ids []string
	for id := range p.running {
		ids = append(ids, id)
	}
	p.mu.Unlock()
	for _, id := range ids {
		err = errors.Join(err, p.Stop(context.Background(), id))
	}
	return err
}

// Dial implements [Runner].
func (p *Pretended) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	s := p.server(id)
	if s == nil || s.silent || port != s.port || p.now().Before(s.ready) {
		return nil, unconnected(id, port, syscall.ECONNREFUSED)
	}
	c, err := s.listener.Dial(ctx, "", "")
	if err != nil {
		return nil, unconnected(id, port, err)
	}
	return c, nil
}

func (p *Pretended) server(id string) *server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running[id]
}

// Console implements [Runner].
func (p *Pretended) Console(_ context.Context, id string) (string, error) {
	s := p.server(id)
	switch {
	case s == nil:
		return "", nil
	case s.silent:
		return fmt.Sprintf("cloud-init: running user data of %s\nversion %q does not start\n", id, s.Version), nil
	case p.now().Before(s.ready):
		return fmt.Sprintf("cloud-init: running user data of %s\nstarting version %q\n", id, s.Version), nil
	}
	return fmt.Sprintf("cloud-init: running user data of %s\nstarting version %q\nlistening on port %d\n", id, s.Version, s.port), nil
}

// ServeHTTP answers as the user data says.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if take, err := time.ParseDuration(r.URL.Query().Get("take")); err == nil {
		select {
		case <-time.After(take):
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Version", s.Version)
	w.Header().Set("Instance", s.ID)
	if s.broken || s.unhealthy && r.URL.Path == s.health {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = fmt.Fprintln(w, s.Version, s.ID) // the client may have left
}
