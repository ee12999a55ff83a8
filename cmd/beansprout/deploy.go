package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/builder"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// deploy builds and finds out where to, side by side, and then makes the environment run
// what was built. ahead is where to, if that is known.
func (d *deployment) deploy(ctx context.Context, ahead *target) (r result, err error) {
	var t target
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { r.images, err = d.build(gctx); return err })
	g.Go(func() (err error) {
		if ahead != nil {
			t = d.compared(*ahead)
			return nil
		}
		t, err = d.lookAhead(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return r, err
	}
	if err := t.fits(r.images); err != nil {
		return r, err
	}
	b, err := d.bundle(r.images, t.url)
	if err != nil {
		return r, err
	}
	defer b.close()
	if done, err := d.unchanged(ctx, t, b, r.images); done || err != nil {
		r.env, r.kept, r.outcome = t.env, t.kept, unchanged
		r.env.Commit = d.checkout.Commit
		return r, cmp.Or(err, d.check(ctx, r.env.URL()))
	}
	err = d.inTurn(ctx, "up", &r, func(held context.Context) error { return d.perform(held, t, b, &r) }, func(rec *ledger.Record, err error) {
		d.write(rec, r, b, err)
	})
	return r, err
}

// unchanged says whether the bundle runs already and the ledger knows it, so that there is
// nothing to be changed and no lease to be taken.
func (d *deployment) unchanged(ctx context.Context, t target, b *bundle, images []builder.Image) (bool, error) {
	if !t.runs(b) {
		return false, nil
	}
	now, err := d.ledger.Read(ctx, d.name)
	if err != nil && !errors.Is(err, ledger.ErrGarbage) {
		return false, err
	}
	if err := wanted(d.asked, now); err != nil {
		return false, err
	}
	if now.Lease != nil || !d.recorded(now, t.env, images) {
		return false, nil
	}
	if still, err := d.still(ctx, t); !still || err != nil {
		return false, err
	}
	if now.Commit == d.checkout.Commit {
		return true, nil
	}
	_, err = d.ledger.Change(ctx, d.name, func(r *ledger.Record) {
		if d.recorded(*r, t.env, images) {
			r.Commit = d.checkout.Commit
		}
	})
	return true, err
}

// runs says whether the bundle runs already, and as it should.
func (t target) runs(b *bundle) bool {
	return t.env.State == envs.Ready && !t.broken && t.env.Version == b.label && t.change.Empty() && beanstalk.Healthy(t.env)
}

// fresh is how long what was read of an environment counts as what is.
const fresh = 5 * time.Second

// still says whether the environment is as it was when it was read, before the images were
// built.
func (d *deployment) still(ctx context.Context, t target) (bool, error) {
	if time.Since(t.read) < fresh {
		return true, nil
	}
	now, err := d.beanstalk.Get(ctx, t.env.ID)
	if errors.Is(err, envs.ErrNotFound) {
		return false, nil
	}
	return now.State == t.env.State && now.Version == t.env.Version && now.CNAME == t.env.CNAME && beanstalk.Healthy(now), err
}

// recorded says whether the ledger knows what runs on the environment, but for the commit.
func (d *deployment) recorded(r ledger.Record, e envs.Env, images []builder.Image) bool {
	return r.Environment == e.ID && r.Version == e.Version &&
		slices.Equal(r.Images, d.liveTags(images)) && slices.Equal(r.Settings, settingNames(d.settings))
}

// inTurn performs a change of the environment while holding its lease, and has what came of it
// written into the ledger.
func (d *deployment) inTurn(ctx context.Context, verb string, r *result, perform func(context.Context) error, write func(*ledger.Record, error)) error {
	held, turn, err := d.take(ctx, d.ledger, d.name, ledger.Claim{Verb: verb, Ticket: d.asked.Ticket},
		func(now ledger.Record) error { return wanted(d.asked, now) })
	if err != nil {
		return err
	}
	leaseless := d.session
	defer func() { d.session = leaseless }()
	d.session, d.record = turn.session, turn.record
	err = perform(held)
	removed := false
	if err == nil && (r.outcome == created || r.outcome == restored) {
		removed, err = d.tornDown(held, r.env)
	}
	switch {
	case ctx.Err() == nil && (errors.Is(context.Cause(held), ledger.ErrLost) || errors.Is(err, ledger.ErrLost)):
		turn.stop()
		return d.overrun(ctx)
	case removed && err == nil:
		turn.end(ctx, func(rec *ledger.Record) { rec.Shrink(nil) })
		return superseded{tornDownMeanwhile}
	case d.aborts && errors.Is(err, context.Canceled) && r.env.ID != "":
		d.abort(ctx, r.env)
	}
	turn.end(ctx, func(rec *ledger.Record) { write(rec, err) })
	return err
}

// perform takes the tags off the images that neither run nor ran before, once the new ones do.
func (d *deployment) perform(ctx context.Context, t target, b *bundle, r *result) (err error) {
	if r.env, r.outcome, err = d.apply(ctx, t, b, r.images); err != nil {
		return err
	}
	// AWS's description names the commit of the last try, which may have failed.
	r.env.Commit, r.kept = d.checkout.Commit, t.kept
	if err := d.check(ctx, r.env.URL()); err != nil {
		return err
	}
	if r.env.Version != b.label {
		return nil // another's, who sees to its tags
	}
	rec := d.record
	d.write(&rec, *r, b, nil)
	keep := slices.Concat(rec.Images, rec.Before.Images)
	if len(keep)+len(d.record.Before.Images) == 0 {
		return nil // artifacts alone have no images
	}
	if err := d.untag(ctx, keep); err != nil && ctx.Err() == nil {
		d.talk.say("warning: %v", err)
	}
	return nil
}

// write puts the end of the run into the ledger, unless it is another run's.
func (d *deployment) write(rec *ledger.Record, r result, b *bundle, err error) {
	if err == nil && r.env.Version != b.label {
		return
	}
	d.conclude(rec, "up", r, ledger.Run{Version: b.label, Commit: d.checkout.Commit, Images: d.liveTags(r.images)}, err)
	if err == nil {
		rec.Settings = settingNames(d.settings)
	}
}

// conclude puts into the ledger how a verb has ended that was to make the environment run what
// is given.
func (d *deployment) conclude(rec *ledger.Record, verb string, r result, run ledger.Run, err error) {
	rec.Durations = maps.Clone(rec.Durations)
	if rec.Durations == nil {
		rec.Durations = map[string]float64{}
	}
	maps.Copy(rec.Durations, d.took)
	rec.Outcome = &ledger.Outcome{Verb: verb, Result: r.outcome, Version: run.Version, Ticket: d.asked.Ticket, At: time.Now().UTC()}
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n")
		rec.Outcome.Result, rec.Outcome.Reason = "failed", cut(reason, 300)
		return
	}
	rec.SpeakOf(r.env.ID)
	if rec.Version != run.Version {
		rec.Before = ledger.Run{Version: rec.Version, Commit: rec.Commit, Images: rec.Images}
	}
	rec.Feature, rec.Version, rec.Commit, rec.Images, rec.Ran = d.feature, run.Version, run.Commit, run.Images, d.asked.Ticket
	rec.Removed = nil
}

