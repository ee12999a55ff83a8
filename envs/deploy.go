package envs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

// Deploy makes a feature available at its URL: it builds what the source makes and deploys it to the
// feature's environment, which it creates if there is none. With an error, the result has what is
// known of the environment.
func (m *Manager) Deploy(ctx context.Context, request Deployment, o Options) (Result, error) {
	if o.DryRun {
		f, err := m.Forecast(ctx, request, o)
		return Result{Environment: f.Environment, Outcome: f.Outcome, Images: f.Images}, err
	}
	d, err := m.newDeploy(ctx, request, o) // refuses what can't be right
	if err != nil {
		return Result{}, overdue(ctx, err)
	}
	images, stop := d.images(ctx) // which make nothing before they are known to go somewhere
	defer stop()
	to, err := d.lookFirst(ctx) // refuses what AWS alone can tell to be wrong
	if err == nil {
		err = d.run.begin(ctx) // numbers the request: a later one wins
	}
	if err != nil {
		stop()
		_, _ = images()
		return Result{}, overdue(ctx, err)
	}
	d.run.announce(NewsBuilding, to.serving(), "")
	r, err := d.deployImages(ctx, images, to) // bundle, and under the lease all that changes the environment
	if errors.Is(err, ecr.ErrNoImage) || errors.Is(err, errVersionGone) {
		o.note("what was just pushed has been removed by another process: once more")
		r, err = d.deployAgain(ctx)
	}
	r.StaysOn = otherPlatform(d.Base.Platform, r.Environment.Platform)
	return d.run.end(ctx, r, err) // tells the announcers
}

// errVersionGone is reported when the version that was just registered has gone.
var errVersionGone = errors.New("the version has gone")

// deploy is one run of Deploy.
type deploy struct {
	Deployment
	manager   *Manager
	options   Options
	run       *run
	listed    func() ([]Env, error) // the application's environments, as they were when the deploy began
	registry  Registry
	manifests map[string]*ahead[ecr.Manifest] // of the images, by digest
	arch      string                          // of the instances, for which images are built; "" where there are none
	checked   bool                            // the source was asked whether it can run on them
	looked    chan struct{}                   // is closed when images may be made
	told      []string                        // why settings stay, as far as that has been said
	withdrawn []string                        // settings that were removed because AWS takes no empty value of them
	separate  bool                            // AWS takes no version and settings in one update
}

// newDeploy returns a checked deploy. It has begun to list the environments and to find the repository.
// Nothing is changed.
func (m *Manager) newDeploy(ctx context.Context, request Deployment, o Options) (*deploy, error) {
	if err := m.validate(request); err != nil {
		return nil, err
	}
	d := &deploy{Deployment: request, manager: m, options: o, looked: make(chan struct{})}
	if err := d.checkSettings(ctx); err != nil {
		return nil, err
	}
	d.listed = ask(func() ([]Env, error) {
		rows, _, err := m.beanstalk.Environments(ctx, m.config.Application)
		return rows, err
	})
	repository := m.findRepository(ctx)
	name, err := m.name(ctx, m.config.Application, request.Feature)
	if err != nil {
		return nil, err
	}
	d.run = m.newRun(operationDeploy, Env{Name: name, Application: m.config.Application, Feature: request.Feature}, o)
	d.registry = m.registry(repository, d.ready, name, o)
	d.run.commit, d.run.subject = request.Commit, request.Subject
	d.run.owner, d.run.email, d.run.buildURL = request.Owner, request.Email, m.withoutSecrets(request.BuildURL)
	d.run.days = m.config.Days
	d.run.check, d.run.aborts = request.Check, request.AbortOnCancel
	d.run.https = d.answersByHTTPS(beanstalk.Configuration{})
	return d, nil
}

// hasImages reports whether the application runs images.
func (d *deploy) hasImages() bool { return !d.manager.config.Repository.Unused }

// deployImages makes the environment run what is being built. to is where it goes, by what was seen before.
func (d *deploy) deployImages(ctx context.Context, building func() ([]Image, error), to destination) (Result, error) {
	images, err := building()
	if err == nil {
		to, err = d.judged(to) // by the record as it was when the request was numbered
	}
	if err == nil {
		err = to.fits(images)
	}
	if err != nil {
		return Result{}, err
	}
	b, err := d.bundle(ctx, images, to.url)
	if err != nil {
		return Result{}, err
	}
	defer b.File.Close()
	if done, err := d.unchanged(ctx, to, b, images); done || err != nil {
		r := Result{Environment: to.environment(), Outcome: Unchanged, Images: images}
		r.Environment.Commit = d.Commit
		if err != nil {
			return r, err
		}
		return r, d.manager.askURL(ctx, d.run.url(to.env), d.Check, d.options)
	}
	d.manifests = d.manager.readManifests(ctx, images)
	return d.run.underLease(ctx, func(leaseCtx context.Context, l *lease) (Result, error) {
		return d.perform(leaseCtx, l, to, b, images)
	}, func(rec *store.Record, r Result, err error) { d.write(ctx, rec, r, b, images, err) })
}

