package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"beansprout/notify"
	"beansprout/visible"
)

// handle does what a press asks for. The environment's message tells what came of it; what was not done
// is told in the message's thread.
func (d *Daemon) handle(ctx context.Context, p press) {
	began := time.Now()
	b, s, err := d.read(ctx, p)
	x := deedOf(b, p)
	if err == nil {
		err = d.carryOut(ctx, s, b, p)
	}
	d.conclude(s, x, began, err)
	if err != nil {
		d.reply(ctx, s, p, complaint(b, p, err))
	}
}

// deedOf returns what the press of a button asks for.
func deedOf(b notify.Button, p press) deed {
	return deed{
		action: b.Action, application: b.Application, feature: b.Feature, name: b.Name, id: b.ID, token: b.Token,
		user: p.user, person: p.name, place: "in Slack",
	}
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
	var there []*service
	for _, s := range d.services {
		account, err := s.Manager.Account(ctx)
		if err != nil {
			return nil, err
		}
		if s.Slack != nil && account == b.Account && s.Manager.Region() == b.Region {
			there = append(there, s)
		}
	}
	if s := pick(there, b.Application); s != nil {
		return s, nil
	}
	return nil, refused(fmt.Sprintf("the janitor that Slack handed it to does not serve application %q of account %s in %s; "+
		"each account and region needs a Slack app of its own", b.Application, b.Account, b.Region))
}

// carryOut does what a button asks for, if the user may.
func (d *Daemon) carryOut(ctx context.Context, s *service, b notify.Button, p press) error {
	if b.Action == notify.ActionTest {
		return d.anySlack(nil).Settle(ctx, p.at, "✅ The press has arrived at the janitor.")
	}
	if len(s.Users) > 0 && !slices.Contains(s.Users, p.user) {
		return refused("only the users that slack.users lists may do that")
	}
	return d.do(ctx, s, deedOf(b, p))
}
