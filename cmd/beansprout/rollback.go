package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/builder/ecr"
	"beansprout/cmd/beansprout/checkout"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

func rollbackCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "rollback",
		Usage:     "deploy the version that ran before, wait, announce; print the URL",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing),
			&cli.StringFlag{Name: "to", Usage: "the version with this `LABEL`, instead of the one before"},
		},
		Action: rollback,
	})
}

func rollback(c *cli.Context) error {
	if c.IsSet("to") && c.String("to") == "" {
		return hint(usageErrorf("the version's label is empty"), "leave --to out to mean the version before")
	}
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	w, err := s.wayBack(c.Context, m, c.String("to"))
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return w.plan(c)
	}
	r, err := w.run(c.Context)
	if err != nil {
		return w.failed(c.Context, r.env, err)
	}
	w.slack.close()
	s.talk.close()
	return w.print(c, r)
}

// wayBack is one run of rollback: an environment on its way to a version that is there.
type wayBack struct {
	*deployment
	to     ledger.Run
	images []runningImage
}

// wayBack finds out which version is meant, and refuses early what can't be deployed.
func (s *session) wayBack(ctx context.Context, m member, label string) (*wayBack, error) {
	if m.State.Gone() {
		return nil, hint(environmentError(m.Env, errGoing), "beansprout up makes a new one")
	}
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return nil, err
	}
	m = s.recalled(ctx, m)
	to := m.ran(label)
	if to.Version == "" {
		return nil, hint(environmentError(m.Env, errors.New("no version is known that ran before")), "say which one with --to LABEL, or run up on the commit that is wanted")
	}
	v, err := s.version(ctx, m, to.Version)
	if err != nil {
		return nil, err
	}
	was := envs.ParseDeployed(envs.Env{Description: v.Description}, m.Feature)
	to.Commit = cmp.Or(to.Commit, was.Commit)
	w := &wayBack{deployment: &deployment{
		session: s, feature: m.Feature, name: m.Name, checkout: checkout.Checkout{Commit: to.Commit, Author: cmp.Or(was.Owner, m.Owner)},
		ledger: l, took: map[string]float64{}, started: time.Now(),
	}, to: to}
	if w.images, err = s.imagesOf(ctx, m, v, to); err != nil {
		return nil, err
	}
	w.to.Images = liveTagsOf(w.images)
	return w, nil
}

// run draws a ticket, as up does, and deploys in its turn.
func (w *wayBack) run(ctx context.Context) (r result, err error) {
	w.asked, err = w.ledger.Change(ctx, w.name, func(r *ledger.Record) { r.Draw(w.to.Commit) })
	if err != nil {
		return r, err
	}
	w.slack = w.announcer(ctx, w.ledger, w.name, w.asked.Message)
	for _, i := range w.images {
		r.images = append(r.images, i.Image)
	}
	err = w.inTurn(ctx, "rollback", &r, func(held context.Context) error { return w.perform(held, &r) }, func(rec *ledger.Record, err error) {
		if ctx.Err() == nil { // otherwise AWS goes on, and so does the next rollback
			w.conclude(rec, "rollback", r, w.to, err)
		}
	})
	return w.concluded(r, err)
}

// perform protects the images from expiring, deploys the version, and takes the tags off the
// images that neither run then nor ran before.
func (w *wayBack) perform(ctx context.Context, r *result) error {
	if err := w.protect(ctx); err != nil {
		return err
	}
	if err := w.redeploy(ctx, r); err != nil {
		return err
	}
	r.env.Commit = w.to.Commit
	if err := w.check(ctx, r.env.URL()); err != nil {
		return err
	}
	rec := w.record
	w.conclude(&rec, "rollback", *r, w.to, nil)
	if len(rec.Images)+len(rec.Before.Images) == 0 {
		return nil
	}
	if err := w.untag(ctx, slices.Concat(rec.Images, rec.Before.Images)); err != nil && ctx.Err() == nil {
		w.talk.say("warning: %v", err)
	}
	return nil
}

func (w *wayBack) protect(ctx context.Context) error {
	for _, i := range w.images {
		err := w.registry.Tag(ctx, w.repository(), i.Digest, i.tag)
		if errors.Is(err, ecr.ErrNoImage) {
			return imageGone(w.to.Version, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// redeploy deploys as soon as the environment may be changed.
func (w *wayBack) redeploy(ctx context.Context, r *result) error {
	for {
		var err error
		if r.env, r.kept, err = w.living(ctx); err != nil {
			return err
		}
		if r.env.Version == w.to.Version && beanstalk.Healthy(r.env) {
			r.outcome = unchanged
			return nil
		}
		r.outcome = deployed
		if err := w.begin(ctx); err != nil {
			return err
		}
		op, err := w.beanstalk.Deploy(ctx, r.env, w.to.Version, w.description())
		switch {
		case err == nil:
			r.env, err = w.wait(ctx, "deploy", w.name, op)
			return err
		case !errors.Is(err, envs.ErrNotReady):
			return err
		}
		w.talk.say("environment %s is being changed by somebody else: waiting", w.name)
		if _, err := w.beanstalk.Settle(ctx, r.env); err != nil {
			return err
		}
	}
}

// begin writes down where to the environment goes: once it runs that version, nothing else tells
// that it was to.
func (w *wayBack) begin(ctx context.Context) error {
	_, err := w.ledger.Change(ctx, w.name, func(r *ledger.Record) {
		r.Outcome = &ledger.Outcome{Verb: "rollback", Result: begun, Version: w.to.Version, Ticket: w.asked.Ticket, At: r.At}
	})
	return err
}

// living waits until the environment may be changed and proves that it is ours.
func (w *wayBack) living(ctx context.Context) (e envs.Env, kept bool, err error) {
	if e, err = w.beanstalk.Find(ctx, w.name); err != nil {
		return e, false, err
	}
	if e.State != envs.Ready {
		w.talk.say("environment %s is %s: waiting until it may be changed", e.Name, e.State)
		if e, err = w.beanstalk.Settle(ctx, e); err != nil {
			return e, false, err
		}
	}
	e, tags, err := w.identify(ctx, e)
	return e, member{Env: e, tags: tags, record: &w.record}.protected(), err
}

// plan says what rollback would do.
func (w *wayBack) plan(c *cli.Context) error {
	w.talk.close()
	if c.Bool("json") {
		return printJSON(c.App.Writer, map[string]string{
			"name": w.name, "feature": w.feature, "action": "roll back", "version": w.to.Version, "commit": w.to.Commit,
		})
	}
	_, err := fmt.Fprintf(c.App.Writer, "would roll environment %s back to version %s of commit %s\n", w.name, w.to.Version, commitName(w.to.Commit))
	return err
}
