package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/awsapi"
	"beansprout/pattern"
)

type kind int

const (
	launching kind = iota
	updating
	terminating
)

// Operation is a change that Beanstalk has accepted and is carrying out.
type Operation struct {
	kind          kind
	env           Env    // as it was before
	request       string // its events carry this id; "" is not known yet
	version       string // the label that must run in the end
	since         time.Time
	expected      time.Duration
	removedBlanks []string // names of settings whose empty value AWS rejected
	partial       bool     // another operation follows, whose end decides about the health
}

// Partial returns the operation as one that another operation follows at once: its success doesn't
// depend on the health.
func (o Operation) Partial() Operation {
	o.partial = true
	return o
}

// Expect returns the operation with the time that it is expected to take. Wait polls rarely until
// then, and often around it.
func (o Operation) Expect(expected time.Duration) Operation {
	o.expected = expected
	return o
}

// RemovedBlanks returns the names of settings that were removed instead of set, because AWS
// rejected their empty value. They have AWS's default.
func (o Operation) RemovedBlanks() []string { return o.removedBlanks }

// Environment returns the id of the environment.
func (o Operation) Environment() string { return o.env.ID }

// Failure is reported when an operation has failed.
type Failure struct {
	Env    Env
	Reason string
	Events []Event // of the operation, oldest first
}

func (f *Failure) Error() string { return f.Reason }

// Details returns the operation's warnings and errors, each on its own line after a newline.
func (f *Failure) Details() string {
	var b strings.Builder
	for _, e := range f.Events {
		if e.isError() || e.Severity == "WARN" {
			b.WriteString("\n" + e.Severity + " " + e.Message)
		}
	}
	return b.String()
}

var instanceID = pattern.New(`\bi-[0-9a-f]{8,17}\b`)

// Instances returns the ids of the instances that the operation's errors name.
func (f *Failure) Instances() []string {
	var ids []string
	for _, e := range f.Events {
		if e.isError() {
			ids = append(ids, instanceID.FindAllString(e.Message, -1)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// HasLogs reports whether an instance can have logs: the environment is not gone, and its launch
// got as far as an instance.
func (f *Failure) HasLogs() bool {
	launch := slices.ContainsFunc(f.Events, func(e Event) bool { return e.starts(launching) })
	added := slices.ContainsFunc(f.Events, func(e Event) bool { return e.begins("Added instance") })
	return !f.Env.State.Gone() && (added || !launch)
}

// Wait waits until the operation has ended. It succeeds when the environment is Ready again, AWS
// reports success of this very request, and the environment runs the wanted version with
// acceptable health; for a termination, when the environment is gone. Otherwise the error is a
// *Failure. Wait calls show once for each event, oldest first; when show is nil, it reads events
// only where they decide. A failed deploy also ends in Ready, so the SDK's waiters, which check
// only that, are not enough.
func (c *Client) Wait(ctx context.Context, op Operation, show func(Event)) (Env, error) {
	defer c.polls.join(op.env.ID)()
	w := watch{op: op, show: show, seen: map[Event]bool{}}
	p := c.pollInterval(op.expected)
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
			p.endIsNear()
		}
	}
}

func (c *Client) pollInterval(expected time.Duration) *pollInterval {
	return &pollInterval{started: time.Now(), expected: expected, throttling: &c.polls.throttling}
}

// look reads the events. It reads the environment only when its state may decide, and at every
// fifth poll, because both calls share one budget.
func (c *Client) look(ctx context.Context, w *watch, p *pollInterval) error {
	if w.needsEvents() && p.aimed() {
		return c.lookAtBoth(ctx, w)
	}
	if w.needsEvents() {
		events, err := c.eventsOf(ctx, w.op)
		if err != nil {
			return err
		}
		w.addEvents(events)
	}
	if w.looks++; !w.needsState() && w.looks%5 != 0 {
		return nil
	}
	r, err := c.row(ctx, w.op.env.ID, w.maxAge(p))
	if err != nil {
		return fmt.Errorf("read environment %s: %w", w.op.env.Name, err)
	}
	w.setState(r)
	return nil
}

// lookAtBoth reads events and environment side by side.
func (c *Client) lookAtBoth(ctx context.Context, w *watch) error {
	w.looks++
	var events []Event
	var r row
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { events, err = c.eventsOf(gctx, w.op); return err })
	g.Go(func() (err error) { r, err = c.row(gctx, w.op.env.ID, 0); return err })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("read environment %s: %w", w.op.env.Name, err)
	}
	w.addEvents(events)
	w.setState(r)
	return nil
}

// eventsOf returns the events since an operation began, none where AWS doesn't know the environment.
func (c *Client) eventsOf(ctx context.Context, op Operation) ([]Event, error) {
	events, err := c.Events(ctx, op.env.ID, op.since)
	if errors.Is(err, awsapi.ErrNotFound) {
		return nil, nil
	}
	return events, err
}

// Settle waits until no operation is in progress on the environment and returns its state. The
// error wraps awsapi.ErrNotFound when it is gone.
func (c *Client) Settle(ctx context.Context, e Env) (Env, error) {
	defer c.polls.join(e.ID)()
	p := c.pollInterval(0)
	var missing time.Time
	if e.State == Ready {
		if err := sleep(ctx, readyLag); err != nil {
			return e, err
		}
	}
	for {
		r, err := c.row(ctx, e.ID, p.maxAge())
		switch {
		case err != nil:
			return e, fmt.Errorf("read environment %s: %w", e.Name, err)
		case r.found:
			e, missing = r.Env, time.Time{}
		case missing.IsZero():
			missing = r.at
		}
		if e.State == Terminated || !missing.IsZero() && r.at.Sub(missing) > listingLag {
			return e, fmt.Errorf("environment %s: %w", e.Name, awsapi.ErrNotFound)
		}
		if e.State == Ready && missing.IsZero() {
			return e, nil
		}
		if err := p.pause(ctx); err != nil {
			return e, fmt.Errorf("wait for environment %s, which is %s: %w", e.Name, e.State, err)
		}
	}
}
