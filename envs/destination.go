package envs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"beansprout/envs/beanstalk"

	"golang.org/x/sync/errgroup"
)

// destination is where a deploy goes: an environment that lives, or one to be launched.
type destination struct {
	env    Env  // the zero Env when there is none
	tags   Tags // nil where they were not read
	url    string
	broken bool // its launch failed: it is to be removed and launched again
	have   beanstalk.Configuration
	change beanstalk.Difference // what has to change about it
	base   beanstalk.Base       // what a new one starts from
	arch   string               // of the instances; "" while AWS is at work on them
	read   time.Time            // by our clock
}

func (t destination) environment() Environment { return Environment{Env: t.env, Tags: t.tags} }

// serving returns the environment where it answers while another version is made.
func (t destination) serving() Environment {
	if t.broken || t.env.State != Ready && t.env.State != Updating {
		return Environment{}
	}
	return t.environment()
}

// lookFirst looks up the destination. Before anything is built it refuses mistakes that only AWS can
// show: a platform that does not exist, images that cannot run on the instances.
func (d *deploy) lookFirst(ctx context.Context) (to destination, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.run.read(gctx) })
	g.Go(func() (err error) { to, err = d.lookAhead(gctx); return err })
	if err := g.Wait(); err != nil {
		return to, err
	}
	if to, err = d.judged(to); err != nil {
		return to, err
	}
	if err := d.checkArchitecture(ctx, to); err != nil {
		return to, err
	}
	if to.env.ID != "" && otherPlatform(d.Base.Platform, to.env.Platform) != "" {
		_, err = d.manager.beanstalk.Platform(ctx, d.Base.Platform)
		err = misnamed("Base.Platform", err)
	}
	if err == nil {
		close(d.looked)
	}
	return to, err
}

// checkSettings makes the source check the instances' architecture without asking AWS, if the settings
// name the architecture or there are no images.
func (d *deploy) checkSettings(ctx context.Context) error {
	wanted := configured(d.Settings)
	switch {
	case !d.hasImages():
		d.checked = true
	case len(wanted.InstanceTypes()) > 0 || d.Base.Platform != "":
		d.arch, d.checked = wanted.Architecture(), true
	default:
		return nil
	}
	return d.Source.Check(ctx, d.arch)
}

// checkArchitecture makes the source check the instances' architecture, unless checkSettings did.
func (d *deploy) checkArchitecture(ctx context.Context, to destination) (err error) {
	if d.checked {
		return nil
	}
	if d.arch, err = d.architecture(ctx, to); err != nil {
		return err
	}
	return d.Source.Check(ctx, d.arch)
}

// architecture returns that of the instances of where the deploy goes.
func (d *deploy) architecture(ctx context.Context, to destination) (arch string, err error) {
	switch {
	case to.arch != "":
		arch = to.arch
	case to.env.State.Gone():
		_, arch, err = d.base(ctx)
	default:
		var have beanstalk.Configuration
		have, err = d.manager.beanstalk.Configuration(ctx, to.env)
		arch = have.Architecture()
	}
	return arch, err
}

// configured is a configuration of these settings alone.
func configured(settings []beanstalk.Setting) beanstalk.Configuration {
	return beanstalk.Configuration{}.Changed(beanstalk.Difference{Set: settings})
}

// find looks up the destination and waits until a living environment may be changed.
func (d *deploy) find(ctx context.Context) (destination, error) {
	for left := false; ; left = true {
		e, cname, err := d.lookUp(ctx, left)
		switch {
		case err != nil:
			return destination{}, err
		case e.ID == "":
			return d.newDestination(ctx, cname)
		case e.State == Ready:
			return d.liveDestination(ctx, e)
		}
		d.options.note("environment %s is %s: waiting until it may be changed", e.Name, e.State)
		e, err = d.manager.settle(ctx, e, d.options)
		if err == nil {
			return d.liveDestination(ctx, e)
		}
		if !errors.Is(err, ErrNotFound) {
			return destination{}, err
		}
	}
}

