package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// target is where a deploy goes: an environment that lives, or one to be launched.
type target struct {
	env    envs.Env // the zero Env when there is none
	url    string
	broken bool                 // its launch failed: it is to be removed and launched again
	change beanstalk.Difference // what has to change about its settings
	base   beanstalk.Base       // what a new one starts from
}

// target finds out where the deploy goes, and waits until what lives may be changed.
func (d *deployment) target(ctx context.Context) (target, error) {
	e, err := d.beanstalk.Find(ctx, d.name)
	if err == nil && e.State != envs.Ready {
		d.talk.say("environment %s is %s: waiting until it may be changed", e.Name, e.State)
		e, err = d.beanstalk.Settle(ctx, e)
	}
	if errors.Is(err, envs.ErrNotFound) {
		return d.newTarget(ctx)
	}
	if err != nil {
		return target{}, err
	}
	return d.liveTarget(ctx, e)
}

// newTarget looks up what a launch needs. The address is known before the environment is.
func (d *deployment) newTarget(ctx context.Context) (target, error) {
	cname, free, err := d.beanstalk.Address(ctx, d.name)
	if err != nil {
		return target{}, err
	}
	if !free {
		return target{}, hint(fmt.Errorf("the address %s is %w by somebody else's environment", cname, envs.ErrTaken),
			"CNAMEs are shared by all customers of a region; give the feature another name with --feature")
	}
	t := target{url: envs.Env{CNAME: cname}.URL()}
	want := d.cfg.Environment
	if t.base.SavedConfiguration = want.SavedConfiguration; t.base.SavedConfiguration != "" {
		err = d.beanstalk.CheckSavedConfiguration(ctx, d.cfg.Application, t.base.SavedConfiguration)
		return t, err
	}
	t.base.Platform, err = d.beanstalk.Platform(ctx, want.Platform)
	return t, err
}

// liveTarget proves that the environment is ours and compares it with what is wanted.
func (d *deployment) liveTarget(ctx context.Context, e envs.Env) (target, error) {
	tags, err := d.beanstalk.Tags(ctx, e)
	if err != nil {
		return target{}, err
	}
	if e, err = d.prove(e, tags); err != nil {
		return target{}, err
	}
	t := target{env: envs.ParseDeployed(e, d.feature), url: e.URL()}
	if !beanstalk.Healthy(e) {
		if t.broken, err = d.beanstalk.LaunchFailed(ctx, e); err != nil {
			return target{}, err
		}
	}
	var before []string
	if d.record.Environment == e.ID {
		before = d.record.Settings
	}
	t.change, err = d.beanstalk.Compare(ctx, e, d.settings, before)
	return t, err
}

// wish is what the configuration says about an environment's settings.
func wish(cfg *config.Config) beanstalk.Wish {
	want := cfg.Environment
	return beanstalk.Wish{
		InstanceType: want.InstanceType, InstanceProfile: want.InstanceProfile, ServiceRole: want.ServiceRole,
		Variables: want.Variables, Options: want.Options,
		Overlay: want.SavedConfiguration != "",
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
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(application) {
		if r < '0' || '9' < r && r < 'a' || 'z' < r {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	name := b.String()
	if len(name) < 2 || name[0] < 'a' {
		name = strings.TrimSuffix("beansprout-"+name, "-")
	}
	return name
}
