package envs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// grounds are what an attempt of a removal stands on: what was read of AWS and of the record.
type grounds struct {
	read  func(context.Context) error // reads them again, and fails where something speaks against the removal by now
	began time.Time                   // when their reading began
	at    time.Time                   // when the last of them was read, which is the record
	once  bool                        // they are good for one attempt: a second one comes after a pause
	spent bool
}

const (
	// groundsMaxAge is how long what was read may be relied on.
	groundsMaxAge = 5 * time.Second
	// groundsMaxTime is the same for all of it, from the first question on: AWS lets the whole account read
	// the tags of two environments a second.
	groundsMaxTime = 20 * time.Second
	// groundsReads is how often in a row the grounds may be out of date as soon as they are read.
	groundsReads = 3
)

func (g *grounds) hold() bool {
	return time.Since(g.at) < groundsMaxAge && time.Since(g.began) < groundsMaxTime && !(g.once && g.spent)
}

// allow makes sure, before each attempt of a removal, that what it stands on was read after the last
// pause, however long AWS has throttled or was silent, and that the lease is still held.
func (r *removal) allow(ctx context.Context) error {
	for n := 0; !r.grounds.hold(); n++ {
		if n == groundsReads {
			return fmt.Errorf("environment %s: AWS answers too slowly to check, just before the removal, that nothing keeps it", r.env.Name)
		}
		if err := r.grounds.read(ctx); err != nil {
			return err
		}
	}
	r.grounds.spent = true
	if r.taken == nil {
		return nil
	}
	return r.taken.Ensure(ctx)
}

// confirm proves that the environment, for which AWS was asked at began, is ours and that nothing keeps it:
// neither its tags nor the record, into which others may have written since the lease was taken.
func (r *removal) confirm(ctx context.Context, now Env, began time.Time) error {
	proved, tags, err := r.manager.identify(ctx, now)
	if err != nil {
		return err
	}
	at := time.Now()
	rec, err := r.store.Read(ctx, now.Name)
	if err != nil {
		return err
	}
	if r.taken != nil {
		if err := r.taken.Confirm(rec); err != nil {
			return err
		}
		rec.Lease = nil // it is this removal's own
	}
	r.env = proved
	r.grounds = grounds{read: r.confirmAgain, began: began, at: at, once: true}
	r.noteRestorable(rec)
	return r.refuse(proved, tags, &rec)
}

// confirmAgain reads the environment again, its tags and its record.
func (r *removal) confirmAgain(ctx context.Context) error {
	began := time.Now()
	now, err := r.manager.beanstalk.Get(ctx, r.env.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		now = r.env // its tags tell whether it has gone
	case err != nil:
		return err
	case now.State.Gone():
		return fmt.Errorf("environment %s is %s: %w", now.Name, now.State, ErrNotFound)
	}
	return r.confirm(ctx, now, began)
}

// readUsers reads which other environments run this one's versions or have its name. It fails if there is a
// new one since the first reading.
func (r *removal) readUsers(ctx context.Context) error {
	at := time.Now()
	users, heir, err := r.others(ctx)
	if err != nil {
		return err
	}
	again := r.users != nil // the first time, what is used stays and the rest goes
	if again && heir != r.heir {
		return fmt.Errorf("environment %s has been launched under the name", heir)
	}
	for label, user := range users {
		if again && r.users[label] == "" && IsVersionOf(label, r.env.Name) {
			return fmt.Errorf("environment %s has come to run version %s", user, label)
		}
	}
	r.users, r.heir = users, heir
	r.grounds = grounds{read: r.readUsers, began: at, at: at}
	return nil
}

// others returns which other environment runs a version, by label, and the id of another one that
// lives under the name.
func (r *removal) others(ctx context.Context) (users map[string]string, heir string, err error) {
	rows, _, err := r.manager.beanstalk.Environments(ctx, r.env.Application)
	users = map[string]string{}
	for _, other := range rows {
		if other.ID == r.env.ID {
			continue
		}
		users[other.Version] = other.Name
		if other.Name == r.env.Name && !other.State.Gone() {
			heir = other.ID
		}
	}
	return users, heir, err
}
