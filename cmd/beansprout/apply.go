package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/builder"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// errNoVersion is reported when the version that was just registered has gone.
var errNoVersion = errors.New("the version has gone")

// apply makes the environment run the bundle, and says by which way it came to that.
func (d *deployment) apply(ctx context.Context, before target, b *bundle, images []builder.Image) (envs.Env, string, error) {
	t, err := d.current(ctx, before)
	if err != nil {
		return t.env, "", err
	}
	if t.runs(b) || d.joins(t) {
		return t.env, unchanged, nil
	}
	if err := t.fits(images); err != nil {
		return t.env, "", err
	}
	if err := d.register(ctx, b, images); err != nil {
		return envs.Env{}, "", err
	}
	switch {
	case t.broken:
		return d.relaunch(ctx, t, b)
	case t.env.ID != "":
		e, err := d.redeploy(ctx, t, b)
		return e, deployed, err
	}
	e, err := d.launch(ctx, t, b)
	if errors.Is(err, envs.ErrTaken) {
		return d.alreadyThere(ctx, t.url, b, images, err)
	}
	return e, created, err
}

// current is the target as it is now: it may have been swapped, kept or changed while the
// images were being built. What was read just now, with nobody else writing to the ledger
// since, is not read again, unless it is to be removed.
func (d *deployment) current(ctx context.Context, before target) (target, error) {
	if time.Since(before.read) < fresh && d.record.Counter <= d.asked.Counter+1 && !before.broken {
		return before, nil
	}
	now, err := d.target(ctx)
	if err == nil && now.url != before.url {
		err = fmt.Errorf("environment %s has moved from %s to %s while the images were being built", d.name, before.url, now.url)
	}
	return now, err
}

// joins says whether the target runs what a later up has deployed, of the same commit or else
// this one would be superseded: then that is this one's result, too, even where it is not to
// the byte what was built here.
func (d *deployment) joins(t target) bool {
	joined := d.record.Ran > d.asked.Ticket && t.env.State == envs.Ready && t.env.ID == d.record.Environment && t.env.Version == d.record.Version
	if joined {
		d.talk.say("a later up of the same commit has deployed version %s", t.env.Version)
	}
	return joined
}

// relaunch removes an environment whose launch failed, and launches it again.
func (d *deployment) relaunch(ctx context.Context, t target, b *bundle) (envs.Env, string, error) {
	d.talk.say("the launch of environment %s had failed: removing it, and launching it again", t.env.Name)
	if err := d.terminate(ctx, t.env); err != nil {
		return t.env, "", err
	}
	t, err := d.newTarget(ctx, true)
	if err != nil {
		return envs.Env{}, "", err
	}
	e, err := d.launch(ctx, t, b)
	return e, created, err
}

// alreadyThere goes on where the environment exists although it was not found: a try of our
// own has launched it whose answer was lost, or somebody who holds no lease.
func (d *deployment) alreadyThere(ctx context.Context, url string, b *bundle, images []builder.Image, cause error) (envs.Env, string, error) {
	if t, err := d.target(ctx); err != nil || t.env.ID == "" {
		return t.env, "", cmp.Or(err, cause)
	}
	return d.apply(ctx, target{url: url}, b, images)
}

func (d *deployment) terminate(ctx context.Context, e envs.Env) error {
	op, err := d.beanstalk.Terminate(ctx, e)
	if err == nil {
		_, err = d.wait(ctx, "terminate", e.Name, op)
	}
	if errors.Is(err, envs.ErrNotFound) {
		return nil
	}
	return err
}

// register makes the bundle known to Beanstalk, after its images have been protected from
// expiring. An application that doesn't exist is created, and where the quota of versions is
// used up, those that nobody needs go.
func (d *deployment) register(ctx context.Context, b *bundle, images []builder.Image) error {
	for _, i := range images {
		if err := d.registry.Tag(ctx, d.repository(), i.Digest, envs.LiveTag(d.name, i.Name, i.Digest)); err != nil {
			return err
		}
	}
	if err := d.ledger.Upload(ctx, b.key, b.file, b.size); err != nil {
		return err
	}
	v := beanstalk.Version{
		Application: d.cfg.Application, Label: b.label, Description: d.description(),
		Bucket: d.ledger.Bucket(), Key: b.key,
	}
	err := d.beanstalk.Register(ctx, v)
	switch {
	case errors.Is(err, envs.ErrNotFound):
		if err = d.beanstalk.CreateApplication(ctx, v.Application); err == nil {
			d.talk.say("application %q did not exist and was created", v.Application)
		}
	case errors.Is(err, envs.ErrQuota):
		err = d.makeRoom(ctx, err)
	default:
		return err
	}
	if err != nil {
		return err
	}
	return d.beanstalk.Register(ctx, v)
}

func (d *deployment) description() string {
	return envs.Describe(d.feature, d.checkout.Commit, d.checkout.Author)
}

func (d *deployment) launch(ctx context.Context, t target, b *bundle) (envs.Env, error) {
	d.sayLeftOut(t)
	op, err := d.beanstalk.Launch(ctx, beanstalk.Launch{
		Name: d.name, Application: d.cfg.Application, Description: d.description(), Version: b.label,
		Tags: envs.NewTags(d.feature, d.checkout.Author, time.Now()), Base: t.base, Settings: d.settings,
		Operations: d.cfg.Environment.OperationsRole,
	})
	if errors.Is(err, envs.ErrNotFound) {
		return envs.Env{}, fmt.Errorf("%w: %w", errNoVersion, err)
	}
	if err != nil {
		return envs.Env{}, err
	}
	if err := d.note(ctx, op.Environment()); err != nil {
		d.talk.say("warning: %v", err)
	}
	d.compareNotes(ctx)
	return d.wait(ctx, "launch", d.name, op)
}

