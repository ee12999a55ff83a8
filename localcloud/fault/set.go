package fault

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Call is what a Set must know of a request besides its bytes.
type Call struct {
	Service, Operation, Region string
	At                         time.Time
}

// Set holds the rules and applies them. [New] returns one.
type Set struct {
	mu      sync.Mutex
	rules   []*rule
	bucket  bucket
	answers map[string]*answer // the last answer to each read that a rule may repeat
	closed  chan struct{}
}

// rule is a Rule with its counters.
type rule struct {
	Rule
	seen, struck int
	luck         *rand.Rand
}

// New returns a set without rules. It throttles Beanstalk's describes that exceed the rate.
func New(describes Rate) *Set {
	return &Set{bucket: bucket{Rate: describes}, answers: map[string]*answer{}, closed: make(chan struct{})}
}

// Inject adds rules after the present ones. If one rule is invalid, it adds none.
func (s *Set) Inject(rules ...Rule) error {
	var added []*rule
	for _, r := range rules {
		if err := r.Check(); err != nil {
			return err
		}
		added = append(added, &rule{Rule: r, luck: rand.New(rand.NewPCG(r.Seed, 0))})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, added...)
	return nil
}

// Clear removes all rules. The rate stays, and faults that have begun go on.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	clear(s.answers)
}

// Close ends all delays. It may be called once.
func (s *Set) Close() { close(s.closed) }

// Serve has next answer the call, or makes it fail and returns how. refuse writes a refusal for
// [ErrThrottled] or [ErrInternal] in the service's words.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request, c Call, next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) Kind {
	key := ""
	if s.repeats(c) {
		key = identity(r, c)
	}
	x := exchange{w: w, r: r, next: next, refuse: refuse, closed: s.closed}
	verdict, last := s.decide(c, key)
	switch {
	case verdict.Kind != "":
		x.spoil(verdict, last)
	case key != "":
		fresh := x.carryOut()
		s.keep(key, fresh)
		fresh.send(w)
	default:
		next.ServeHTTP(w, r)
	}
	return verdict.Kind
}

// repeats reports whether a rule may repeat the answer to the call.
func (s *Set) repeats(c Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.rules, func(r *rule) bool { return r.Kind == Stale && r.covers(c) })
}

func (s *Set) keep(key string, a *answer) {
	a.header.Del("Date") // a repeated answer gets the date of its repetition
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[key] = a
}

// decide returns the rule that strikes the call, and the previous answer to the same read.
func (s *Set) decide(c Call, key string) (Rule, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if metered(c) && s.bucket.On() && !s.bucket.take(c.At) {
		return Rule{Kind: Throttle}, nil
	}
	last := s.answers[key]
	for _, r := range s.rules {
		if r.covers(c) && (r.Kind != Stale || last != nil) && r.strikes() {
			return r.Rule, last
		}
	}
	return Rule{}, nil
}

// strikes counts one call and reports whether it fails.
func (r *rule) strikes() bool {
	r.seen++
	if r.seen <= r.Skip || r.Count > 0 && r.struck >= r.Count || r.Probability > 0 && r.luck.Float64() >= r.Probability {
		return false
	}
	r.struck++
	return true
}
