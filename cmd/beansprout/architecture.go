package main

import (
	"context"
	"fmt"
	"strings"

	"beansprout/builder"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// architecture returns what the images are to be built for: that of the instances. Where the
// configuration doesn't tell it, it looks ahead for it and returns what it saw there, too.
func (d *deployment) architecture(ctx context.Context) (arch string, ahead *target, err error) {
	if d.cfg.Artifact != "" { // runs on any
		return "", nil, nil
	}
	wanted := beanstalk.Configuration{}.Changed(beanstalk.Difference{Set: d.settings})
	if err := d.checkInstances(wanted.InstanceTypes()); err != nil {
		return "", nil, err
	}
	if arch = wanted.Architecture(); len(wanted.InstanceTypes()) == 0 && d.cfg.Environment.Platform == "" {
		if arch, ahead, err = d.lookForArchitecture(ctx); err != nil {
			return "", nil, err
		}
	}
	return arch, ahead, d.checkImages(arch)
}

func (d *deployment) lookForArchitecture(ctx context.Context) (string, *target, error) {
	t, err := d.lookAhead(ctx)
	switch {
	case err != nil || t.arch != "":
		return t.arch, &t, err
	case t.env.State.Gone():
		_, arch, err := d.base(ctx)
		return arch, &t, err
	}
	have, err := d.beanstalk.Configuration(ctx, t.env)
	return have.Architecture(), &t, err
}

// checkInstances refuses instance types of several architectures: one image runs on all of them.
func (d *deployment) checkInstances(types []string) error {
	for _, t := range types[min(1, len(types)):] {
		if a, b := beanstalk.Architecture(types[0]), beanstalk.Architecture(t); a != b {
			return usageErrorf("%s: the instance types are of several architectures: %s is %s, %s is %s", d.instancesAt(), types[0], a, t, b)
		}
	}
	return nil
}

// instancesAt is where the file says what the instances are.
func (d *deployment) instancesAt() string {
	for _, path := range []string{
		"environment.options.aws:ec2:instances.InstanceTypes",
		"environment.options.aws:autoscaling:launchconfiguration.InstanceType",
		"environment.instance_type",
	} {
		if at := d.cfg.At(path); at != d.cfg.File {
			return at
		}
	}
	return d.cfg.File
}

// checkImages refuses what can't come out right: an image that the configuration or its
// Dockerfile makes for another architecture than the instances'.
func (d *deployment) checkImages(arch string) error {
	for _, image := range d.cfg.Build {
		if p := image.Platform; p != "" && architectureOf(p) != arch {
			path := "build." + image.Name + ".platform"
			return usageErrorf("%s: %s: an image for %s doesn't run on the environment's instances, which are %s", d.cfg.At(path), path, p, arch)
		}
	}
	for _, source := range d.sources() {
		source.Platform = "linux/" + arch
		if p, at := d.engine.Pinned(source); p != "" {
			return usageErrorf("%s: image %s is made for %s, whatever is asked for, and the environment's instances are %s", at, source.Name, p, arch)
		}
	}
	return nil
}

// fits says whether the images run on the target's instances, which may be others than they
// were before the images were built.
func (t target) fits(images []builder.Image) error {
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

// otherInstances is the error about an environment whose instances would become ones that
// can't run what runs on them.
func (d *deployment) otherInstances(e envs.Env, have, then beanstalk.Configuration) error {
	describe := func(c beanstalk.Configuration) string {
		return strings.TrimSpace(c.Architecture() + " " + strings.Join(c.InstanceTypes(), ", "))
	}
	return hint(environmentError(e, fmt.Errorf("its instances are %s, and what runs on them can't run on %s (%s)", describe(have), describe(then), d.instancesAt())),
		"the architecture of a living environment can't change: beansprout down, and up again")
}
