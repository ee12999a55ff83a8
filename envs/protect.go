package envs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"beansprout/envs/store"
	"beansprout/visible"
)

// mayGo returns the reason why an expired environment of ours must not be removed, or "". It is
// called when candidates are picked, and once more under the lease with a new reading. tags and rec
// may be nil if they were not read yet.
//
// Other reasons come before it: Expire keeps an environment that has just changed or can't be read, one
// that is not ours, has moved or was replaced is an error, and the janitor decides which have expired.
func mayGo(e Env, tags Tags, rec *store.Record) (reason string) {
	switch {
	case e.State.Gone():
		return "is gone already"
	case e.State != Ready:
		return fmt.Sprintf("is %s: next sweep", e.State)
	case tags.Protected():
		return fmt.Sprintf("is protected: its tag %s says %q", TagLifecycle, tags[TagLifecycle])
	case tags != nil && tags[TagLifecycle] != Ephemeral:
		return fmt.Sprintf("its tag %s says %q, which is unknown", TagLifecycle, tags[TagLifecycle])
	case rec != nil && rec.Lease != nil:
		return Owner(*rec.Lease) + " is at work on it: next sweep"
	}
	return protection(e, tags, rec)
}

// KeptBecause returns why no sweep removes the environment when its days are over, as far as it was read, or "".
func (e Environment) KeptBecause() string { return mayGo(e.Env, e.Tags, e.Record) }

// Protection returns by whom or what the environment is protected, as far as that was read, or "".
func (e Environment) Protection() string { return protection(e.Env, e.Tags, e.Record) }

// protection returns by whom or what an environment is protected: by its tag, or by the record while
// that speaks of this very environment.
func protection(e Env, tags Tags, rec *store.Record) string {
	switch {
	case tags.Protected():
		return fmt.Sprintf("its tag %s says so", TagLifecycle)
	case rec == nil || rec.Protected == nil || rec.Environment != e.ID:
		return ""
	}
	if by := visible.Line(rec.Protected.By, 100); by != "" {
		return by + " keeps it"
	}
	return "it is protected"
}

// refuseProtected refuses to remove a protected environment.
func refuseProtected(e Env, tags Tags, rec *store.Record) error {
	if reason := protection(e, tags, rec); reason != "" {
		return &ProtectedError{Environment: e.Name, Reason: reason}
	}
	return nil
}

// Extend adds time to the expiry of an environment, or to now if it has expired. The error is a
// *LongError if the new expiry would be more than a year from now, and wraps ErrForever if it has none.
// It waits for no lease.
func (m *Manager) Extend(ctx context.Context, e Environment, by time.Duration, o Options) (Environment, error) {
	return m.updateRecord(ctx, e, o, func(r *store.Record) (change, error) {
		expiry := m.environment(e.Env, e.Tags, r).Expires
		if expiry.IsZero() {
			return change{}, errorOf(e.Env, ErrForever)
		}
		until := extended(expiry, r.At, by)
		if until.After(r.At.Add(longestTTL)) {
			return change{}, &LongError{Environment: nameOf(e.Env), Until: until}
		}
		r.Extended = until
		span := FormatDuration(by)
		return change{happenedExtended, "by " + span + ", until " + until.Format(time.RFC3339), "extended by " + span + o.byWhom()}, nil
	})
}

// extended returns the expiry that is later by that than expiry, or than now where that is over.
func extended(expiry, now time.Time, by time.Duration) time.Time {
	if expiry.Before(now) {
		expiry = now
	}
	return expiry.Add(by).UTC().Truncate(time.Second)
}

// Protect protects an environment until Unprotect: no sweep removes it, and Remove needs Force. If it is
// protected already, nothing changes. It waits for no lease.
func (m *Manager) Protect(ctx context.Context, e Environment, reason string, o Options) (Environment, error) {
	return m.updateRecord(ctx, e, o, func(r *store.Record) (change, error) {
		if r.Protected != nil {
			return change{}, nil
		}
		r.Protected = &store.Protection{By: o.By, Reason: reason, Since: r.At.UTC()}
		note := "protected" + o.byWhom()
		if why := visible.Line(reason, historyTextLimit); why != "" {
			note += ": " + why
		}
		return change{happenedProtected, reason, note}, nil
	})
}

