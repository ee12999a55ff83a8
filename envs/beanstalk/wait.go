package beanstalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"beansprout/envs"
)

type kind int

const (
	launching kind = iota
	updating
	terminating
)

// Operation is a change that Beanstalk has taken on and is carrying out.
type Operation struct {
	kind    kind
	env     envs.Env
	request string // its events carry this id
	version string // the label that must run in the end
	since   time.Time
	partial bool // another operation follows, by which health is judged
}

// Partial returns the operation as one that another follows at once: it has ended well
// whatever the health is, because that is the next one's to mend.
func (o Operation) Partial() Operation {
	o.partial = true
	return o
}

// Environment is the id of the environment that is being changed.
func (o Operation) Environment() string { return o.env.ID }

// Failure is reported when Beanstalk itself says that an operation has failed.
type Failure struct {
	Env    envs.Env
	Reason string
	Events []Event // what AWS said since the start, oldest first
}

func (f *Failure) Error() string { return f.Reason }

// Story returns what AWS said went wrong, a line for each warning and error.
func (f *Failure) Story() string {
	var b strings.Builder
	for _, e := range f.Events {
		if e.bad() || e.Severity == "WARN" {
			b.WriteString("\n" + e.Severity + " " + e.Message)
		}
	}
	return b.String()
}

// Wait returns when the operation has ended: nil when AWS is Ready again, says that this
// very request succeeded, runs the wanted version and calls its health acceptable (or, for
// a termination, when the environment has gone), a *Failure when it says otherwise. Each
// event is shown once, oldest first. A failed deploy ends in Ready too, which is why the
// SDK's waiters, which look at nothing else, are not used.
func (c *Client) Wait(ctx context.Context, op Operation, show func(Event)) (envs.Env, error) {
	w := watch{op: op, seen: map[Event]bool{}, started: time.Now()}
	for p := newPace(); ; {
		if err := c.look(ctx, &w, show); err != nil {
			return w.env, err
		}
		if done, err := w.verdict(time.Now()); done {
			return w.env, err
		}
		if err := p.pause(ctx); err != nil {
			return w.env, fmt.Errorf("wait for environment %s, which is %s: %w", op.env.Name, describe(w.env), err)
		}
	}
}

// Settle waits until AWS is no longer at work on the environment, whatever it does, and
// returns it as it is then, freshly read. The error wraps envs.ErrNotFound when it has gone.
func (c *Client) Settle(ctx context.Context, e envs.Env) (envs.Env, error) {
	p := newPace()
	if e.State == envs.Ready {
		*p = pace(stalePause)
	}
	for {
		if err := p.pause(ctx); err != nil {
			return e, fmt.Errorf("wait for environment %s, which is %s: %w", e.Name, e.State, err)
		}
		now, err := c.Get(ctx, e.ID)
		if err != nil {
			return e, err
		}
		if e = now; e.State == envs.Ready {
			return e, nil
		}
	}
}

// watch is what one wait has learned so far.
type watch struct {
	op      Operation
	started time.Time // by our clock, as all that is measured here
	env     envs.Env
	gone    bool
	events  []Event
	seen    map[Event]bool
	polls   int
	ready   time.Time // since when AWS is Ready without all being well
}

// overlap is how far back events are read again: AWS may deliver one late.
const overlap = 10 * time.Second

// look reads the events that came and, when they may decide or from time to time, the
// environment: both calls come out of the same budget.
func (c *Client) look(ctx context.Context, w *watch, show func(Event)) error {
	if err := c.listen(ctx, w, show); err != nil {
		return err
	}
	_, outcome := w.outcome()
	w.polls++
	if outcome == underway && w.polls%4 != 1 {
		return nil
	}
	e, err := c.Get(ctx, w.op.env.ID)
	if errors.Is(err, envs.ErrNotFound) {
		w.gone = true
		return nil
	}
	if err == nil {
		w.env, w.gone = e, false
	}
	return err
}

// listen reads the events that came since the last time.
func (c *Client) listen(ctx context.Context, w *watch, show func(Event)) error {
	from := w.op.since
	if n := len(w.events); n > 0 && w.events[n-1].Time.Add(-overlap).After(from) {
		from = w.events[n-1].Time.Add(-overlap)
	}
	events, err := c.Events(ctx, w.op.env.ID, from)
	if errors.Is(err, envs.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range events {
		if w.seen[e] || !w.belongs(e) {
			continue
		}
		w.seen[e] = true
		w.events = append(w.events, e)
		show(e)
	}
	return nil
}

// belongs says whether an event is part of the operation: one of our request's, or a change
// of health since the first of those.
func (w *watch) belongs(e Event) bool {
	if e.Request == w.op.request {
		return true
	}
	return e.Request == "" && len(w.events) > 0 && !e.Time.Before(w.events[0].Time)
}

const (
	// appearance is how long a new environment may be missing from AWS's answers, and a new
	// version from an environment that has been said to run it.
	appearance = 30 * time.Second
	// silence is how long AWS may be Ready without having said how our request ended. Then
	// what runs decides: an event can be lost, or the update was aborted in the console.
	silence = 90 * time.Second
	// recovery is how long a deploy that succeeded may go on without good health. Enhanced
	// health lags the deploy by up to a minute.
	recovery = 3 * time.Minute
)

// verdict says whether the operation has ended and how.
func (w *watch) verdict(now time.Time) (done bool, err error) {
	if w.op.kind == terminating {
		return w.terminated()
	}
	cause, outcome := w.outcome()
	switch {
	case w.gone && w.op.kind == launching && w.env.ID == "" && now.Sub(w.started) < appearance:
		return false, nil
	case w.gone || w.env.State.Gone():
		return true, w.fail(cmp.Or(cause, "it was terminated meanwhile"))
	case w.env.State != envs.Ready:
		w.ready = time.Time{}
		return false, nil
	case outcome == failed:
		return true, w.fail(cause)
	}
	if w.ready.IsZero() {
		w.ready = now
	}
	return w.settled(outcome, now.Sub(w.ready))
}

// settled is the verdict on an environment that has been Ready for some time and of which no
// failure is known.
func (w *watch) settled(outcome outcome, ready time.Duration) (done bool, err error) {
	switch wrong := w.env.Version != w.op.version; {
	case outcome == underway && ready <= silence:
		return false, nil
	case outcome == underway && wrong:
		return true, w.fail(fmt.Sprintf("AWS is Ready again and never said how it ended; the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case wrong && ready > appearance:
		return true, w.fail(fmt.Sprintf("AWS reports success, but the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case wrong:
		return false, nil
	case Healthy(w.env) || w.op.partial:
		return true, nil
	case ready > recovery:
		return true, w.fail(fmt.Sprintf("AWS reports success, but its health is still %s after %s", health(w.env), recovery))
	}
	return false, nil
}

func (w *watch) terminated() (bool, error) {
	if w.gone {
		return true, nil
	}
	if w.env.State == envs.Terminating {
		return false, nil
	}
	for _, e := range w.events {
		if e.Request != "" && e.bad() {
			return true, w.fail(e.Message)
		}
	}
	return false, nil
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

func (w *watch) fail(reason string) error { return &Failure{w.env, reason, w.events} }

// Healthy says whether AWS calls the environment's health acceptable. Yellow is: a single
// instance is Yellow for a while after each deploy.
func Healthy(e envs.Env) bool { return e.Health == "Green" || e.Health == "Yellow" }

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
