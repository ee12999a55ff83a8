package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithy "github.com/aws/smithy-go/middleware"

	"beansprout/envs"
)

// begin makes the call that starts an operation on an environment. When its answer is lost,
// what AWS says of the environment since then decides whether the call is to be repeated.
func (c *Client) begin(ctx context.Context, op Operation, call func(context.Context) (smithy.Metadata, error)) (Operation, error) {
	began := time.Now()
	for losses := 0; ; {
		meta, err := call(ctx)
		if op.since = c.polls.date(began).Add(-clockSpread); op.since.Before(op.env.Updated) {
			op.since = op.env.Updated // what was said before is another operation's
		}
		if err = translate(err); err == nil {
			op.request, _ = middleware.GetRequestIDMetadata(meta)
			return op, nil
		}
		unanswered := errors.Is(err, ErrUnanswered)
		if unanswered {
			losses++
		} else if losses == 0 || op.kind == updating {
			return op, err
		}
		switch found, there, look := c.lookFor(ctx, op); {
		case look != nil:
			return op, look
		case there:
			return found, nil
		case !unanswered || losses == tries:
			return op, err
		}
	}
}

const (
	// clockSpread is how far the clocks of AWS's machines, and dates in full seconds, may be apart.
	clockSpread = 5 * time.Second
	// hidden is how long an operation may have been under way without AWS showing it.
	hidden = 5 * time.Second
)

// lookFor looks for an operation whose call got no answer, and returns it as far as it is
// known: its events will tell the request.
func (c *Client) lookFor(ctx context.Context, op Operation) (found Operation, there bool, err error) {
	for p := newPace(); time.Since(p.started) < hidden; {
		if err := p.pause(ctx); err != nil {
			return op, false, err
		}
		if found, there, err = c.underway(ctx, op); there || err != nil {
			return found, there, err
		}
	}
	return op, false, nil
}

func (c *Client) underway(ctx context.Context, op Operation) (Operation, bool, error) {
	if op.kind == launching && op.env.ID == "" {
		return c.launched(ctx, op)
	}
	e, err := c.Get(ctx, op.env.ID)
	switch gone := errors.Is(err, envs.ErrNotFound); {
	case gone || err == nil && e.State.Gone():
		return op, op.kind == terminating, nil
	case err != nil || e.State.Busy() || op.kind != updating:
		return op, e.State.Busy(), err
	}
	events, err := c.Events(ctx, op.env.ID, op.since)
	for _, e := range events {
		if e.starts(op.kind) {
			return op, true, nil
		}
	}
	return op, false, err
}

// launched looks for a new environment by its name. That it is ours shows in its version.
func (c *Client) launched(ctx context.Context, op Operation) (Operation, bool, error) {
	e, err := c.Find(ctx, op.env.Name)
	switch {
	case errors.Is(err, envs.ErrNotFound) || err == nil && e.State.Gone():
		return op, false, nil
	case err != nil:
		return op, false, err
	case e.Version != op.version:
		return op, false, fmt.Errorf("the name is %w", envs.ErrTaken)
	}
	op.env, op.since = e, e.Created.Add(-clockSpread)
	return op, true, nil
}
