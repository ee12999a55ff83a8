package janitor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"beansprout/envs"
)

// removalTime bounds one removal. AWS takes two to five minutes to terminate an
// environment; one that isn't gone after this is left to the next sweep.
const removalTime = 30 * time.Minute

// act removes what is to be removed, as far as the limit goes. Without live it only
// marks what a live sweep would leave for the next one.
func (j *Janitor) act(ctx context.Context, report Report, live bool) {
	begun := 0
	step := func(d Decision, do func(context.Context, Decision) Decision) Decision {
		switch {
		case d.Action != Remove:
		case begun >= j.MaxDeletions:
			d = d.keep(fmt.Sprintf("left for the next sweep: one sweep removes at most %d", j.MaxDeletions))
		case !live:
			begun++
		case ctx.Err() != nil:
			d = d.keep("left for the next sweep: this one was stopped")
		default:
			if d = do(ctx, d); d.Action != Keep {
				begun++
			}
		}
		j.logDecision(d)
		return d
	}
	for i, d := range report.Decisions {
		report.Decisions[i] = step(d, func(ctx context.Context, d Decision) Decision { return j.remove(ctx, d, report.now) })
	}
	for i, d := range report.Leftovers {
		report.Leftovers[i] = step(d, j.clear)
	}
}

// remove decides once more, on facts read now, and then removes.
func (j *Janitor) remove(ctx context.Context, before Decision, now time.Time) Decision {
	d := j.judge(ctx, before.Env, now)
	if d.Action != Remove {
		return d
	}
	if !maps.Equal(d.tags, before.tags) {
		return d.keep("its tags have just changed: next sweep")
	}
	// The signal that ends the daemon must not leave an environment half removed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	var receipt envs.Receipt
	err := j.guard(func() (err error) {
		receipt, err = j.Remove(ctx, d.Env)
		return err
	})
	return d.done(receipt, err)
}

// done says what came of a removal.
func (d Decision) done(receipt envs.Receipt, err error) Decision {
	// Once something has been removed, what went wrong after it is no reason to keep quiet.
	switch untouched := len(receipt.Removed) == 0; {
	case untouched && errors.Is(err, envs.ErrNotReady):
		return d.keep(err.Error() + ": next sweep")
	case untouched && errors.Is(err, envs.ErrNotOurs):
		return d.keep(err.Error())
	}
	d.Action, d.Receipt = Removed, &receipt
	if err != nil {
		d.Action, d.Err = Failed, fmt.Errorf("remove environment %q: %w", d.Env.Name, err)
	}
	return d
}
