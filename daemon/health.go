package daemon

import (
	"fmt"
	"sync"
	"time"

	"beansprout/janitor"
	"beansprout/visible"
)

// health is how the sweeps of one application are.
type health struct {
	name  string
	table janitor.Timetable

	mu      sync.Mutex
	started time.Time
	last    time.Time // when the last sweep ended; zero before the first
	failure string    // of the last sweep
	slack   func() error
}

func newHealth(name string, table janitor.Timetable, slack func() error) *health {
	return &health{name: name, table: table, started: time.Now(), slack: slack}
}

// swept notes that a sweep has ended, and how.
func (h *health) swept(at time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.failure = at, ""
	if err != nil {
		h.failure = visible.FirstLine(err.Error())
	}
}

// status is what /healthz tells of one application.
type status struct {
	Application string    `json:"application"`
	LastSweep   time.Time `json:"lastSweep,omitzero"`
	NextSweep   time.Time `json:"nextSweep,omitzero"`
	Reasons     []string  `json:"reasons"` // why it is not healthy
}

// status returns how the application is at now. Errors, which may name features, are told only in detail.
func (h *health) status(now time.Time, detailed bool) status {
	detail := func(what, why string) string {
		if !detailed {
			return what
		}
		return what + ": " + why
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := status{Application: h.name, LastSweep: h.last.UTC().Truncate(time.Second), NextSweep: h.table.Next(now.UTC()), Reasons: []string{}}
	if h.overdue(now) {
		s.Reasons = append(s.Reasons, fmt.Sprintf("the last sweep ended at %s, and two more were due since", when(h.last)))
	}
	if h.failure != "" {
		s.Reasons = append(s.Reasons, detail("the last sweep failed", h.failure))
	}
	if err := h.slack(); err != nil {
		s.Reasons = append(s.Reasons, detail("Slack does not take warnings", visible.FirstLine(err.Error())))
	}
	return s
}

// overdue reports whether two sweeps were due since the last one.
func (h *health) overdue(now time.Time) bool {
	since := h.last
	if since.IsZero() {
		since = h.started
	}
	next := h.table.Next(since.UTC())
	if next.IsZero() {
		return false
	}
	next = h.table.Next(next)
	return !next.IsZero() && now.After(next)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "no time yet"
	}
	return t.UTC().Format(time.RFC3339)
}