// deployAgain builds once more and looks up the destination again meanwhile.
func (d *deploy) deployAgain(ctx context.Context) (Result, error) {
	images, stop := d.images(ctx)
	defer stop()
	to, err := d.lookAhead(ctx)
	if err != nil {
		stop()
		_, _ = images()
		return Result{}, err
	}
	return d.deployImages(ctx, images, to)
}

// images begins to have the source make the images, and returns what waits for them and what ends that.
func (d *deploy) images(ctx context.Context) (images func() ([]Image, error), stop context.CancelFunc) {
	making, stop := context.WithCancel(ctx)
	known := d.checked
	return ask(func() ([]Image, error) {
		if !known { // the architecture of the instances is known only when lookFirst has returned
			if err := d.ready(making); err != nil {
				return nil, err
			}
		}
		return d.Source.Images(making, d.target(""))
	}), stop
}

// ready waits until the deploy is known not to be refused.
func (d *deploy) ready(ctx context.Context) error {
	select {
	case <-d.looked:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// target returns the target for the source.
func (d *deploy) target(url string) Target {
	return Target{
		Name: d.run.name, URL: url, Feature: d.Feature, Commit: d.Commit, Architecture: d.arch,
		Registry: d.registry, Ready: d.ready, Options: d.options,
	}
}

// unchanged reports whether the bundle runs already and the record says so. Then nothing has to change,
// and the deploy needs no lease.
func (d *deploy) unchanged(ctx context.Context, t destination, b bundle, images []Image) (bool, error) {
	if !t.runs(b) {
		return false, nil
	}
	now, proved, err := d.recordAndProof(ctx, b)
	if err != nil {
		return false, err
	}
	if err := d.run.supersededBy(ctx, now); err != nil {
		return false, err
	}
	if !proved || now.Lease != nil || !d.recorded(now, t.env, images) {
		return false, nil
	}
	if still, err := d.still(ctx, t); !still || err != nil {
		return false, err
	}
	if renewed := d.renewed(now, t); !differs(now, renewed) {
		d.run.record = now
		return true, nil
	}
	now, err = d.run.store.Change(ctx, d.run.name, func(r *store.Record) {
		if d.recorded(*r, t.env, images) {
			*r = d.renewed(*r, t)
		}
	})
	if err == nil {
		d.run.record = now
	}
	return true, err
}

// renewed returns the record of an unchanged environment after this deploy.
func (d *deploy) renewed(r store.Record, t destination) store.Record {
	if r.Commit != d.Commit {
		r.Commit = d.Commit
		d.run.noteWork(&r)
	}
	d.run.renew(&r, t.environment())
	if hasFailed(r) {
		r.Outcome = &store.Outcome{Verb: operationDeploy, Result: Unchanged, Version: r.Version, RequestNumber: d.run.atRequest.RequestNumber, At: r.At.UTC()}
	}
	return r
}

// differs reports whether a renewed record has to be written.
func differs(was, renewed store.Record) bool {
	return hasFailed(was) || was.Commit != renewed.Commit || was.LastDeploy.TTL != renewed.LastDeploy.TTL || !was.Extended.Equal(renewed.Extended)
}

// recordAndProof reads, side by side, the record, and whether S3 proves by its own checksum that it
// has the bundle.
func (d *deploy) recordAndProof(ctx context.Context, b bundle) (now store.Record, proved bool, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if now, err = d.run.store.Read(gctx, d.run.name); errors.Is(err, store.ErrGarbage) {
			return nil
		}
		return err
	})
	g.Go(func() error {
		holds, told, err := d.holds(gctx, b)
		proved = holds && told
		return err
	})
	err = g.Wait()
	return now, proved, err
}

// runs reports whether the bundle runs already, and as it should.
func (t destination) runs(b bundle) bool {
	return t.env.State == Ready && !t.broken && t.env.Version == b.label && t.change.Empty() && beanstalk.Healthy(t.env)
}

// readingMaxAge is how long a reading of an environment is taken as current.
const readingMaxAge = 5 * time.Second

