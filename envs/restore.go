package envs

import (
	"context"
	"errors"
	"fmt"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

// RestoreOptions are those of Restore.
type RestoreOptions struct {
	Options
	Check HealthCheck
}

// UnrestorableError is reported when a feature has nothing that could be restored. It wraps
// ErrNotFound.
type UnrestorableError struct {
	Feature string
	Err     error
}

func (e *UnrestorableError) Error() string {
	return fmt.Sprintf("feature %q has nothing that could be restored: %v", e.Feature, e.Err)
}

func (e *UnrestorableError) Unwrap() error { return e.Err }

// ErrAlive is reported when an environment lives, so that there is nothing to be restored.
var ErrAlive = errors.New("it lives: there is nothing to be restored")

// Restorable returns the environment that Restore can bring back for a feature, or the one that
// lives. The error is an *UnrestorableError where there is neither.
func (m *Manager) Restorable(ctx context.Context, application, feature string) (Environment, error) {
	name, err := m.name(ctx, application, feature)
	if err != nil {
		return Environment{}, err
	}
	s, err := m.store(ctx)
	if err != nil {
		return Environment{}, err
	}
	rec, err := s.Read(ctx, name)
	if err != nil && !errors.Is(err, store.ErrGarbage) {
		return Environment{}, err
	}
	e, tags, err := m.find(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return m.environment(e, tags, &rec), err
	}
	gone, err := m.lastRestorable(ctx, application, name, &rec)
	if errors.Is(err, ErrNotFound) {
		err = &UnrestorableError{feature, err}
	}
	if err != nil {
		return Environment{}, err
	}
	restored := Environment{Env: ParseDeployed(gone.Env, feature), Record: &rec, lastVersion: &gone.lastVersion}
	if kept := rec.Restorable; kept != nil && kept.ID == gone.ID && kept.Version == gone.Version && kept.Commit != "" {
		restored.Commit = kept.Commit
	}
	return restored, m.prove(ctx, name, gone.lastVersion)
}

// Restore brings back an environment that was removed, for as long as it lives by its own days: its id, its address and the
// version that it ran. It acts while no environment with another id lives under the name, else the
// error is ErrReplaced, and goes on with a restore that was interrupted. Result.Version tells the
// version also of a DryRun. An Environment that is known by its record alone, as a Gone is, is looked up first.
func (m *Manager) Restore(ctx context.Context, e Environment, o RestoreOptions) (Result, error) {
	if e.State == Terminated && e.lastVersion == nil {
		proved, err := m.provedGone(ctx, e)
		if err != nil {
			return Result{Environment: e}, err
		}
		e = proved
	}
	result := Result{Environment: e, Version: Version{Label: e.Version, Commit: e.Commit, Owner: e.Owner}, Outcome: Restored}
	removed := e.Record != nil && e.Record.Restorable != nil && e.Record.Restorable.ID == e.ID
	switch {
	case e.State == Terminating:
		return result, &GoingError{nameOf(e.Env)}
	case e.State != Terminated && !removed: // else it is half restored
		return result, errorOf(e.Env, ErrAlive)
	case o.DryRun:
		return result, nil
	}
	r := &restore{manager: m, gone: e.Env, version: e.lastVersion, run: m.newRun(operationRestore, e.Env, o.Options)}
	if removed && e.Record.Restorable.Version == e.Version {
		r.restorable = *e.Record.Restorable
	}
	r.run.days, _ = m.config.Days.of(e)
	r.run.id, r.run.commit, r.run.owner, r.run.check = e.ID, e.Commit, e.Owner, o.Check
	r.run.note, r.run.subject, r.run.email = "restored"+o.byWhom(), r.restorable.LastDeploy.Subject, r.restorable.LastDeploy.Email
	r.run.buildURL = r.restorable.LastDeploy.BuildURL
	if r.restorable.Commit != "" {
		r.run.commit = r.restorable.Commit
	}
	if err := r.run.begin(ctx); err != nil {
		return result, overdue(ctx, err)
	}
	r.run.announce(NewsBuilding, Environment{}, "")
	result, err := r.run.underLease(ctx, r.perform, func(rec *store.Record, result Result, err error) { r.write(ctx, rec, result, err) })
	return r.run.end(ctx, result, err)
}

// provedGone returns the environment that has gone as Restorable does: others may be able to write the record,
// which must not have AWS bring back an environment that is none of the feature's.
func (m *Manager) provedGone(ctx context.Context, e Environment) (Environment, error) {
	now, err := m.Restorable(ctx, e.Application, e.Feature)
	if err == nil && now.ID != e.ID {
		err = errorOf(e.Env, ErrReplaced)
	}
	return now, err
}

// restore is one run of Restore.
type restore struct {
	manager    *Manager
	run        *run
	gone       Env
	version    *beanstalk.Version // that it ran; nil where that is to be asked
	restorable store.Restorable   // what the record noted at the removal
}

// perform brings the environment back. What it needs is looked for first: AWS would notice that an image
// has gone only when the instances are up. Then it writes the new expiry, before AWS is asked, so that no
// sweep removes the environment if this process is killed.
func (r *restore) perform(ctx context.Context, l *lease) (result Result, err error) {
	result = Result{Environment: Environment{Env: r.gone}, Version: Version{Label: r.gone.Version, Commit: r.run.commit, Owner: r.run.owner}, Outcome: Restored}
	alive, err := r.alive(ctx)
	if err != nil {
		return result, err
	}
	if err := r.shieldImages(ctx, l); err != nil && (alive.ID == "" || !errors.Is(err, ecr.ErrNoImage)) {
		return result, err
	}
	if alive.ID == "" {
		if err := r.proveVersion(ctx); err != nil {
			return result, err
		}
	}
	if r.run.record, err = r.run.store.Change(ctx, r.run.name, r.renew); err != nil {
		return result, err
	}
	e, err := r.rebuild(ctx, l, alive)
	if result.Environment = (Environment{Env: e}); err != nil {
		return result, err
	}
	result.Environment.Commit = r.run.commit
	return result, r.manager.askURL(ctx, r.run.url(e), r.run.check, r.run.options)
}

// alive returns the environment if AWS already brings it back, for a restore that was interrupted, and
// the zero Env otherwise.
func (r *restore) alive(ctx context.Context) (Env, error) {
	now, err := r.manager.beanstalk.Find(ctx, r.run.name, nil)
	switch {
	case errors.Is(err, ErrNotFound):
		return Env{}, nil
	case err != nil:
		return Env{}, err
	case now.ID != r.gone.ID:
		return Env{}, errorOf(now, fmt.Errorf("%w: it was launched meanwhile", ErrReplaced))
	}
	return now, nil
}

// shieldImages makes sure that the images which the version runs have their live tags, so that they do
// not expire. The error is a *VersionError that names an image which has gone.
func (r *restore) shieldImages(ctx context.Context, l *lease) error {
	m, last := r.manager, r.lastRun()
	if m.config.Repository.Unused || len(last.Images) == 0 {
		return nil
	}
	on, err := m.tagsOn(ctx)
	if err != nil {
		return err
	}
	images, err := on.images(m.region, r.run.name, last)
	if err != nil {
		return err
	}
	for _, image := range images {
		if on.digests[image.tag] == image.digest {
			continue
		}
		r.run.options.note("image %s has lost its live tag: putting it back", image.tag)
		if err := l.images.Tag(ctx, m.config.Repository.Name, image.digest, image.tag); err != nil {
			return err
		}
	}
	return nil
}

// lastRun returns what the environment ran last, as the record noted it at the removal.
func (r *restore) lastRun() store.Run {
	return store.Run{Version: r.gone.Version, Commit: r.run.commit, Images: r.manager.regional(r.run.name, r.restorable.Images), Digests: r.restorable.Digests}
}

// rebuild has AWS bring the environment back, or waits where it already does.
func (r *restore) rebuild(ctx context.Context, l *lease, alive Env) (Env, error) {
	if alive.ID != "" {
		return r.returned(ctx, alive)
	}
	op, err := l.beanstalk.Rebuild(ctx, r.gone)
	if err == nil {
		return r.run.wait(ctx, "restore", op)
	}
	if errors.Is(err, ErrTaken) || errors.Is(err, ErrNotReady) { // perhaps by a try of ours whose answer was lost
		if now, found := r.manager.beanstalk.Find(ctx, r.run.name, nil); found == nil && now.ID == r.gone.ID {
			return r.returned(ctx, now)
		}
	}
	return r.gone, err
}

// proveVersion refuses a version that is not made from the bundle that ran.
func (r *restore) proveVersion(ctx context.Context) error {
	if r.version != nil {
		return r.manager.prove(ctx, r.run.name, *r.version)
	}
	v, err := r.manager.beanstalk.Version(ctx, r.gone.Application, r.gone.Version)
	if err != nil {
		return err
	}
	return r.manager.prove(ctx, r.run.name, v)
}

// returned waits for an environment that AWS already brings back.
func (r *restore) returned(ctx context.Context, e Env) (Env, error) {
	e, err := r.manager.settle(ctx, e, r.run.options)
	if err == nil && (e.Version != r.gone.Version || !beanstalk.Healthy(e)) {
		err = errorOf(e, fmt.Errorf("it came back with version %s and its health is %s", e.Version, e.Health))
	}
	return ParseDeployed(e, r.run.feature), err
}

// renew writes the environment's id and its new expiry into the record.
func (r *restore) renew(rec *store.Record) {
	removed := rec.Restorable
	rec.SetEnvironment(r.gone.ID)
	rec.Restorable, rec.OwnedSettings, rec.LastDeploy = removed, r.restorable.OwnedSettings, r.restorable.LastDeploy
	rec.Extended = rec.At.Add(r.run.days.TTL).UTC()
}

// write adds the result of the restore to the record.
func (r *restore) write(ctx context.Context, rec *store.Record, result Result, err error) {
	r.run.conclude(ctx, rec, result, r.lastRun(), err)
	if err == nil {
		rec.Before, rec.Earlier, rec.OwnedSettings = store.Run{}, nil, r.restorable.OwnedSettings
	}
}
