package envs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"beansprout/envs/store"
)

// A warning is told once, and counts only if it was delivered. So it is written down twice: before, as an
// attempt that counts for nothing but keeps other janitors from telling it, too, and after, as delivered.
//
// If it were written only before, a warning that was lost would count. If only after, two janitors would
// both tell it. A janitor that dies in between leaves its attempt, which is over after warnTime: then the
// next one tells it again, because it can't know whether it was delivered. Each announcer is told until it
// has delivered, and not again: those that have are in the attempt. Where the second write fails, the
// Manager remembers them, and its next Warn only writes.

const (
	// warnTime is how long an attempt keeps others from telling the same warning.
	warnTime = 2 * time.Minute
	// warnLatest is when, of it, the telling must have begun, which takes at most announceTime.
	warnLatest = time.Minute
)

// errWarned ends a warning that was delivered before.
var errWarned = errors.New("the warning was delivered before")

// warnings are those that were delivered but could not be written down, by environment.
type warnings struct {
	mu      sync.Mutex
	pending map[string]store.WarningAttempt
}

func (w *warnings) of(id string) store.WarningAttempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending[id]
}

func (w *warnings) set(id string, a store.WarningAttempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.pending, id); len(a.Told) == 0 {
		return
	}
	if w.pending == nil {
		w.pending = map[string]store.WarningAttempt{}
	}
	w.pending[id] = a
}

// Warn tells every announcer that the environment will be removed when it expires, or at the Until of
// the options if that is earlier, for their reason. It returns nil only when all have delivered it and the record says so. A second Warn of the
// same expiry tells nothing. The error is a *ProtectedError if the environment is protected, and wraps
// ErrNotReady while another process warns. Without announcers there is no one to be warned. What only
// displays is told, too, and counts for nothing.
func (m *Manager) Warn(ctx context.Context, e Environment, o Options) error {
	if !m.Announces() || o.DryRun {
		return nil
	}
	if e.State.Gone() {
		return &GoingError{nameOf(e.Env)}
	}
	buttons, began := m.askForButtons(ctx), time.Now()
	now, err := m.claimWarning(ctx, e, o)
	if errors.Is(err, errWarned) {
		return nil
	}
	if err == nil {
		n := m.newsOf(NewsExpiring, now)
		if n.Reason, n.Buttons, n.Expires = o.Reason, buttons(), now.Record.Attempt.Expires; time.Since(began) > warnLatest {
			err = fmt.Errorf("%w: it took too long to find out whether another process warns of it", ErrNotReady)
		} else {
			err = m.tellWarning(ctx, now, n, o)
		}
	}
	if err != nil {
		return fmt.Errorf("warn of the end of environment %s: %w", e.Name, err)
	}
	return nil
}

// end returns when an environment will be removed.
func (o Options) end(e Environment) time.Time {
	if !o.Until.IsZero() && o.Until.Before(e.Expires) {
		return o.Until
	}
	return e.Expires
}

// claimWarning writes into the record that this process is about to warn, and returns the environment as
// it is then. The error is errWarned where there is nothing to be done.
func (m *Manager) claimWarning(ctx context.Context, e Environment, o Options) (Environment, error) {
	s, err := m.store(ctx)
	if err != nil {
		return e, err
	}
	token := rand.Text()
	r, err := m.changeProved(ctx, s, e, o, func(r *store.Record) error {
		r.SetEnvironment(e.ID)
		r.Feature, r.Application = e.Feature, e.Application
		end := o.end(m.environment(e.Env, e.Tags, r))
		a, age := r.Attempt, time.Duration(0)
		if a == nil || !a.Expires.Equal(end) {
			a = &store.WarningAttempt{}
		}
		if !a.At.IsZero() {
			age = r.At.Sub(a.At)
		}
		pending := m.warnings.of(e.ID)
		switch {
		case r.Warned != nil && r.Warned.Expires.Equal(end):
			return errWarned
		case end.IsZero():
			return errors.New("it never expires")
		case protection(e.Env, e.Tags, r) != "":
			return refuseProtected(e.Env, e.Tags, r)
		case !a.At.IsZero() && a.Token != pending.Token && a.Token != token && age >= 0 && age < warnTime:
			return fmt.Errorf("%w: another process warns of it", ErrNotReady)
		}
		told := a.Told
		if pending.Expires.Equal(end) {
			told = sortedUnion(told, pending.Told)
		}
		r.Attempt = &store.WarningAttempt{At: r.At.UTC(), Expires: end.UTC(), Token: token, Told: told}
		return nil
	})
	return m.environment(e.Env, e.Tags, &r), err
}

