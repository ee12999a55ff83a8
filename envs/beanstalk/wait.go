package beanstalk

import (
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
	env     envs.Env // as it was before
	request string   // its events carry this id; "" is not known yet
	version string   // the label that must run in the end
	since   time.Time
	usual   time.Duration
	partial bool // another operation follows, by which health is judged
}

// Partial returns the operation as one that another follows at once: it has ended well
// whatever the health is, because that is the next one's to mend.
func (o Operation) Partial() Operation {
	o.partial = true
	return o
}

// Expect returns the operation as one that usually takes so long: until then Wait only
// looks after it from time to time, and then closely.
func (o Operation) Expect(usual time.Duration) Operation {
	o.usual = usual
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
// event is shown once, oldest first; with a nil show, events are read only where they
// decide. A failed deploy ends in Ready too, which is why the SDK's waiters, which look at
// nothing else, are not used.
func (c *Client) Wait(ctx context.Context, op Operation, show func(Event)) (envs.Env, error) {
	defer c.polls.join(op.env.ID)()
	w := watch{op: op, show: show, seen: map[Event]bool{}}
	p := c.pace(op.usual)
	for ended := false; ; {
		if err := p.pause(ctx); err != nil {
			return w.env, fmt.Errorf("wait for environment %s, which is %s: %w", op.env.Name, describe(w.env), err)
		}
		if err := c.look(ctx, &w, p); err != nil {
			return w.env, err
		}
		if done, err := w.verdict(time.Now()); done {
			return w.env, err
		}
		if _, outcome := w.outcome(); !ended && outcome != underway {
			ended = true
			p.soon()
		}
	}
}

func (c *Client) pace(usual time.Duration) *pace {
	return &pace{started: time.Now(), usual: usual, strain: &c.polls.strain}
}

// look reads the events that came and, when they may decide or from time to time, the
// environment: both calls come out of the same budget.
func (c *Client) look(ctx context.Context, w *watch, p *pace) error {
	if w.listens() {
		events, err := c.Events(ctx, w.op.env.ID, w.op.since)
		if err != nil && !errors.Is(err, envs.ErrNotFound) {
			return err
		}
		w.hear(events)
	}
	if w.looks++; !w.decisive() && w.looks%5 != 0 {
		return nil
	}
	r, err := c.row(ctx, w.op.env.ID, w.stale(p))
	if err != nil {
		return fmt.Errorf("read environment %s: %w", w.op.env.Name, err)
	}
	w.see(r)
	return nil
}

// Settle waits until AWS is no longer at work on the environment, whatever it does, and
// returns it as it is then. The error wraps envs.ErrNotFound when it has gone.
func (c *Client) Settle(ctx context.Context, e envs.Env) (envs.Env, error) {
	defer c.polls.join(e.ID)()
	p := c.pace(0)
	var missing time.Time
	if e.State == envs.Ready {
		if err := sleep(ctx, stalePause); err != nil {
			return e, err
		}
	}
	for {
		r, err := c.row(ctx, e.ID, p.stale())
		switch {
		case err != nil:
			return e, fmt.Errorf("read environment %s: %w", e.Name, err)
		case r.there:
			e, missing = r.Env, time.Time{}
		case missing.IsZero():
			missing = r.at
		}
		if e.State == envs.Terminated || !missing.IsZero() && r.at.Sub(missing) > appearance {
			return e, fmt.Errorf("environment %s: %w", e.Name, envs.ErrNotFound)
		}
		if e.State == envs.Ready && missing.IsZero() {
			return e, nil
		}
		if err := p.pause(ctx); err != nil {
			return e, fmt.Errorf("wait for environment %s, which is %s: %w", e.Name, e.State, err)
		}
	}
}
