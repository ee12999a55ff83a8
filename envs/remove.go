package envs

import (
	"context"
	"errors"
	"strings"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// RemoveOptions are those of Remove.
type RemoveOptions struct {
	Options
	Force  bool // also where the environment is protected
	NoWait bool // return when AWS has begun; a sweep removes what belongs to the environment later
	Purge  bool // also what Restore needs
}

// Remove removes the environment, then its versions, their bundles and its image tags, except what
// Restore needs. The record stays: it orders later requests and says what Restore needs. The receipt
// lists what was removed, what stays and why, also together with an error. It is no error if something
// has gone already, so another Remove completes an interrupted one.
//
// Remove tells a running deploy through the record that it is superseded, and waits for it. The error
// is a *SupersededError if a later deploy was requested meanwhile, a *ProtectedError if the environment
// is protected, and wraps ErrReplaced if another one lives under its name. Then nothing was removed. An
// Environment without an ID, as Find returns it, stands for whatever is left under its name.
func (m *Manager) Remove(ctx context.Context, e Environment, o RemoveOptions) (Receipt, error) {
	m = m.of(e.Application)
	s, err := m.store(ctx)
	if err != nil {
		return emptyReceipt(e.Env), err
	}
	r := m.newRemoval(s, e.Env, o.Options)
	r.noWait, r.keepRestorable, r.refuse = o.NoWait, !o.Purge, refuseProtected
	if o.Force {
		r.refuse = func(Env, Tags, *store.Record) error { return nil }
	}
	if o.DryRun {
		return r.receipt, r.refuseUnread(ctx, e)
	}
	if e.ID == "" && e.Record != nil && e.Record.Counter == 0 {
		return r.receipt, r.runWithoutRecord(ctx)
	}
	r.buttons = m.askForButtons(ctx)
	requested, err := r.withdraw(ctx, e)
	if err != nil {
		return r.receipt, err
	}
	err = m.withLease(ctx, e.Name, request{
		verb:   "down",
		change: func(rec *store.Record) { rec.RemovalStarted = rec.At.UTC() },
		decide: func(now store.Record) error { return removalSupersededBy(requested, now) },
		last:   r.conclude,
	}, o.Options, func(ctx context.Context, l *lease) error {
		r.taken = l.taken
		if err := r.prove(ctx); err != nil {
			return err
		}
		return r.run(ctx)
	})
	return r.receipt, err
}

// refuseUnread refuses to remove a protected environment, by what was looked up and by what was not
// read then.
func (r *removal) refuseUnread(ctx context.Context, e Environment) error {
	if e.ID == "" {
		return nil
	}
	if e.Tags == nil && !e.State.Gone() {
		proved, tags, err := r.manager.identify(ctx, e.Env)
		if err != nil {
			return err
		}
		e.Env, e.Tags = proved, tags
	}
	if e.Record == nil {
		rec, err := r.store.Read(ctx, e.Name)
		if err != nil && !errors.Is(err, store.ErrGarbage) {
			return err
		}
		e.Record = &rec
	}
	return r.refuse(e.Env, e.Tags, e.Record)
}

// withdraw notes in the record that the feature is not wanted any more, and returns the record as it
// is then. Of a protected or another environment it notes nothing.
func (r *removal) withdraw(ctx context.Context, e Environment) (store.Record, error) {
	proved := e.ID == ""
	for {
		requested, err := changeRecord(ctx, r.store, e, false, func(rec *store.Record) error {
			if !proved && rec.Environment != e.ID {
				return errUnproved
			}
			if err := r.refuse(e.Env, e.Tags, rec); err != nil {
				return err
			}
			rec.Feature, rec.Application = e.Feature, e.Application
			rec.Removals++
			return nil
		})
		if !errors.Is(err, errUnproved) {
			return requested, err
		}
		if _, err := r.manager.living(ctx, e.Env); err != nil && !errors.Is(err, ErrNotFound) {
			return requested, err
		}
		proved = true
	}
}

// removalSupersededBy returns the *SupersededError of a removal that is pointless by now, nil while it
// is not. requested is the record as it was when the removal was asked for, now as it is now.
func removalSupersededBy(requested, now store.Record) error {
	if now.Deployed > max(requested.RequestNumber, requested.Deployed) {
		return &SupersededError{"a later up has deployed commit " + commitName(now.Commit)}
	}
	return nil
}

// runWithoutRecord removes what is left of an environment that has no record. There is no deploy to
// be told, and no lease to be had without making a record.
func (r *removal) runWithoutRecord(ctx context.Context) error {
	if err := r.keepLast(ctx); err != nil {
		return err
	}
	return r.run(ctx)
}

// prove reads again what is to be removed, under the lease. Where nothing lives under the name any
// more, what is left of the environment is still to be removed.
func (r *removal) prove(ctx context.Context) error {
	known := r.manager.recordedID(r.env.Name)
	if r.env.ID != "" {
		known = func(context.Context) string { return r.env.ID }
	}
	began := time.Now()
	now, err := r.manager.beanstalk.Find(ctx, r.env.Name, known)
	if errors.Is(err, ErrNotFound) {
		r.env.ID, r.noWait = "", false
		if err := certainlyGone(err); err != nil {
			return err
		}
		return r.keepLast(ctx)
	}
	if err != nil {
		return err
	}
	if r.env.ID != "" && now.ID != r.env.ID {
		return errorOf(r.env, ErrReplaced)
	}
	return r.confirm(ctx, now, began)
}

// Expire removes an expired candidate like Remove, but waits for no other operation. Under the lease it
// reads the environment, its tags and its record again. It removes the environment only if nothing in
// them keeps it, if it has not changed since the survey, and if keep, called with this reading and
// AWS's time, returns no reason. Otherwise the error is a *KeptError, and nothing was removed. With
// DryRun it decides the same way without the lease.
func (m *Manager) Expire(ctx context.Context, c Candidate, keep func(Environment, time.Time) string, o Options) (Receipt, error) {
	m = m.of(c.Environment.Application)
	s, err := m.store(ctx)
	if err != nil {
		return emptyReceipt(c.Environment.Env), err
	}
	r := m.newRemoval(s, c.Environment.Env, o)
	r.yields, r.keepRestorable, r.why = true, true, "its days were over"
	r.refuse = func(e Env, tags Tags, rec *store.Record) error { return m.refuseUnexpired(c, keep, e, tags, rec) }
	if o.DryRun || !c.Proved {
		// A lease writes a record, and there must be none under the name of what is not ours.
		if err := r.look(ctx); err != nil || o.DryRun {
			return r.receipt, err
		}
	}
	r.buttons = m.askForButtons(ctx)
	var tried time.Time
	err = m.withLease(ctx, c.Environment.Name, request{
		verb: "janitor", noWait: true,
		change: func(rec *store.Record) { tried, rec.RemovalStarted = rec.RemovalStarted, rec.At.UTC() },
		last: func(rec *store.Record, err error) {
			if _, kept := errors.AsType[*KeptError](err); kept {
				rec.RemovalStarted = tried
			}
			r.conclude(rec, err)
		},
	}, o, func(ctx context.Context, l *lease) error {
		r.taken = l.taken
		if err := r.look(ctx); err != nil {
			return err
		}
		return r.run(ctx)
	})
	return r.receipt, err
}

// refuseUnexpired refuses to remove a candidate that something keeps. Under the lease the record names
// that lease: no other operation can have one then.
func (m *Manager) refuseUnexpired(c Candidate, keep func(Environment, time.Time) string, e Env, tags Tags, rec *store.Record) error {
	reason := keep(m.environment(e, tags, rec), rec.At)
	if reason == "" {
		reason = mayGo(e, tags, rec)
	}
	if reason == "" && changed(c.Environment.Env, e) {
		reason = justChanged
	}
	if reason != "" {
		return &KeptError{Environment: e.Name, Reason: reason}
	}
	return nil
}

const (
	justChanged = "has just changed: next sweep"
	unreadable  = "what is known about it can't be read"
)

// look is the first look at a candidate. What can't be read keeps it.
func (r *removal) look(ctx context.Context) error {
	began := time.Now()
	now, err := r.manager.beanstalk.Get(ctx, r.env.ID)
	if errors.Is(err, ErrNotFound) {
		return &KeptError{Environment: r.env.Name, Reason: "is gone already"}
	}
	if err == nil {
		err = r.confirm(ctx, now, began)
	}
	if kept, ok := errors.AsType[*KeptError](err); ok || err == nil {
		if ok {
			return kept
		}
		return nil
	}
	if errors.Is(err, ErrNotOurs) {
		why := errors.Unwrap(err) // without the name of the environment
		return &KeptError{Environment: r.env.Name, Reason: why.Error(), Err: why}
	}
	return &KeptError{Environment: r.env.Name, Reason: unreadable, Err: err}
}

// changed reports whether another operation changed an environment between two readings by its id.
func changed(was, now Env) bool { return now.Version != was.Version || !now.Updated.Equal(was.Updated) }

// terminateBroken removes an environment whose launch failed, unless it is healthy or protected by
// now. wait waits for the termination that has begun.
func (m *Manager) terminateBroken(ctx context.Context, l *lease, e Env, o Options, wait func(context.Context, beanstalk.Operation) error) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	r := m.newRemoval(s, e, o)
	r.taken, r.refuse = l.taken, func(e Env, tags Tags, rec *store.Record) error {
		if beanstalk.Healthy(e) {
			return errorOf(e, errors.New("its launch had failed, but it is healthy now"))
		}
		if reason := protection(e, tags, rec); reason != "" {
			return &ProtectedError{Environment: nameOf(e), Reason: reason, Launch: true}
		}
		return nil
	}
	if err := r.confirmAgain(ctx); err != nil {
		return err
	}
	op, err := r.lease.beanstalk.Terminate(ctx, r.env)
	if err == nil {
		err = wait(ctx, op)
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Receipt says what a removal took away, what stayed, and why.
type Receipt struct {
	Environment string     `json:"environment"`
	Removed     []string   `json:"removed"`
	Retained    []Retained `json:"kept"`
}

// Retained is one thing that a removal left where it was.
type Retained struct {
	Item   string `json:"item"`
	Reason string `json:"reason"`
}

// String returns the receipt as one sentence.
func (r Receipt) String() string {
	var parts []string
	if len(r.Removed) > 0 {
		parts = append(parts, "removed "+strings.Join(r.Removed, ", "))
	}
	for _, k := range r.Retained {
		parts = append(parts, "kept "+k.Item+": "+k.Reason)
	}
	return strings.Join(parts, "; ")
}

// Remove notes that item was taken away.
func (r *Receipt) Remove(item string) { r.Removed = append(r.Removed, item) }

// Retain notes that item stayed, and why.
func (r *Receipt) Retain(item, reason string) {
	r.Retained = append(r.Retained, Retained{item, reason})
}