// still reports whether the environment is as it was when it was read, before the images were built.
func (d *deploy) still(ctx context.Context, t destination) (bool, error) {
	if time.Since(t.read) < readingMaxAge {
		return true, nil
	}
	now, err := d.manager.beanstalk.Get(ctx, t.env.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return now.State == t.env.State && now.Version == t.env.Version && now.CNAME == t.env.CNAME && beanstalk.Healthy(now), err
}

// recorded reports whether the record knows what runs on the environment, but for the commit.
func (d *deploy) recorded(r store.Record, e Env, images []Image) bool {
	return r.Environment == e.ID && r.Version == e.Version &&
		slices.Equal(r.Images, d.liveTags(images)) && slices.Equal(r.Digests, digests(images)) &&
		slices.Equal(r.Settings, beanstalk.Names(d.Settings))
}

// perform deploys the bundle, asks the URL, and then removes the live tags of all images but those of
// the running and the previous version.
func (d *deploy) perform(ctx context.Context, l *lease, before destination, b bundle, images []Image) (Result, error) {
	e, outcome, err := d.apply(ctx, l, before, b, images)
	r := Result{Environment: e, Outcome: outcome, Images: images}
	if err != nil {
		return r, err
	}
	r.Environment.Commit = d.Commit // AWS's description names the commit of the last try, which may have failed
	if err := d.manager.askURL(ctx, d.run.url(e.Env), d.Check, d.options); err != nil {
		return r, err
	}
	if e.Version != b.label {
		return r, nil // another request's, which sees to its tags
	}
	rec := d.run.record // what it will say: the tags that it names stay
	d.write(ctx, &rec, r, b, images, nil)
	d.run.untag(ctx, l, rec)
	return r, nil
}

// write fills in the record with the end of the deploy, unless what runs is another request's. The release
// of the lease writes it.
func (d *deploy) write(ctx context.Context, rec *store.Record, r Result, b bundle, images []Image, err error) {
	if err == nil && r.Environment.Version != b.label {
		return
	}
	d.run.conclude(ctx, rec, r, store.Run{Version: b.label, Commit: d.Commit, Images: d.liveTags(images), Digests: digests(images)}, err)
	if err == nil {
		rec.OwnedSettings = rec.Updated(beanstalk.Names(d.Settings), r.Environment.Settings)
		rec.BlankSettings = d.blank(sortedUnion(rec.BlankSettings, d.withdrawn))
	}
}

// apply deploys the bundle to the environment and returns the outcome.
func (d *deploy) apply(ctx context.Context, l *lease, before destination, b bundle, images []Image) (Environment, string, error) {
	t, err := d.current(ctx, before)
	if err != nil {
		return t.environment(), "", err
	}
	proved, err := d.provedToRun(ctx, l, t, b)
	switch b.again = t.runs(b) && !proved; {
	case err != nil:
		return t.environment(), "", err
	case proved:
		return t.environment(), Unchanged, d.tagImages(ctx, l, images)
	case !b.again && d.joins(t):
		return t.environment(), Unchanged, nil
	}
	if err := t.fits(images); err != nil {
		return t.environment(), "", err
	}
	if err := d.register(ctx, l, b, images); err != nil {
		return Environment{}, "", err
	}
	switch {
	case t.broken:
		e, err := d.relaunch(ctx, l, t, b)
		return e, Created, err
	case t.env.ID != "":
		e, err := d.redeploy(ctx, l, t, b)
		return e, Deployed, err
	}
	e, err := d.launch(ctx, l, t, b)
	if errors.Is(err, ErrTaken) {
		return d.alreadyThere(ctx, l, t.url, b, images, err)
	}
	return e, Created, err
}

// current returns the destination as it is now: it may have been swapped, protected or changed during
// the build. It reads it again unless the last reading is recent and no other operation has written
// the record since. A destination that is to be removed is always read again.
func (d *deploy) current(ctx context.Context, before destination) (destination, error) {
	if time.Since(before.read) < readingMaxAge && d.run.record.Counter <= d.run.atRequest.Counter+1 && !before.broken {
		return before, nil
	}
	now, err := d.find(ctx)
	if err == nil && now.url != before.url {
		err = fmt.Errorf("environment %s has moved from %s to %s while the images were being built", d.run.name, before.url, now.url)
	}
	return now, err
}

// joins reports whether a later request of the same commit has deployed already. That is then the result
// of this deploy, too, even if its own bundle differs. (A later request of another commit supersedes this
// one.) The environment's description must agree with the record.
func (d *deploy) joins(t destination) bool {
	rec := d.run.record
	joined := rec.Deployed > d.run.atRequest.RequestNumber && t.env.State == Ready &&
		t.env.ID == rec.Environment && t.env.Version == rec.Version && t.env.Commit == d.Commit
	if joined {
		d.options.note("a later up of the same commit has deployed version %s", t.env.Version)
	}
	return joined
}

// alreadyThere continues after a launch that failed because the environment exists. Either AWS's answer
// to an earlier attempt was lost, or a process without the lease has launched it.
func (d *deploy) alreadyThere(ctx context.Context, l *lease, url string, b bundle, images []Image, cause error) (Environment, string, error) {
	if t, err := d.find(ctx); err != nil || t.env.ID == "" {
		return t.environment(), "", cmp.Or(err, cause)
	}
	return d.apply(ctx, l, destination{url: url}, b, images)
}
