package beanstalk

import (
	"slices"
	"time"

	"beansprout/envs"
)

// watch is what one wait has learned so far.
type watch struct {
	op     Operation
	show   func(Event) // nil shows nothing
	env    envs.Env    // as last seen
	gone   bool        // AWS's last answer was without it
	events []Event     // of the operation, oldest first
	seen   map[Event]bool
	abort  string // why AWS doesn't go on with it
	looks  int
	doubt  doubt
	since  time.Time // of the doubt, by our clock
}

// listens says whether the events are worth reading: while all is well with a termination
// that nobody watches, they aren't.
func (w *watch) listens() bool {
	return w.show != nil || w.op.kind != terminating || w.doubt != working
}

// decisive says whether the environment's state may decide now.
func (w *watch) decisive() bool {
	_, outcome := w.outcome()
	return outcome != underway || w.doubt != working || !w.listens()
}

// stale is how old an answer may be that another wait was given.
func (w *watch) stale(p *pace) time.Duration {
	if _, outcome := w.outcome(); outcome != underway {
		return 0
	}
	return p.stale()
}

// hear takes in events, shows those of the operation that are new, and learns its request
// where no answer named it.
func (w *watch) hear(events []Event) {
	for _, e := range events {
		if w.op.request == "" && e.starts(w.op.kind) {
			w.op.request = e.Request
		}
		if w.op.request != "" && e.Request != "" && e.Request != w.op.request && e.reverts() {
			w.abort = e.Message
		}
		if w.seen[e] || !w.belongs(e) {
			continue
		}
		w.seen[e] = true
		w.events = append(w.events, e)
		if w.show != nil {
			w.show(e)
		}
	}
	slices.SortStableFunc(w.events, func(a, b Event) int { return a.Time.Compare(b.Time) })
}

// belongs says whether an event is part of the operation: one of our request's, or a change
// of health since the first of those.
func (w *watch) belongs(e Event) bool {
	if e.Request != "" {
		return e.Request == w.op.request
	}
	return len(w.events) > 0 && !e.Time.Before(w.events[0].Time)
}

// see takes in what AWS says of the environment. One that is rebuilt may at first be shown
// as what it was, Terminated.
func (w *watch) see(r row) {
	w.gone = !r.there || r.State == envs.Terminated && w.op.kind == launching && w.env.ID == ""
	if w.gone {
		return
	}
	w.env = r.Env
	if r.State == envs.Aborting {
		w.abort = "it was aborted"
	}
}

// outcome finds the terminal event of our request, and for a failure its cause: the first
// error, because those that follow only report that there was one.
func (w *watch) outcome() (cause string, result outcome) {
	for _, e := range w.events {
		if e.Request == "" {
			continue
		}
		if cause == "" && e.bad() {
			cause = e.Message
		}
		if o := e.outcome(); o == failed || o == succeeded && result == underway {
			result = o
			if o == failed && cause == "" {
				cause = e.Message
			}
		}
	}
	return cause, result
}

func health(e envs.Env) string {
	if e.Status == "" {
		return e.Health
	}
	return e.Health + " (" + e.Status + ")"
}

func describe(e envs.Env) string {
	if e.ID == "" {
		return "not there yet"
	}
	return string(e.State) + ", health " + health(e)
}
