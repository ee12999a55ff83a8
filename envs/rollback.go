package envs

import (
	"cmp"
	"context"
	"errors"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"

	"golang.org/x/sync/errgroup"
)

// RollbackOptions are those of Rollback.
type RollbackOptions struct {
	Options
	To    string // the label of a version; "" is the one before, as Environment.Previous tells
	Check HealthCheck
}

// Rollback deploys a version that the environment has run before. It reads no bundle: the record knows
// the images. With DryRun, Result.Version tells which version it would deploy. The error is a
// *VersionError where the version can't be deployed, and wraps ErrNoVersion where none is known.
func (m *Manager) Rollback(ctx context.Context, e Environment, o RollbackOptions) (Result, error) {
	b, err := m.newRollback(ctx, e, o)
	if err != nil {
		return Result{Environment: e}, overdue(ctx, err)
	}
	r := Result{Environment: e, Version: b.target}
	if o.DryRun {
		return r, nil
	}
	o.note("rolling environment %s back to %s", e.Name, b.target)
	if err := b.run.begin(ctx); err != nil {
		return r, overdue(ctx, err)
	}
	r, err = b.run.underLease(ctx, b.perform, func(rec *store.Record, r Result, err error) { b.write(ctx, rec, r, err) })
	return b.run.end(ctx, r, err)
}

// rollback is one run of Rollback.
type rollback struct {
	manager *Manager
	run     *run
	env     Environment
	to      store.Run // with the live tags and the digests of its images
	version beanstalk.Version
	target  Version
}

// newRollback looks up the version, and refuses early one that cannot be deployed.
func (m *Manager) newRollback(ctx context.Context, e Environment, o RollbackOptions) (*rollback, error) {
	if e.State.Gone() {
		return nil, &GoingError{nameOf(e.Env)}
	}
	b := &rollback{manager: m, env: e, to: e.Previous(), run: m.newRun(operationRollback, e.Env, o.Options)}
	known := true
	if o.To != "" {
		if b.to, known = e.run(o.To); !known {
			b.to.Version = o.To
		}
	}
	if b.to.Version == "" {
		return nil, errorOf(e.Env, ErrNoVersion)
	}
	if err := b.resolve(ctx, known); err != nil {
		if _, replaced := m.living(ctx, e.Env); errors.Is(replaced, ErrReplaced) {
			err = replaced // what the former one ran went with it
		}
		return nil, err
	}
	was := ParseDeployed(Env{Description: b.version.Description}, e.Feature)
	b.to.Commit, was.Owner = cmp.Or(b.to.Commit, was.Commit), cmp.Or(was.Owner, e.Owner)
	b.run.days, _ = m.config.Days.of(e)
	b.run.id, b.run.commit, b.run.owner, b.run.check = e.ID, b.to.Commit, was.Owner, o.Check
	b.run.note = "rolled back" + o.byWhom()
	if was.Owner == e.Owner {
		b.run.email = e.Own().LastDeploy.Email
	}
	b.target = Version{Label: b.to.Version, Commit: b.to.Commit, Owner: was.Owner, Created: b.version.Created, State: VersionRestorable}
	return b, nil
}

// resolve looks up the version and its images. known is set where the record knows the images.
func (b *rollback) resolve(ctx context.Context, known bool) error {
	m, run := b.manager, b.to
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if b.version, err = m.version(gctx, b.env.Env, run.Version); err != nil {
			return err
		}
		return m.prove(gctx, b.env.Name, b.version)
	})
	var unresolved error // counts for a version that there is
	g.Go(func() error { b.to, unresolved = m.resolved(gctx, b.env.Name, run, known); return nil })
	if err := g.Wait(); err != nil {
		return err
	}
	return unresolved
}

// resolved returns the run with this region's live tags and the whole digests of its images, which
// the repository has.
func (m *Manager) resolved(ctx context.Context, name string, run store.Run, known bool) (store.Run, error) {
	switch {
	case m.config.Repository.Unused || known && len(run.Images) == 0:
		return run, nil
	case !known:
		return run, &VersionError{Label: run.Version, Err: ErrImagesUnknown}
	}
	digests, err := m.images.Tags(ctx, m.config.Repository.Name)
	if err != nil && !errors.Is(err, ecr.ErrNoRepository) { // of a repository that has gone, all images have
		return run, err
	}
	images, err := shelf{digests: digests}.images(m.region, name, run)
	run.Images, run.Digests = nil, nil
	for _, image := range images {
		run.Images, run.Digests = append(run.Images, image.tag), append(run.Digests, image.digest)
	}
	return run, err
}