// lookAhead is like find but does not wait and does not read the record, which judges the destination
// later. A change may go on during the build: the lease waits for it.
func (d *deploy) lookAhead(ctx context.Context) (destination, error) {
	e, cname, err := d.fromList(), "", error(nil)
	if e.ID == "" {
		e, cname, err = d.lookUp(ctx, false)
	}
	switch {
	case err != nil:
		return destination{}, err
	case e.ID == "":
		return d.newDestination(ctx, cname)
	case e.State == Ready:
		return d.readLive(ctx, e)
	case e.CNAME == "":
		e.CNAME, _, err = d.manager.beanstalk.Address(ctx, d.run.name)
	}
	return destination{env: e, url: d.run.url(e)}, err
}

// fromList returns the environment as it was listed when the deploy began, once, and the zero Env where
// none was: then AWS is to be asked for the name.
func (d *deploy) fromList() Env {
	list := d.listed
	if d.listed = nil; list == nil {
		return Env{}
	}
	rows, _ := list() // an error is met again when the name is asked for
	for _, e := range rows {
		if e.Name == d.run.name && !e.State.Gone() {
			return e
		}
	}
	return Env{}
}

// addressPause is how long a look pauses while the address of an environment that has gone is not
// free yet.
const addressPause = 2 * time.Second

// lookUp returns the environment, or the address of a new one. If an environment of that name has just
// gone (left, or AWS says so), it waits for the address to become free.
func (d *deploy) lookUp(ctx context.Context, left bool) (e Env, cname string, err error) {
	known := d.manager.recordedID(d.run.name)
	for deadline := time.Now().Add(beanstalk.CNAMEReleaseTimeout); ; {
		e, err := d.manager.beanstalk.Find(ctx, d.run.name, known)
		absent, ok := errors.AsType[*beanstalk.MissingError](err)
		switch {
		case !ok:
			return e, "", err
		case absent.AddressFree:
			return e, absent.CNAME, nil
		case !(left || absent.JustTerminated) || time.Now().After(deadline):
			return e, "", &AddressError{absent.CNAME}
		}
		if err := pause(ctx, addressPause); err != nil {
			return e, "", err
		}
	}
}

// newDestination looks up what a launch needs. The address is known before the environment exists.
func (d *deploy) newDestination(ctx context.Context, cname string) (t destination, err error) {
	t = destination{read: time.Now()}
	t.base, t.arch, err = d.base(ctx)
	t.url = d.run.url(Env{CNAME: cname})
	return t, err
}

// liveDestination proves that the environment is ours and compares its settings with the wanted ones.
func (d *deploy) liveDestination(ctx context.Context, e Env) (destination, error) {
	t, err := d.readLive(ctx, e)
	if err != nil {
		return destination{}, err
	}
	return d.judged(t)
}

// readLive proves that the environment is ours and reads its configuration.
func (d *deploy) readLive(ctx context.Context, e Env) (destination, error) {
	t := destination{read: time.Now()}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { t.env, t.tags, err = d.manager.identify(gctx, e); return err })
	g.Go(func() (err error) { t.have, err = d.manager.beanstalk.Configuration(gctx, e); return err })
	err := g.Wait()
	if err == nil && !beanstalk.Healthy(t.env) {
		t.broken, err = d.manager.beanstalk.LaunchFailed(ctx, t.env)
	}
	return t, err
}

// judged returns the destination with what has to change about it by what the record says, or why it
// can't be deployed to. One that AWS is at work on, or that is yet to be launched, is returned as it is.
func (d *deploy) judged(t destination) (destination, error) {
	if t.env.ID == "" || t.env.State != Ready {
		return t, nil
	}
	if reason := protection(t.env, t.tags, &d.run.record); t.broken && reason != "" {
		return destination{}, &ProtectedError{Environment: nameOf(t.env), Reason: reason, Launch: true}
	}
	if err := d.runsOn(t.env.Platform); err != nil && !t.broken {
		return destination{}, errorOf(t.env, err)
	}
	t = d.compared(t)
	then := t.have.Changed(t.change)
	if t.arch = then.Architecture(); t.arch != t.have.Architecture() && !t.broken {
		return destination{}, &ArchitectureError{Environment: nameOf(t.env), Have: describeInstances(t.have), Want: describeInstances(then)}
	}
	d.run.https = d.answersByHTTPS(then)
	t.url = d.run.url(t.env)
	return t, nil
}

