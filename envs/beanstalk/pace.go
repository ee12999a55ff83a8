package beanstalk

import (
	"context"
	"math/rand/v2"
	"time"
)

// pace spaces polls: densely at first, for what is quick, then ever further apart, because
// all callers in the account share two calls a second.
type pace time.Duration

const (
	firstPause = 40 * time.Millisecond
	lastPause  = 5 * time.Second
	stalePause = time.Second // where AWS has just refused what its last answer says is possible
)

func newPace() *pace { p := pace(firstPause); return &p }

func (p *pace) pause(ctx context.Context) error {
	d := time.Duration(*p)
	*p = pace(min(d*8/5, lastPause))
	d += time.Duration(rand.Int64N(int64(d)/4 + 1))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