// tornDown looks whether somebody has taken the feature down while its environment was being
// made, and then removes that again: it must not stay as an orphan. One that was there before
// is left to whoever takes it down, because the ledger's word alone removes nothing.
func (d *deployment) tornDown(ctx context.Context, e envs.Env) (removed bool, err error) {
	now, err := d.ledger.Read(ctx, d.name)
	if err != nil || now.Teardowns <= d.asked.Teardowns {
		return false, nil // what can't be read is no reason to remove anything
	}
	m := newRemoval(d.session, e, d.ledger)
	m.spare = spareKept
	if err := m.confirm(ctx, e); err != nil {
		d.talk.say("%s, but it stays: %v", tornDownMeanwhile, err)
		return false, nil
	}
	d.talk.say("%s: removing environment %s again", tornDownMeanwhile, e.Name)
	return true, m.run(ctx)
}

// abortTime is how long an abort may take.
const abortTime = 5 * time.Minute

// abort has AWS give the deploy up that is in progress, which it does for no launch, and waits
// until the environment is as it was before.
func (d *deployment) abort(ctx context.Context, e envs.Env) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	step := d.talk.step("abort " + e.Name)
	err := d.beanstalk.Abort(ctx, e)
	if err == nil {
		e.State = envs.Aborting
		e, err = d.beanstalk.Settle(ctx, e)
	}
	if err != nil {
		step.fail(err)
		d.talk.say("AWS goes on with what it has begun; the next up takes it from there")
		return
	}
	step.done("it runs " + e.Version + " as before")
}

// overrun says what the loss of the lease means: somebody else's later wish, or a failure.
func (d *deployment) overrun(ctx context.Context) error {
	if now, err := d.ledger.Read(ctx, d.name); err == nil {
		if late := wanted(d.asked, now); late != nil {
			return late
		}
	}
	return fmt.Errorf("deploy to environment %s: %w", d.name, ledger.ErrLost)
}
