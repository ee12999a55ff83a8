package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"beansprout/envs"
	"beansprout/notify"
	"beansprout/visible"
)

// refused is why nothing was done, in words for who pressed the button.
type refused string

func (r refused) Error() string { return string(r) }

// The results of presses in logs and metrics.
const (
	pressDone    = "done"
	pressRefused = "refused"
	pressFailed  = "failed"
)

// handle does what a press asks for. The environment's message tells what came of it; what was not done
// is told in the message's thread.
func (d *Daemon) handle(ctx context.Context, p press) {
	began := time.Now()
	b, s, err := d.read(ctx, p)
	if err == nil {
		err = d.carryOut(ctx, s, b, p)
	}
	action, result := "unknown", pressDone
	if b.Action != "" {
		action = string(b.Action)
	}
	if _, no := errors.AsType[refused](err); no {
		result = pressRefused
	} else if err != nil {
		result = pressFailed
	}
	d.metrics.pressed(action, result, time.Since(began))
	attrs := []any{"action", action, "result", result, "user", p.user, "name", p.name,
		"application", b.Application, "feature", b.Feature, "environment", b.Name, "id", b.ID, "seconds", time.Since(began).Seconds()}
	if err == nil {
		d.log.Info("press", attrs...)
		return
	}
	d.log.Warn("press", append(attrs, "error", err.Error())...)
	d.reply(ctx, s, p, complaint(b, p, err))
}

const (
	replyTime  = 30 * time.Second // Slack takes one message a second and channel
	maxReplies = 200              // that may wait for Slack
)

// reply says something in the thread of the message whose button was pressed. It does not wait for
// Slack: other presses must not.
func (d *Daemon) reply(ctx context.Context, s *service, p press, text string) {
	slack := d.anySlack(s)
	if slack == nil {
		return
	}
	select {
	case d.replying <- struct{}{}:
	default:
		d.log.Warn("reply", "error", "too many replies wait for Slack")
		return
	}
	slack = slack.In(p.at.Channel)
	slack.Limit = replyTime
	d.replies.Go(func() {
		defer func() { <-d.replying }()
		if err := slack.Reply(context.WithoutCancel(ctx), p.at, d.config.Mask(text)); err != nil {
			d.log.Warn("reply", "error", err.Error())
		}
	})
}

// anySlack returns what can reply to a press for s, which is nil where it is for none of ours.
func (d *Daemon) anySlack(s *service) *notify.Slack {
	if s != nil {
		return s.Slack
	}
	for _, s := range d.services {
		if s.Slack != nil {
			return s.Slack
		}
	}
	return nil
}

// complaint says what was not done, and why.
func complaint(b notify.Button, p press, err error) string {
	who := visible.Line(p.name, 80)
	if who == "" {
		who = "Somebody"
	}
	what := "a button"
	if b.Action != "" {
		what = fmt.Sprintf("%q", b.Action)
	}
	if _, no := errors.AsType[refused](err); no {
		return fmt.Sprintf("Nothing was done. %s pressed %s: %v.", who, what, err)
	}
	return fmt.Sprintf("It failed. %s pressed %s: %v", who, what, err)
}

// read returns what a button is for, and who serves that.
func (d *Daemon) read(ctx context.Context, p press) (b notify.Button, s *service, err error) {
	err = notify.ErrButton
	for _, s := range d.services {
		if s.Slack == nil {
			continue
		}
		if b, err = s.Slack.ParseButton(p.value); err == nil {
			break
		}
	}
	switch {
	case err != nil:
		return b, nil, refused(err.Error())
	case b.Action == notify.ActionTest:
		return b, nil, nil
	}
	s, err = d.serving(ctx, b)
	return b, s, err
}

