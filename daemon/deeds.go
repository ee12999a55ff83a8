package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"beansprout/envs"
	"beansprout/notify"
	"beansprout/visible"
)

// deed is what a person asks for: with a button of a message, or on the board.
type deed struct {
	action      notify.Action
	application string // this and the next three say which environment is meant: no later one of its name
	feature     string
	name        string
	id          string
	token       string // the deed is done once
	version     string // that a rollback deploys; "" is the one before
	reason      string // of a protection

	user   string // id of the person in Slack
	person string // their name, as others wrote it
	place  string // where they asked, as the end of a sentence
}

// actionRollback is an action of the board's alone.
const actionRollback notify.Action = "rollback"

// by returns who asks, and where: the id where no name is known.
func (x deed) by() string {
	who := visible.Line(x.person, 80)
	if who == "" {
		who = visible.Line(x.user, 80)
	}
	return who + " " + x.place
}

// refused is why nothing was done, in words for who asked for it.
type refused string

func (r refused) Error() string { return string(r) }

// The results of deeds in logs and metrics, and on the board.
const (
	deedDone    = "done"
	deedRefused = "refused"
	deedFailed  = "failed"
)

// resultOf returns how a deed has ended.
func resultOf(err error) string {
	if _, no := errors.AsType[refused](err); no {
		return deedRefused
	}
	if err != nil {
		return deedFailed
	}
	return deedDone
}

// do does what a person asks for, once and only to the environment that is meant.
func (d *Daemon) do(ctx context.Context, s *service, x deed) error {
	if !d.config.Live {
		return errReports
	}
	e, err := find(ctx, s.Manager, x)
	if err != nil {
		return err
	}
	o := envs.Options{By: x.by(), Progress: d.progress(s, e)}
	if err := s.Manager.Press(ctx, e, x.token, string(x.action), o); errors.Is(err, envs.ErrPressed) {
		return refused("this button was pressed before, and acts once")
	} else if err != nil {
		return inWords(err)
	}
	return inWords(d.act(ctx, s, e, x, o))
}

// pick returns what serves an application among some services: its own, or the one of all applications. It is
// nil where there is neither.
func pick(some []*service, application string) (all *service) {
	for _, s := range some {
		switch s.Manager.Application() {
		case application:
			return s
		case "":
			all = s
		}
	}
	return all
}

const errReports = refused("this janitor only reports, and changes nothing")

// conclude counts and logs what came of a deed. s is nil where it is for none of the applications.
func (d *Daemon) conclude(s *service, x deed, began time.Time, err error) {
	if d.board != nil && err == nil {
		d.board.Changed()
	}
	action, result, took := string(x.action), resultOf(err), time.Since(began)
	if action == "" {
		action = "unknown"
	}
	d.metrics.pressed(action, result, took)
	attrs := []any{"action", action, "result", result, "place", x.place, "user", x.user, "name", x.person,
		"application", x.application, "feature", x.feature, "environment", x.name, "id", x.id, "seconds", took.Seconds()}
	if err == nil {
		d.log.Info("press", attrs...)
		return
	}
	d.log.Warn("press", append(attrs, "error", err.Error())...)
}

// find looks up the environment that is meant.
func find(ctx context.Context, m *envs.Manager, x deed) (envs.Environment, error) {
	look := m.Get
	if x.action == notify.ActionRestore {
		look = m.Restorable
	}
	e, err := look(ctx, x.application, x.feature)
	if err != nil && !errors.Is(err, envs.ErrNotFound) {
		return e, err
	}
	if e.ID == "" || e.ID != x.id || e.Name != x.name { // what is missing has no id
		return e, refused(fmt.Sprintf("it was made for environment %s, and that is no more what is there", visible.Line(x.id, 40)))
	}
	return e, nil
}

// act does to an environment what was asked for.
func (d *Daemon) act(ctx context.Context, s *service, e envs.Environment, x deed, o envs.Options) (err error) {
	switch x.action {
	case notify.ActionExtend:
		_, err = s.Manager.Extend(ctx, e, notify.ExtendBy, o)
	case notify.ActionProtect:
		_, err = s.Manager.Protect(ctx, e, x.reason, o)
	case notify.ActionUnprotect:
		_, err = s.Manager.Unprotect(ctx, e, o)
	case notify.ActionRemove:
		var receipt envs.Receipt
		receipt, err = s.Manager.Remove(ctx, e, envs.RemoveOptions{Options: o})
		d.metrics.removedByPress(s.name, err)
		d.log.Info("removed", "application", s.name, "environment", e.Name, "id", e.ID, "feature", e.Feature, "by", o.By, "receipt", receipt)
	case notify.ActionRestore:
		var r envs.Result
		if r, err = s.Manager.Restore(ctx, e, envs.RestoreOptions{Options: o, Check: s.Check}); err == nil {
			err = overtaken(r)
		}
	case actionRollback:
		var r envs.Result
		if r, err = s.Manager.Rollback(ctx, e, envs.RollbackOptions{Options: o, To: x.version, Check: s.Check}); err == nil {
			err = overtaken(r)
		}
	default:
		err = refused("this version does not know what that is")
	}
	return err
}

// overtaken returns why an operation was given up for a later one, nil where it was not.
func overtaken(r envs.Result) error {
	if r.Outcome != envs.Superseded {
		return nil
	}
	return refused("a later request has made it pointless: " + r.Reason)
}

// inWords makes a refusal of an error of the manager's that means that nothing was done.
func inWords(err error) error {
	_, protected := errors.AsType[*envs.ProtectedError](err)
	_, long := errors.AsType[*envs.LongError](err)
	_, going := errors.AsType[*envs.GoingError](err)
	_, superseded := errors.AsType[*envs.SupersededError](err)
	_, unrestorable := errors.AsType[*envs.UnrestorableError](err)
	_, version := errors.AsType[*envs.VersionError](err)
	if protected || long || going || superseded || unrestorable || version || errors.Is(err, envs.ErrReplaced) ||
		errors.Is(err, envs.ErrAlive) || errors.Is(err, envs.ErrForever) || errors.Is(err, envs.ErrNoVersion) {
		return refused(err.Error())
	}
	return err
}

// progress logs what an operation has to say to people.
func (d *Daemon) progress(s *service, e envs.Environment) func(envs.Event) {
	return func(event envs.Event) {
		switch event.Kind {
		case envs.Note:
			d.log.Info(event.Text, "application", s.name, "environment", e.Name)
		case envs.Warning:
			d.log.Warn(event.Text, "application", s.name, "environment", e.Name)
		}
	}
}
