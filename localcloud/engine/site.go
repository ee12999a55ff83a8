package engine

import (
	"context"
	"maps"
	"net/http"
	"sync"
)

// sites holds what every environment's URL answers.
type sites struct {
	mu  sync.Mutex
	all map[string]*site
}

// site returns an environment's, made when it is not there.
func (s *sites) site(id string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*site{}
	}
	if s.all[id] == nil {
		s.all[id] = &site{turn: make(chan struct{}, 1), alive: map[string]bool{}, why: "Nothing has been deployed to this environment yet."}
	}
	return s.all[id]
}

func (s *sites) each(f func(*site)) {
	s.mu.Lock()
	all := maps.Clone(s.all)
	s.mu.Unlock()
	for _, one := range all {
		f(one)
	}
}

// site is one environment: what its URL answers, and whose turn it is to change that.
type site struct {
	turn chan struct{} // holds a token while a deployment or a termination is at work

	mu    sync.Mutex
	now   *target
	why   string          // nothing answers
	alive map[string]bool // generations that start, serve or drain: no leftovers
}

// enter waits for the environment's turn.
func (s *site) enter(ctx context.Context) (func(), error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// target is one generation behind the URL. Who asks before a switch gets its answer from the
// target that it asked.
type target struct {
	handler    http.Handler
	generation string          // "" = a page of ours
	until      context.Context // ends what is in flight
	cut        context.CancelFunc

	waiting int           // guarded by site.mu, like retired
	retired bool          // no longer behind the URL
	idle    chan struct{} // closed when retired and nobody waits any more
}

func newTarget(ctx context.Context, h http.Handler) *target {
	t := &target{handler: h, idle: make(chan struct{})}
	t.until, t.cut = context.WithCancel(context.WithoutCancel(ctx))
	return t
}

// acquire returns what answers a request, to be released after it; nil, with the reason, when nothing does.
func (s *site) acquire() (*target, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		s.now.waiting++
	}
	return s.now, s.why
}

func (s *site) release(t *target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.waiting--
	t.rest()
}

func (t *target) rest() {
	if t.retired && t.waiting == 0 {
		close(t.idle)
	}
}

// swap puts next behind the URL, nil with the reason why nothing is, and returns what was there.
func (s *site) swap(next *target, why string) *target {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now
	s.now, s.why = next, why
	if old != nil {
		old.retired = true
		old.rest()
	}
	return old
}

// explain changes the reason why nothing answers, where nothing does.
func (s *site) explain(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
}

// current returns the generation behind the URL; false when nothing is there.
func (s *site) current() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return "", false
	}
	return s.now.generation, true
}

// mark notes whether a generation starts, serves or drains.
func (s *site) mark(generation string, alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if alive {
		s.alive[generation] = true
	} else {
		delete(s.alive, generation)
	}
}

func (s *site) leftover(generation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.alive[generation]
}

// ServeHTTP answers with what is behind the URL now.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, why := s.acquire()
	if t == nil {
		page(w, http.StatusServiceUnavailable, "Nothing answers here", why)
		return
	}
	defer s.release(t)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(t.until, cancel)()
	t.handler.ServeHTTP(w, r.WithContext(ctx))
}
