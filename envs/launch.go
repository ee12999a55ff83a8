package envs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// launch creates the environment and waits until it runs the bundle.
func (d *deploy) launch(ctx context.Context, l *lease, t destination, b bundle) (Environment, error) {
	d.noteLeftOut(t)
	tags := NewTags(d.Feature, d.Owner, time.Now())
	tags.put(TagTTL, d.run.days.String())
	tags.put(TagSource, d.Origin)
	op, err := l.beanstalk.Launch(ctx, beanstalk.Launch{
		Name: d.run.name, Application: d.manager.config.Application, Version: b.label,
		Description: d.run.description(store.SettingsDigest(beanstalk.Names(d.Settings))),
		Tags:        tags, Base: t.base, Settings: d.Settings, OperationsRole: d.Operations,
	})
	if errors.Is(err, ErrNotFound) {
		return Environment{}, fmt.Errorf("%w: %w", errVersionGone, err)
	}
	if err != nil {
		return Environment{}, err
	}
	d.withdrawn = append(d.withdrawn, op.RemovedBlanks()...)
	if err := d.noteLaunched(ctx, op.Environment()); err != nil {
		d.options.warn(err)
	}
	if estimate(d.run.record, "launch") == 0 {
		if durations := d.run.durationsOfPeers(ctx); durations != nil {
			d.run.record.Durations = durations
		}
	}
	e, err := d.run.wait(ctx, "launch", op)
	return Environment{Env: e, Tags: tags}, err
}

// noteLaunched writes down which environment the record speaks of from now on.
func (d *deploy) noteLaunched(ctx context.Context, id string) error {
	_, err := d.run.store.Change(ctx, d.run.name, func(r *store.Record) {
		r.SetEnvironment(id)
		r.Feature, r.OwnedSettings = d.Feature, store.OwnedSettings{Settings: beanstalk.Names(d.Settings)}
	})
	return err
}

// relaunch removes an environment whose launch failed, and launches it again.
func (d *deploy) relaunch(ctx context.Context, l *lease, t destination, b bundle) (Environment, error) {
	d.options.note("the launch of environment %s had failed: removing it, and launching it again", t.env.Name)
	err := d.manager.terminateBroken(ctx, l, t.env, d.options, func(ctx context.Context, op beanstalk.Operation) error {
		_, err := d.run.wait(ctx, "terminate", op)
		return err
	})
	if err != nil {
		return t.environment(), err
	}
	now, cname, err := d.lookUp(ctx, true) // of one that was launched meanwhile AWS says that the name is taken
	if err != nil {
		return Environment{Env: now}, err
	}
	if t, err = d.newDestination(ctx, cname); err != nil {
		return Environment{}, err
	}
	return d.launch(ctx, l, t, b)
}

// redeploy brings settings and version of a living environment to what is wanted. While another
// client changes it, it waits and looks again.
func (d *deploy) redeploy(ctx context.Context, l *lease, t destination, b bundle) (Environment, error) {
	for {
		e, err := d.update(ctx, l, t, b)
		if !errors.Is(err, ErrNotReady) {
			return Environment{Env: e, Tags: t.tags}, err
		}
		d.options.note("environment %s is being changed by another client: waiting", d.run.name)
		if t, err = d.find(ctx); err != nil {
			return t.environment(), err
		}
		if t.env.ID == "" {
			return t.environment(), fmt.Errorf("environment %s: %w any more: it was removed meanwhile", d.run.name, ErrNotFound)
		}
	}
}

// update changes settings and version in one update, so that new code meets its new variables. Where
// AWS refuses that, the settings come first; that is remembered for the rest of the run.
func (d *deploy) update(ctx context.Context, l *lease, t destination, b bundle) (Env, error) {
	digest, before, err := d.enlist(ctx, t.env)
	if err != nil {
		return t.env, err
	}
	u := beanstalk.Update{Settings: t.change, Description: d.run.description(digest)}
	if t.env.Version != b.label || t.change.Empty() || b.again {
		u.Version = b.label
	}
	if !t.change.Empty() {
		d.options.note("changing the settings %s", strings.Join(t.change.Names(), ", "))
	}
	first, second := d.steps(u)
	e, err := d.change(ctx, l, t.env, first, second.Version != "")
	if errors.Is(err, beanstalk.ErrCombination) && !d.separate {
		d.separate = true
		if first, second = d.steps(u); second.Version != "" {
			d.options.note("AWS takes no version and settings in one update here: the settings first")
			e, err = d.change(ctx, l, t.env, first, true)
		}
	}
	if _, refused := errors.AsType[*beanstalk.Refusal](err); refused && !errors.Is(err, ErrNotReady) {
		return e, d.takeBack(ctx, before, err)
	}
	if err == nil && second.Version != "" {
		e, err = d.change(ctx, l, e, second, false)
	}
	if _, failed := errors.AsType[*beanstalk.Failure](err); failed {
		d.noteWhatIsLeft(ctx, t, b)
		if second.Version != "" {
			d.options.note("AWS changed the settings before the version, so the old version may run with the new settings: keep the variables that it needs until the new version runs")
		}
	}
	return e, err
}

// steps are the updates that an update is made in; the second may be none.
func (d *deploy) steps(u beanstalk.Update) (first, second beanstalk.Update) {
	if !d.separate || u.Version == "" || u.Settings.Empty() {
		return u, second
	}
	return beanstalk.Update{Settings: u.Settings, Description: u.Description}, beanstalk.Update{Version: u.Version, Description: u.Description}
}

// change makes an update and waits for its end. A partial one is followed by another.
func (d *deploy) change(ctx context.Context, l *lease, e Env, u beanstalk.Update, partial bool) (Env, error) {
	op, err := l.beanstalk.Update(ctx, e, u)
	switch {
	case u.Version != "" && errors.Is(err, ErrNotFound):
		return Env{}, fmt.Errorf("%w: %w", errVersionGone, err)
	case err != nil:
		return e, err
	case partial:
		op = op.Partial()
	}
	d.withdrawn = append(d.withdrawn, op.RemovedBlanks()...)
	what := "deploy"
	if u.Version == "" {
		what = "configure"
	}
	return d.run.wait(ctx, what, op)
}

// noteWhatIsLeft says what an update has left that failed: AWS puts an environment back, but not
// always all of it.
func (d *deploy) noteWhatIsLeft(ctx context.Context, t destination, b bundle) {
	now, err := d.manager.beanstalk.Get(ctx, t.env.ID)
	have := t.have
	if err == nil && !t.change.Empty() {
		have, err = d.manager.beanstalk.Configuration(ctx, now)
	}
	if err != nil {
		d.options.note("what the failed update has left isn't known: %v", err)
		return
	}
	version := "still runs version " + now.Version
	if now.Version == b.label && t.env.Version != b.label {
		version = "runs the new version " + now.Version
	}
	d.options.note("after the failed update environment %s %s%s", d.run.name, version, settingsLeft(t.change, have.Remaining(t.change)))
}

// settingsLeft says which settings of a change are as before, as rest has them, and which are new.
func settingsLeft(change, rest beanstalk.Difference) string {
	all, old := change.Names(), rest.Names()
	switch {
	case len(all) == 0:
		return ""
	case len(old) == len(all):
		return ", and its settings are as before"
	case len(old) == 0:
		return ", and its settings are the new ones"
	}
	return fmt.Sprintf(", its settings %s are new, and %s are as before", strings.Join(without(all, old), ", "), strings.Join(old, ", "))
}

// without returns the names that aren't among others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}