// fits returns why an image does not run on the destination's instances, which may be others than
// they were before the images were built.
func (t destination) fits(images []Image) error {
	for _, image := range images {
		if t.arch != "" && architectureOf(image.Platform) != t.arch {
			return fmt.Errorf("image %s was built for %s, and the environment's instances are %s", image.Name, image.Platform, t.arch)
		}
	}
	return nil
}

// architectureOf is the middle of linux/arm64/v8.
func architectureOf(platform string) string {
	_, arch, _ := strings.Cut(platform, "/")
	arch, _, _ = strings.Cut(arch, "/")
	return arch
}

func describeInstances(c beanstalk.Configuration) string {
	return strings.TrimSpace(c.Architecture() + " " + strings.Join(c.InstanceTypes(), ", "))
}

// answersByHTTPS reports whether environments answer by HTTPS alone: as the deployment says, or else
// as the listeners do, those of found and what the settings change about them.
func (d *deploy) answersByHTTPS(found beanstalk.Configuration) bool {
	if d.Scheme != ByListeners {
		return d.Scheme == HTTPS
	}
	return found.Changed(beanstalk.Difference{Set: d.Settings}).HTTPSOnly()
}

// base looks up what a launch starts from, and the architecture of what it would launch.
func (d *deploy) base(ctx context.Context) (beanstalk.Base, string, error) {
	var base beanstalk.Base
	var found beanstalk.Configuration
	var err error
	field, client := "Base.Platform", d.manager.beanstalk
	switch {
	case d.Base.CopyFrom != "":
		field = "Base.CopyFrom"
		if base.Copy, err = client.Copy(ctx, d.manager.config.Application, d.Base.CopyFrom); err == nil {
			found = base.Copy.Configuration
		}
	case d.Base.SavedConfiguration != "":
		field, base.SavedConfiguration = "Base.SavedConfiguration", d.Base.SavedConfiguration
		found, err = client.SavedConfiguration(ctx, d.manager.config.Application, d.Base.SavedConfiguration)
		if err == nil && found.Worker() {
			err = &FieldError{field, fmt.Errorf("%q is a worker's, which has no address", d.Base.SavedConfiguration)}
		}
	default:
		base.Platform, err = client.Platform(ctx, d.Base.Platform)
		found.Platform = base.Platform
	}
	base.Configuration = found
	if err == nil {
		d.run.https = d.answersByHTTPS(found)
		if unfit := d.runsOn(found.Platform); unfit != nil {
			err = &FieldError{field, unfit}
		}
	}
	return base, found.Changed(beanstalk.Difference{Set: d.Settings}).Architecture(), misnamed(field, err)
}

// noteLeftOut reports which settings of its source a launch from a copy leaves out.
func (d *deploy) noteLeftOut(t destination) {
	if t.base.Copy == nil {
		return
	}
	if left := t.base.Copy.LeftOut(); len(left) > 0 {
		d.options.note("the copy of environment %s leaves out %s", d.Base.CopyFrom, strings.Join(left, ", "))
	}
}

// otherPlatform returns the platform branch of the environment if it differs from the given one, which is
// only for launches. It returns "" if they agree or the branch is not known.
func otherPlatform(platform, arn string) string {
	_, name, _ := strings.Cut(arn, "::platform/")
	branch, _, _ := strings.Cut(name, "/")
	if platform == "" || branch == platform {
		return ""
	}
	return branch
}

// runsOn refuses a platform that cannot run the images' Dockerrun v2 or compose file, which AWS reports only
// when the instances are up. It accepts all platforms that are not AWS's own.
func (d *deploy) runsOn(arn string) error {
	_, name, aws := strings.Cut(arn, "::platform/")
	family, _, _ := strings.Cut(name, " running on ")
	switch {
	case !d.hasImages(), !aws, d.Compose && family == "Docker", !d.Compose && (family == "ECS" || family == "Multi-container Docker"):
		return nil
	}
	return &PlatformError{name, d.Compose}
}

// misnamed turns a not-found error into a *FieldError about the field of the deployment.
func misnamed(field string, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return &FieldError{field, err}
}