// serving returns the application that a button is for.
func (d *Daemon) serving(ctx context.Context, b notify.Button) (*service, error) {
	var all *service
	for _, s := range d.services {
		account, err := s.Manager.Account(ctx)
		if err != nil {
			return nil, err
		}
		if s.Slack == nil || account != b.Account || s.Manager.Region() != b.Region {
			continue
		}
		switch s.Manager.Application() {
		case b.Application:
			return s, nil
		case "":
			all = s
		}
	}
	if all == nil {
		return nil, refused(fmt.Sprintf("the janitor that Slack handed it to does not serve application %q of account %s in %s; "+
			"each account and region needs a Slack app of its own", b.Application, b.Account, b.Region))
	}
	return all, nil
}

// carryOut does what a button asks for, once and only to the environment that it was made for.
func (d *Daemon) carryOut(ctx context.Context, s *service, b notify.Button, p press) error {
	if b.Action == notify.ActionTest {
		return d.anySlack(nil).Settle(ctx, p.at, "✅ The press has arrived at the janitor.")
	}
	if len(s.Users) > 0 && !slices.Contains(s.Users, p.user) {
		return refused("only the users that slack.users lists may do that")
	}
	if !d.config.Live {
		return refused("this janitor only reports, and changes nothing")
	}
	e, err := find(ctx, s.Manager, b)
	if err != nil {
		return err
	}
	o := envs.Options{By: presser(p) + " in Slack", Progress: d.progress(s, e)}
	if err := s.Manager.Press(ctx, e, b.Token, o); errors.Is(err, envs.ErrPressed) {
		return refused("this button was pressed before, and acts once")
	} else if err != nil {
		return err
	}
	return d.act(ctx, s, e, b.Action, o)
}

// presser returns the name of who pressed a button, or the id where Slack tells no name.
func presser(p press) string {
	if name := visible.Line(p.name, 80); name != "" {
		return name
	}
	return visible.Line(p.user, 80)
}

// find looks up the environment that a button was made for.
func find(ctx context.Context, m *envs.Manager, b notify.Button) (envs.Environment, error) {
	look := m.Get
	if b.Action == notify.ActionRestore {
		look = m.Restorable
	}
	e, err := look(ctx, b.Application, b.Feature)
	if err != nil && !errors.Is(err, envs.ErrNotFound) {
		return e, err
	}
	if e.ID != b.ID || e.Name != b.Name { // what is missing has no id
		return e, refused(fmt.Sprintf("it was made for environment %s, and that is no more what is there", visible.Line(b.ID, 40)))
	}
	return e, nil
}

// act does what a button asks for.
func (d *Daemon) act(ctx context.Context, s *service, e envs.Environment, action notify.Action, o envs.Options) (err error) {
	switch action {
	case notify.ActionExtend:
		_, err = s.Manager.Extend(ctx, e, notify.ExtendBy, o)
	case notify.ActionProtect:
		_, err = s.Manager.Protect(ctx, e, "", o)
	case notify.ActionUnprotect:
		_, err = s.Manager.Unprotect(ctx, e, o)
	case notify.ActionRemove:
		var receipt envs.Receipt
		receipt, err = s.Manager.Remove(ctx, e, envs.RemoveOptions{Options: o})
		d.metrics.removedByPress(s.name, err)
		d.log.Info("removed", "application", s.name, "environment", e.Name, "id", e.ID, "feature", e.Feature, "by", o.By, "receipt", receipt)
	case notify.ActionRestore:
		_, err = s.Manager.Restore(ctx, e, envs.RestoreOptions{Options: o, Check: s.Check})
	default:
		err = refused("this version does not know what that is")
	}
	return inWords(err)
}

// inWords makes a refusal of an error of the manager's that means that nothing was done.
func inWords(err error) error {
	_, protected := errors.AsType[*envs.ProtectedError](err)
	_, long := errors.AsType[*envs.LongError](err)
	_, going := errors.AsType[*envs.GoingError](err)
	_, superseded := errors.AsType[*envs.SupersededError](err)
	_, unrestorable := errors.AsType[*envs.UnrestorableError](err)
	if protected || long || going || superseded || unrestorable || errors.Is(err, envs.ErrReplaced) || errors.Is(err, envs.ErrAlive) {
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