// note writes down which environment the ledger speaks of from now on.
func (d *deployment) note(ctx context.Context, id string) error {
	_, err := d.ledger.Change(ctx, d.name, func(r *ledger.Record) {
		r.SpeakOf(id)
		r.Feature, r.Settings = d.feature, settingNames(d.settings)
	})
	return err
}

// redeploy brings settings and version of a living environment to what is wanted, in two
// updates where both differ. While somebody else changes it, it waits and looks again.
func (d *deployment) redeploy(ctx context.Context, t target, b *bundle) (envs.Env, error) {
	for {
		e, err := d.update(ctx, t, b)
		if !errors.Is(err, envs.ErrNotReady) {
			return e, err
		}
		d.talk.say("environment %s is being changed by somebody else: waiting", d.name)
		if t, err = d.target(ctx); err != nil {
			return t.env, err
		}
		if t.env.ID == "" {
			return t.env, fmt.Errorf("environment %s: %w any more: somebody has removed it", d.name, envs.ErrNotFound)
		}
	}
}

func (d *deployment) update(ctx context.Context, t target, b *bundle) (envs.Env, error) {
	e := t.env
	if !t.change.Empty() {
		var err error
		if e, err = d.configure(ctx, t, b); err != nil {
			return e, err
		}
	}
	if e.Version == b.label && beanstalk.Healthy(e) {
		return e, nil
	}
	op, err := d.beanstalk.Deploy(ctx, e, b.label, d.description())
	if errors.Is(err, envs.ErrNotFound) {
		return envs.Env{}, fmt.Errorf("%w: %w", errNoVersion, err)
	}
	if err != nil {
		return e, err
	}
	return d.wait(ctx, "deploy", d.name, op)
}

// configure changes the settings, after the ledger has been told which they are: one that is
// set and not remembered could never be taken away again.
func (d *deployment) configure(ctx context.Context, t target, b *bundle) (envs.Env, error) {
	d.talk.say("changing the settings %s", strings.Join(settingNames(slices.Concat(t.change.Set, t.change.Remove)), ", "))
	var before []string
	_, err := d.ledger.Change(ctx, d.name, func(r *ledger.Record) {
		r.SpeakOf(t.env.ID)
		before = r.Settings
		r.Feature, r.Settings = d.feature, sorted(r.Settings, settingNames(d.settings))
	})
	if err != nil {
		return t.env, err
	}
	op, err := d.beanstalk.Configure(ctx, t.env, t.change)
	if _, refused := errors.AsType[*beanstalk.Refusal](err); refused && !errors.Is(err, envs.ErrNotReady) {
		return t.env, d.takeBack(ctx, before, err)
	}
	if err != nil {
		return t.env, err
	}
	if t.env.Version != b.label {
		op = op.Partial()
	}
	return d.wait(ctx, "configure", d.name, op)
}

// takeBack has the ledger say again which settings are ours, after AWS has refused to set others:
// what somebody else has set under such a name stays his.
func (d *deployment) takeBack(ctx context.Context, settings []string, refusal error) error {
	if _, err := d.ledger.Change(ctx, d.name, func(r *ledger.Record) { r.Settings = settings }); err != nil {
		d.talk.say("warning: %v", err)
	}
	return refusal
}

// wait shows an operation's events as they happen.
func (d *deployment) wait(ctx context.Context, what, name string, op beanstalk.Operation) (envs.Env, error) {
	step := d.talk.step(what + " " + name)
	var events []beanstalk.Event
	e, err := d.beanstalk.Wait(ctx, op.Expect(d.usual(what)), func(ev beanstalk.Event) {
		events = append(events, ev)
		step.log(ev.Severity + " " + ev.Message)
	})
	if e.ID == "" {
		e.ID, e.Name = op.Environment(), name
	}
	e = envs.ParseDeployed(e, d.feature)
	if err != nil && errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	if err != nil {
		step.fail(err)
		return e, fmt.Errorf("%s environment %s: %w", what, name, err)
	}
	d.took[what] = beanstalk.Took(events).Seconds()
	step.done(string(e.State))
	return e, nil
}

// liveTags are the tags that protect the images.
func (d *deployment) liveTags(images []builder.Image) []string {
	var tags []string
	for _, i := range images {
		tags = append(tags, envs.LiveTag(d.name, i.Name, i.Digest))
	}
	return tags
}

// untag takes away the environment's live tags but those to keep.
func (d *deployment) untag(ctx context.Context, keep []string) error {
	tags, err := d.registry.Tags(ctx, d.repository())
	if err != nil {
		return err
	}
	var stale []string
	for tag := range tags {
		if envs.IsLiveTagOf(tag, d.name) && !slices.Contains(keep, tag) {
			stale = append(stale, tag)
		}
	}
	if err := d.sure(ctx); err != nil {
		return err
	}
	_, err = d.registry.Untag(ctx, d.repository(), stale)
	return err
}
