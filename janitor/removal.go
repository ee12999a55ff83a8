package janitor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"beansprout/envs"
)

// expire has an environment read again and removed.
func (j *Janitor) expire(ctx context.Context, d Decision) Decision {
	// The signal that ends the daemon must not leave an environment half removed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	receipt, read, err := j.readAgain(ctx, d, true)
	return read.Decision.done(receipt, err)
}

// rehearse asks whether an environment would be removed, or warned.
func (j *Janitor) rehearse(ctx context.Context, d Decision) Decision {
	_, read, err := j.readAgain(ctx, d, false)
	if err != nil {
		return read.Decision.stays(err)
	}
	return read.Decision
}

// explain reads the tags of what isn't ours: they say best why.
func (j *Janitor) explain(ctx context.Context, d Decision) Decision {
	_, read, err := j.readAgain(ctx, d, false)
	if err != nil {
		return read.Decision.stays(err)
	}
	return d
}

// reading is a decision with the environment as it was read again for it.
type reading struct {
	Decision
	environment envs.Environment
}

// readAgain has Expire read the environment again and decide, and with remove also remove it. It returns the
// decision with what was read.
func (j *Janitor) readAgain(ctx context.Context, d Decision, remove bool) (receipt envs.Receipt, read reading, err error) {
	o := j.options(d)
	o.DryRun = !remove
	read.Decision = d
	keep := func(e envs.Environment, now time.Time) string {
		read.environment, read.Env = e, &e.Env
		return j.again(ctx, &read, now)
	}
	err = j.guard(func() (err error) {
		receipt, err = j.Environments.Expire(ctx, *d.candidate, keep, o)
		return err
	})
	return receipt, read, err
}

// again decides once more, by what was read just now, and returns why the environment is not to be
// removed, warned or noted, as the sweep has decided, or "".
func (j *Janitor) again(ctx context.Context, read *reading, now time.Time) string {
	e, f, there := read.environment, facts{environment: read.environment}, ""
	if read.gone {
		there = j.stillThere(ctx, e)
		f.gone = there == ""
		read.gone = f.gone
	}
	// Nothing but what the last sweep has confirmed shortens the wait.
	if since := e.Own().MissingSince; f.gone && since.Equal(read.since) {
		f.since = since
	}
	v := j.rules().decide(f, now)
	if v.action == read.Action && v.note == read.note {
		read.Expiry, read.Reason = v.end, v.reason
		return ""
	}
	if there != "" {
		return there
	}
	return v.reason
}

// clear removes what an environment has left.
func (j *Janitor) clear(ctx context.Context, d Decision) Decision {
	if d.Action != Remove {
		return d
	}
	d.Reason = ""
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	var receipt envs.Receipt
	err := j.guard(func() (err error) {
		receipt, err = j.Environments.RemoveLeftover(ctx, *d.leftover, j.Options)
		return err
	})
	return d.done(receipt, err)
}

// done says what came of a removal.
func (d Decision) done(receipt envs.Receipt, err error) Decision {
	// Once something has been removed, what went wrong after it is no reason to keep quiet.
	if untouched := len(receipt.Removed) == 0; untouched && err != nil {
		if _, kept := errors.AsType[*envs.KeptError](err); kept || errors.Is(err, envs.ErrNotReady) {
			return d.stays(err)
		}
	}
	if err != nil {
		return d.failed(&receipt, err)
	}
	d.Action, d.Receipt = Removed, &receipt
	return d
}

func (d Decision) failed(receipt *envs.Receipt, err error) Decision {
	d.Action, d.Receipt, d.Err = Failed, receipt, fmt.Errorf("remove environment %q: %w", d.Env.Name, err)
	return d
}

// stays keeps an environment for the reason that Expire gives.
func (d Decision) stays(err error) Decision {
	kept, ok := errors.AsType[*envs.KeptError](err)
	switch {
	case ok && errors.Is(kept.Err, envs.ErrNotOurs):
		d.disproved = d.candidate != nil && !d.candidate.Foreign
		return d.is(Keep, kept.Reason)
	case ok && kept.Err != nil:
		d.Err = kept.Err
		return d.is(Unknown, kept.Reason)
	case ok:
		return d.is(Keep, kept.Reason)
	case errors.Is(err, envs.ErrNotReady):
		return d.is(Keep, err.Error()+": next sweep")
	}
	d.Err = err
	return d.is(Unknown, unreadable)
}

// lookedRetention is how long it is remembered that something kept an environment.
const lookedRetention = 24 * time.Hour

// remember puts what seemed due and is kept behind the rest in the next sweeps of this process.
func (j *Janitor) remember(d Decision) {
	if d.Env.ID == "" || d.unexplained || d.Action != Keep && d.Action != Unknown {
		return
	}
	if j.looked == nil {
		j.looked = map[string]time.Time{}
	}
	now := j.now()
	j.looked[d.Env.ID] = now
	maps.DeleteFunc(j.looked, func(_ string, at time.Time) bool { return now.Sub(at) > lookedRetention })
}