// tellWarning tells the announcers that have not delivered the warning yet, and writes down what came of it.
func (m *Manager) tellWarning(ctx context.Context, e Environment, n News, o Options) error {
	attempt := *e.Record.Attempt
	var announcers []string
	for announcer := range m.config.Announcers {
		if !slices.Contains(attempt.Told, announcer) {
			announcers = append(announcers, announcer)
		}
	}
	refs, failures := map[string]MessageRef{}, []error(nil)
	for _, d := range m.deliver(ctx, announcers, *e.Record, n) {
		if d.moved {
			refs[d.announcer] = d.ref
		}
		if failures = append(failures, d.err); d.err == nil {
			attempt.Told = append(slices.Clone(attempt.Told), d.announcer)
		}
	}
	err := errors.Join(failures...)
	now, unwritten := m.writeWarning(ctx, e, attempt, refs, err == nil, o)
	if unwritten != nil {
		m.warnings.set(e.ID, attempt)
		return errors.Join(err, unwritten)
	}
	m.warnings.set(e.ID, store.WarningAttempt{})
	if err == nil {
		m.rememberMessages(ctx, e.Name, m.updateMessages(ctx, m.config.Displays, *now.Record, n, false, o), o)
	}
	if !o.end(now).Equal(attempt.Expires) || now.Protected() {
		m.tellChange(ctx, now, "changed while it was announced that it expires", func() bool { return n.Buttons }, o)
	}
	return err
}

// writeWarning writes down what came of a warning: that it was delivered, at S3's time, or who has
// delivered it, so that the others can be told at once. It returns the environment as it is then.
func (m *Manager) writeWarning(ctx context.Context, e Environment, attempt store.WarningAttempt, refs map[string]MessageRef, delivered bool, o Options) (Environment, error) {
	ctx, cancel := lastWords(ctx, announceTime, overtime)
	defer cancel()
	s, err := m.store(ctx)
	if err != nil {
		return e, err
	}
	replaced := false
	r, err := s.Change(ctx, e.Name, func(r *store.Record) {
		if replaced = r.Environment != e.ID; replaced {
			return
		}
		setMessages(r, refs)
		switch {
		case delivered:
			r.Attempt, r.Warned = nil, &store.Warning{At: r.At.UTC(), Expires: attempt.Expires}
			r.Note(m.happening(o, happenedWarned, "it expires at "+attempt.Expires.Format(time.RFC3339)))
		case r.Attempt != nil && r.Attempt.Token == attempt.Token:
			r.Attempt = &store.WarningAttempt{Expires: attempt.Expires, Told: attempt.Told}
		}
	})
	if err == nil && replaced {
		err = ErrReplaced
	}
	return m.environment(e.Env, e.Tags, &r), err
}

// NoteMissing writes down since when the branch of the environment's feature has been missing; the zero
// time, that it is not.
func (m *Manager) NoteMissing(ctx context.Context, e Environment, since time.Time, o Options) error {
	if e.Record != nil && e.Own().MissingSince.Equal(since) {
		return nil
	}
	_, err := m.updateRecord(ctx, e, o, func(r *store.Record) (change, error) {
		r.MissingSince = since.UTC().Truncate(time.Second)
		return change{}, nil
	})
	return err
}

// ErrPressed is reported when a button was pressed before.
var ErrPressed = errors.New("the button was pressed before")

// Press notes that the button with this token, which asks for what, was pressed, by whom the options say. It is one
// about an environment that lives or can be restored. The error is ErrPressed the second time, and ErrReplaced if another environment
// lives under the name. Of several that press at the same time, one succeeds.
func (m *Manager) Press(ctx context.Context, e Environment, token, what string, o Options) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	proved := false
	press := func(r *store.Record) error {
		if removed := r.Restorable != nil && r.Restorable.ID == e.ID; r.Environment != e.ID && !removed && !proved {
			return errUnproved
		}
		if !r.Press(token) {
			return ErrPressed
		}
		h := m.happening(o, HappenedPressed, what)
		h.ID = e.ID
		r.Note(h)
		return nil
	}
	_, err = changeRecord(ctx, s, e, false, press)
	if !errors.Is(err, errUnproved) {
		return err
	}
	if _, err := m.living(ctx, e.Env); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	proved = true
	_, err = changeRecord(ctx, s, e, false, press)
	return err
}
