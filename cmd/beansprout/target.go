package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// target is where a deploy goes: an environment that lives, or one to be launched.
type target struct {
	env    envs.Env // the zero Env when there is none
	url    string
	kept   bool // a human protects it
	broken bool // its launch failed: it is to be removed and launched again
	have   beanstalk.Configuration
	change beanstalk.Difference // what has to change about it
	base   beanstalk.Base       // what a new one starts from
	arch   string               // of the instances; "" while somebody is at work on them
	read   time.Time            // by our clock
}

// target finds out where the deploy goes, and waits until what lives may be changed.
func (d *deployment) target(ctx context.Context) (target, error) {
	e, err := d.beanstalk.Find(ctx, d.name)
	left := false
	if err == nil && e.State != envs.Ready {
		d.talk.say("environment %s is %s: waiting until it may be changed", e.Name, e.State)
		left = e.State.Gone()
		e, err = d.beanstalk.Settle(ctx, e)
	}
	if errors.Is(err, envs.ErrNotFound) {
		return d.newTarget(ctx, left)
	}
	if err != nil {
		return target{}, err
	}
	return d.liveTarget(ctx, e)
}

// lookAhead is target without waiting: whoever is at work on the environment goes on beside
// the build, and is waited for by the lease.
func (d *deployment) lookAhead(ctx context.Context) (target, error) {
	e, err := d.beanstalk.Find(ctx, d.name)
	switch {
	case errors.Is(err, envs.ErrNotFound):
		return d.newTarget(ctx, false)
	case err != nil:
		return target{}, err
	case e.State == envs.Ready:
		return d.liveTarget(ctx, e)
	case e.CNAME == "":
		e.CNAME, _, err = d.beanstalk.Address(ctx, d.name)
	}
	return target{env: e, url: e.URL()}, err
}

// freed is how long AWS may take to free the address of an environment that has gone.
const freed = time.Minute

// newTarget looks up what a launch needs. The address is known before the environment is.
// Where an environment of that name has just gone, its address is waited for.
func (d *deployment) newTarget(ctx context.Context, left bool) (target, error) {
	cname, err := d.address(ctx, left)
	if err != nil {
		return target{}, err
	}
	t := target{url: envs.Env{CNAME: cname}.URL(), read: time.Now()}
	t.base, t.arch, err = d.base(ctx)
	return t, err
}

func (d *deployment) address(ctx context.Context, left bool) (string, error) {
	for deadline := time.Now().Add(freed); ; {
		cname, free, err := d.beanstalk.Address(ctx, d.name)
		if err != nil || free {
			return cname, err
		}
		if !left || time.Now().After(deadline) {
			return "", hint(fmt.Errorf("the address %s is %w by somebody else's environment", cname, envs.ErrTaken),
				"CNAMEs are shared by all customers of a region; give the feature another name with --feature")
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

// liveTarget proves that the environment is ours and compares it with what is wanted.
func (d *deployment) liveTarget(ctx context.Context, e envs.Env) (target, error) {
	e, tags, err := d.identify(ctx, e)
	if err != nil {
		return target{}, err
	}
	t := target{env: e, url: e.URL(), kept: keepReason(e, tags, d.record) != "", read: time.Now()}
	if !beanstalk.Healthy(e) {
		if t.broken, err = d.beanstalk.LaunchFailed(ctx, e); err != nil {
			return target{}, err
		}
	}
	if t.broken && t.kept {
		return target{}, hint(environmentError(e, errors.New("its launch failed, so it would have to be removed, but it is kept")),
			"beansprout unkeep, or take the tag "+envs.TagLifecycle+"=keep away, or beansprout down --force")
	}
	if err := d.checkLivingPlatform(e); err != nil && !t.broken {
		return target{}, err
	}
	if t.have, err = d.beanstalk.Configuration(ctx, e); err != nil {
		return target{}, err
	}
	t = d.compared(t)
	then := t.have.Changed(t.change)
	if t.arch = then.Architecture(); t.arch != t.have.Architecture() && !t.broken {
		return target{}, d.otherInstances(e, t.have, then)
	}
	return t, nil
}

// compared says what has to change about the settings of a living target, by what the ledger
// is known to say.
func (d *deployment) compared(t target) target {
	var before []string
	if d.record.Environment == t.env.ID {
		before = d.record.Settings
	}
	t.change = t.have.Compare(d.settings, before)
	return t
}

// wish is what the configuration says about an environment's settings.
func wish(cfg *config.Config) beanstalk.Wish {
	want := cfg.Environment
	return beanstalk.Wish{
		InstanceType: want.InstanceType, InstanceProfile: want.InstanceProfile, ServiceRole: want.ServiceRole,
		Variables: want.Variables, Secrets: want.Secrets, SharedBalancer: want.SharedLoadBalancer, Options: want.Options,
		Overlay: want.SavedConfiguration != "" || want.CopyFrom != "",
	}
}

func settingNames(settings []beanstalk.Setting) []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.String())
	}
	return names
}

// repositoryName makes of an application's name one that ECR takes: 2 to 256 lower-case
// letters, digits and single separators, a letter first.
func repositoryName(application string) string {
	name := envs.Slug(strings.ToLower(application), 256)
	if len(name) < 2 || name[0] < 'a' {
		name = strings.TrimSuffix("beansprout-"+name, "-")
	}
	return name
}
