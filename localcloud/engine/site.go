package engine

import (
	"context"
	"maps"
	"net/http"
	"sync"
)

// startsUp is shown until an environment's application answers for the first time: after its
// creation, and after each start of the local cloud.
const startsUp = "This environment is being started. It answers here as soon as its application does."

// sites holds the site of each environment.
type sites struct {
	mu  sync.Mutex
	all map[string]*site
}

// site returns the site of an environment, and creates it if there is none.
func (s *sites) site(id string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*site{}
	}
	if s.all[id] == nil {
		s.all[id] = &site{turn: make(chan struct{}, 1), alive: map[string]bool{}, why: startsUp, starting: true}
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

// site is what an environment's URL answers. Only the operation that holds turn may change it.
type site struct {
	turn chan struct{} // holds a token while a deployment or a termination runs

	mu       sync.Mutex
	now      *target
	why      string          // why nothing answers
	starting bool            // whether a deployment will soon answer
	alive    map[string]bool // the generations that start, serve or drain, which clear must keep
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

// target is one generation behind the URL. A request that arrives before a switch is answered by
// the target before.
type target struct {
	handler    http.Handler
	generation string          // "" = a page of the local cloud's own
	until      context.Context // ends the requests in flight
	cut        context.CancelFunc

	waiting int           // guarded by site.mu, like retired
	retired bool          // no longer behind the URL
	idle    chan struct{} // closed when it is retired and no request waits
}

func newTarget(ctx context.Context, h http.Handler) *target {
	t := &target{handler: h, idle: make(chan struct{})}
	t.until, t.cut = context.WithCancel(context.WithoutCancel(ctx))
	return t
}

// acquire returns the target that answers a request, to be released after it. If there is none, it
// returns a page that says why.
func (s *site) acquire() (*target, http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.now != nil:
		s.now.waiting++
		return s.now, nil
	case s.starting:
		return nil, soon(s.why)
	}
	return nil, pageHandler(http.StatusServiceUnavailable, "Nothing answers here", s.why)
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

// swap puts next behind the URL and returns the target before. If next is nil, why tells why nothing
// answers.
func (s *site) swap(next *target, why string) *target {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now
	s.now, s.why, s.starting = next, why, false
	if old != nil {
		old.retired = true
		old.rest()
	}
	return old
}

// explain changes the reason why nothing answers, if nothing does. starting means that a deployment
// will soon answer.
func (s *site) explain(why string, starting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why, s.starting = why, starting
}

// current returns the generation behind the URL, and false if there is none.
func (s *site) current() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return "", false
	}
	return s.now.generation, true
}

// mark records whether a generation starts, serves or drains.
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

// ServeHTTP has the current target answer.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, absent := s.acquire()
	if t == nil {
		absent.ServeHTTP(w, r)
		return
	}
	defer s.release(t)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(t.until, cancel)()
	t.handler.ServeHTTP(w, r.WithContext(ctx))
}
