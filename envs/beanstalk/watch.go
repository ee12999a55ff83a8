package beanstalk

import (
	"slices"
	"time"
)

// watch is what one wait knows about its operation.
type watch struct {
	op           Operation
	show         func(Event) // nil shows nothing
	env          Env         // as last read
	gone         bool        // missing in AWS's last answer
	events       []Event     // of the operation, oldest first
	seen         map[Event]bool
	abort        string // why AWS stopped it; "" while it goes on
	looks        int
	pending      pendingReason
	pendingSince time.Time // by our clock
}

// needsEvents reports whether the events must be read. A termination that is not shown needs them
// only when something is wrong.
func (w *watch) needsEvents() bool {
	return w.show != nil || w.op.kind != terminating || w.pending != notPending
}

// needsState reports whether the environment's state may decide now.
func (w *watch) needsState() bool {
	_, outcome := w.outcome()
	return outcome != underway || w.pending != notPending || !w.needsEvents()
}

// maxAge returns how old an answer to another wait may be to be used by this one.
func (w *watch) maxAge(p *pollInterval) time.Duration {
	if _, outcome := w.outcome(); outcome != underway {
		return 0
	}
	return p.maxAge()
}

// addEvents adds the operation's new events and shows them. It takes the request id from them if
// no answer had it.
func (w *watch) addEvents(events []Event) {
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

// belongs reports whether an event is part of the operation: one of its request, or a change of
// health after the first of those.
func (w *watch) belongs(e Event) bool {
	if e.Request != "" {
		return e.Request == w.op.request
	}
	return len(w.events) > 0 && !e.Time.Before(w.events[0].Time)
}

// setState sets what AWS says about the environment. At first AWS may show one that is rebuilt as
// Terminated.
func (w *watch) setState(r row) {
	w.gone = !r.found || r.State == Terminated && w.op.kind == launching && w.env.ID == ""
	if w.gone {
		return
	}
	w.env = r.Env
	if r.State == Aborting {
		w.abort = "it was aborted"
	}
}

// outcome returns the result of the request, by the event that ends it, and the cause of a failure:
// the first error, because later ones only report that there was one.
func (w *watch) outcome() (cause string, result outcome) {
	for _, e := range w.events {
		if e.Request == "" {
			continue
		}
		if cause == "" && e.isError() {
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

func health(e Env) string {
	if e.Status == "" {
		return e.Health
	}
	return e.Health + " (" + e.Status + ")"
}

func describe(e Env) string {
	if e.ID == "" {
		return "not there yet"
	}
	return string(e.State) + ", health " + health(e)
}
