package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// base looks up what a launch starts from, and the architecture of what it would launch.
func (d *deployment) base(ctx context.Context) (beanstalk.Base, string, error) {
	want := d.cfg.Environment
	var base beanstalk.Base
	var found beanstalk.Configuration
	var err error
	path := "environment.platform"
	switch {
	case want.CopyFrom != "":
		path = "environment.copy_from"
		if base.Copy, err = d.beanstalk.Copy(ctx, d.cfg.Application, want.CopyFrom); err == nil {
			found = base.Copy.Configuration
		}
	case want.SavedConfiguration != "":
		path, base.SavedConfiguration = "environment.saved_configuration", want.SavedConfiguration
		found, err = d.beanstalk.SavedConfiguration(ctx, d.cfg.Application, want.SavedConfiguration)
	default:
		base.Platform, err = d.beanstalk.Platform(ctx, want.Platform)
		found.Platform = base.Platform
	}
	if err == nil {
		err = d.checkPlatform(path, found.Platform)
	}
	return base, found.Changed(beanstalk.Difference{Set: d.settings}).Architecture(), d.misnamed(path, err)
}

// sayLeftOut says what a launch from a copy doesn't take over from its source.
func (d *deployment) sayLeftOut(t target) {
	if t.base.Copy == nil {
		return
	}
	if left := t.base.Copy.LeftOut(); len(left) > 0 {
		d.talk.say("the copy of environment %s leaves out %s", d.cfg.Environment.CopyFrom, strings.Join(left, ", "))
	}
}

// otherPlatform is the platform branch that an environment lives on where the file names another,
// which is for launches; "" where they agree, or that isn't known.
func otherPlatform(wanted, arn string) string {
	_, name, _ := strings.Cut(arn, "::platform/")
	branch, _, _ := strings.Cut(name, "/")
	if wanted == "" || branch == wanted {
		return ""
	}
	return branch
}

// checkPlatform refuses, for images, a platform that doesn't run a Dockerrun v2: AWS says so
// only when the instances are up. A platform that isn't AWS's own may do anything.
func (d *deployment) checkPlatform(path, arn string) error {
	if err := d.runsOn(arn); err != nil {
		return hint(usageErrorf("%s: %s: %w", d.cfg.At(path), path, err),
			"want a branch such as ECS running on 64bit Amazon Linux 2023, or artifact: instead of build:")
	}
	return nil
}

// checkLivingPlatform is checkPlatform for an environment that lives, and stays on its own.
func (d *deployment) checkLivingPlatform(e envs.Env) error {
	if err := d.runsOn(e.Platform); err != nil {
		return hint(environmentError(e, err), "the platform of a living environment can't change: beansprout down, and up again")
	}
	return nil
}

func (d *deployment) runsOn(arn string) error {
	_, name, aws := strings.Cut(arn, "::platform/")
	if len(d.cfg.Build) == 0 || !aws || strings.HasPrefix(name, "ECS ") || strings.HasPrefix(name, "Multi-container Docker ") {
		return nil
	}
	return fmt.Errorf("the platform %q can't run images from a Dockerrun v2", name)
}

// misnamed makes of something that isn't found a mistake in the configuration.
func (d *deployment) misnamed(path string, err error) error {
	if !errors.Is(err, envs.ErrNotFound) {
		return err
	}
	return usageErrorf("%s: %s: %w", d.cfg.At(path), path, err)
}
