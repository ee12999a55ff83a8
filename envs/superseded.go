package envs

import (
	"context"
	"errors"
	"time"

	"beansprout/envs/store"
)

const removedMeanwhile = "the feature was taken down meanwhile"

// supersededBy returns a *SupersededError if a later request has made this one pointless, or nil.
// requested is the record when the request was numbered, now the present one. A later request of the
// same commit does not supersede it: both go on, and the second has nothing to do. Trees with
// uncommitted changes differ even if their commit is the same.
func supersededBy(requested, now store.Record) error {
	switch {
	case now.Removals > requested.Removals:
		return &SupersededError{removedMeanwhile}
	case now.RequestNumber > requested.RequestNumber && !SameWork(now.Requested, requested.Requested):
		return &SupersededError{"a later up asked for commit " + commitName(now.Requested)}
	case now.Deployed > requested.RequestNumber && !SameWork(now.Commit, requested.Requested):
		return &SupersededError{"a later up has deployed commit " + commitName(now.Commit)}
	}
	return nil
}

// supersededBy is the same by AWS's word: that the feature was taken down counts only where AWS shows
// no living environment, because others may be able to write the record.
func (r *run) supersededBy(ctx context.Context, now store.Record) error {
	requested := r.atRequest
	if now.Removals > requested.Removals {
		e, err := r.manager.beanstalk.Find(ctx, r.name, nil)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && !e.State.Gone() {
			requested.Removals = now.Removals
		}
	}
	return supersededBy(requested, now)
}

// removalShownTime is how long a removal that has waited for the lease takes until AWS shows what it does.
const removalShownTime = 15 * time.Second

// takenDown reports whether an environment that was just deployed to goes away at once, because the
// feature was taken down meanwhile. This run removes nothing: the removal that waits for the lease
// does, and one that is in the record alone does not.
func (r *run) takenDown(ctx context.Context, e Env) bool {
	r.options.note("the record says that %s: looking whether AWS shows it", removedMeanwhile)
	ctx, cancel := context.WithTimeout(ctx, removalShownTime)
	defer cancel()
	for {
		now, err := r.manager.beanstalk.Get(ctx, e.ID)
		if errors.Is(err, ErrNotFound) || err == nil && now.State.Gone() {
			return true
		}
		if pause(ctx, time.Second) != nil {
			r.options.note("environment %s lives", e.Name)
			return false
		}
	}
}

// commitDigits is how many digits of a commit are shown.
const commitDigits = 12

func commitName(commit string) string {
	if commit == "" {
		return "(unknown)"
	}
	return ShortCommit(printable(commit), commitDigits)
}