// perform keeps the images from expiring, deploys the version, asks the URL, and takes the tags off the
// images that neither run then nor ran before.
func (b *rollback) perform(ctx context.Context, l *lease) (Result, error) {
	r := Result{Environment: b.env, Version: b.target, Images: b.images()}
	for i, tag := range b.to.Images {
		err := l.images.Tag(ctx, b.manager.config.Repository.Name, b.to.Digests[i], tag)
		if errors.Is(err, ecr.ErrNoImage) {
			err = imageGone(b.to.Version, err)
		}
		if err != nil {
			return r, err
		}
	}
	e, outcome, err := b.redeploy(ctx, l)
	if r.Environment, r.Outcome = e, outcome; err != nil {
		return r, err
	}
	r.Environment.Commit = b.to.Commit
	if err := b.manager.askURL(ctx, b.run.url(e.Env), b.run.check, b.run.options); err != nil {
		return r, err
	}
	rec := b.run.record
	b.write(ctx, &rec, r, nil)
	b.run.untag(ctx, l, rec)
	return r, nil
}

// images returns the images of the version, for the result alone. Their references name the repository
// as it is configured.
func (b *rollback) images() []Image {
	var images []Image
	for i, digest := range b.to.Digests {
		name := imageOfLiveTag(b.to.Images[i], b.manager.region, b.env.Name)
		images = append(images, Image{Name: name, Reference: b.manager.config.Repository.Name + "@" + digest, Digest: digest})
	}
	return images
}

// RepositoryURI returns the URI of the application's repository. The error wraps ecr.ErrNoRepository
// where there is none.
func (m *Manager) RepositoryURI(ctx context.Context) (string, error) {
	return m.images.URI(ctx, m.config.Repository.Name)
}

// redeploy deploys the version as soon as the environment may be changed.
func (b *rollback) redeploy(ctx context.Context, l *lease) (Environment, string, error) {
	for {
		e, err := b.ready(ctx)
		if err != nil {
			return e, "", err
		}
		if e.Version == b.to.Version && beanstalk.Healthy(e.Env) {
			return e, Unchanged, nil
		}
		if err := b.manager.prove(ctx, e.Name, b.version); err != nil {
			return e, "", err
		}
		if err := b.noteBegun(ctx); err != nil {
			return e, "", err
		}
		op, err := l.beanstalk.Deploy(ctx, e.Env, b.to.Version, b.run.description(e.Settings))
		switch {
		case err == nil:
			e.Env, err = b.run.wait(ctx, "deploy", op)
			return e, Deployed, err
		case !errors.Is(err, ErrNotReady):
			return e, "", err
		}
		b.run.options.note("environment %s is being changed by another client: waiting", e.Name)
		if _, err := b.manager.settle(ctx, e.Env, b.run.options); err != nil {
			return e, "", err
		}
	}
}

// ready waits until the environment may be changed, and proves that it is the one that was looked up,
// and ours.
func (b *rollback) ready(ctx context.Context) (Environment, error) {
	e, err := b.manager.living(ctx, b.env.Env)
	if err != nil {
		return b.env, err
	}
	if e.State != Ready {
		b.run.options.note("environment %s is %s: waiting until it may be changed", e.Name, e.State)
		if e, err = b.manager.settle(ctx, e, b.run.options); err != nil {
			return b.env, err
		}
	}
	e, tags, err := b.manager.identify(ctx, e)
	return Environment{Env: e, Tags: tags, Record: &b.run.record}, err
}

// noteBegun writes the target version into the record. Once the environment runs it, only the record
// tells that a rollback has not ended.
func (b *rollback) noteBegun(ctx context.Context) error {
	_, err := b.run.store.Change(ctx, b.run.name, func(r *store.Record) {
		r.Outcome = &store.Outcome{Verb: operationRollback, Result: begun, Version: b.to.Version, RequestNumber: b.run.atRequest.RequestNumber, At: r.At}
	})
	return err
}

func (b *rollback) write(ctx context.Context, rec *store.Record, r Result, err error) {
	b.run.conclude(ctx, rec, r, b.to, err)
	if ctx.Err() != nil { // AWS goes on, and so does the next rollback
		rec.Outcome.Result = interrupted
	}
}

// imageGone is the error about a version of which an image has gone.
func imageGone(version string, err error) error {
	return &VersionError{Label: version, Err: errors.Join(errImageGone, err)}
}

var errImageGone = errors.New("an image that it runs has gone")