// Unprotect removes the protection that Protect has set, but not one by a tag. It waits for no lease.
func (m *Manager) Unprotect(ctx context.Context, e Environment, o Options) (Environment, error) {
	return m.updateRecord(ctx, e, o, func(r *store.Record) (change, error) {
		if r.Protected == nil {
			return change{}, nil
		}
		r.Protected = nil
		return change{happenedUnprotected, "", "no longer protected" + o.byWhom()}, nil
	})
}

// change is what a change of a record is called in the history, and how it is told. The zero change is
// worth neither.
type change struct{ what, text, note string }

// updateRecord returns the environment as it is, or with DryRun would be, after the change of its record,
// and tells the announcers. A change that is refused changes nothing. Where the record does not speak of
// the environment, AWS is asked whether it lives: the error is ErrReplaced where another one does.
func (m *Manager) updateRecord(ctx context.Context, e Environment, o Options, alter func(*store.Record) (change, error)) (Environment, error) {
	if e.State.Gone() {
		return e, &GoingError{nameOf(e.Env)}
	}
	s, err := m.store(ctx)
	if err != nil {
		return e, err
	}
	buttons := func() bool { return false }
	if !o.DryRun {
		buttons = m.askForButtons(ctx)
	}
	var done change
	r, err := m.changeProved(ctx, s, e, o, func(r *store.Record) (err error) {
		r.SetEnvironment(e.ID)
		r.Feature, r.Application = e.Feature, e.Application
		if done, err = alter(r); err == nil && done.what != "" {
			note(r, m.happening(o, done.what, done.text))
		}
		return err
	})
	now := m.environment(e.Env, e.Tags, &r)
	if err == nil && done.note != "" && !o.DryRun {
		m.tellChange(ctx, now, done.note, buttons, o)
	}
	return now, err
}

// tellChange tells the announcers what was changed about an environment. Usually they post no message
// for that where there is none.
func (m *Manager) tellChange(ctx context.Context, e Environment, note string, buttons func() bool, o Options) {
	if len(m.announcers()) == 0 {
		return
	}
	n := m.newsOf(presentState(e), e)
	n.Note = note
	switch n.State {
	case NewsFailed:
		n.Reason = e.Own().Outcome.Reason
	case NewsExpiring:
		n.Expires = e.warnedEnd()
	}
	n.Buttons = buttons()
	m.rememberMessages(ctx, e.Name, m.updateMessages(ctx, m.announcers(), *e.Record, n, o.Pressed, o), o)
}

// changeProved is changeRecord for an environment that lives: where the record does not speak of it, AWS
// is asked.
func (m *Manager) changeProved(ctx context.Context, s *store.Store, e Environment, o Options, alter func(*store.Record) error) (store.Record, error) {
	proved := false
	for {
		r, err := changeRecord(ctx, s, e, o.DryRun, func(r *store.Record) error {
			if r.Environment != e.ID && !proved {
				return errUnproved
			}
			return alter(r)
		})
		if !errors.Is(err, errUnproved) {
			return r, err
		}
		if _, err := m.living(ctx, e.Env); err != nil {
			return r, err
		}
		proved = true
	}
}

// errUnproved is returned by a change of a record that is not about the environment.
var errUnproved = errors.New("the record does not speak of the environment")

// changeRecord writes the record as try changes it, or where dry is set returns what it would be. An
// error of try leaves the record as it is.
func changeRecord(ctx context.Context, s *store.Store, e Environment, dry bool, try func(*store.Record) error) (store.Record, error) {
	var refusal error
	alter := func(r *store.Record) {
		changed := *r
		if refusal = try(&changed); refusal == nil {
			*r = changed
		}
	}
	draft := e.draft
	if draft == nil || draft.Age() > readingMaxAge {
		read, err := s.Draft(ctx, e.Name)
		if err != nil {
			return store.Record{}, err
		}
		draft = &read
	}
	if !dry {
		r, err := draft.Change(ctx, alter)
		return r, errors.Join(err, refusal)
	}
	r := draft.Record
	if r.At.IsZero() {
		r.At = time.Now()
	}
	alter(&r)
	return r, refusal
}
