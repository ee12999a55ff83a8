package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"beansprout/builder"
	"beansprout/builder/ecr"
	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
)

// build makes the images and pushes them, or makes the artifact instead.
func (d *deployment) build(ctx context.Context) ([]builder.Image, error) {
	if d.cfg.Artifact != "" {
		return nil, d.makeArtifact(ctx)
	}
	steps := map[string]*step{}
	for _, s := range d.sources() {
		steps[s.Name] = d.talk.step("image " + s.Name)
	}
	log := func(image, stage, line string) {
		if stage == "note" {
			d.talk.say("image %s: %s", image, line)
			return
		}
		steps[image].log(stage + ": " + line)
	}
	images, err := d.engine.Build(ctx, d.sources(), d.destination, builder.Options{Log: log, Rebuild: d.rebuilds, Terminal: d.talk.terminal()})
	for _, s := range steps {
		if err != nil {
			s.done("stopped")
		}
	}
	for _, image := range images {
		outcome := image.Digest
		if image.Cached {
			outcome += " (the registry had it)"
		}
		steps[image.Name].done(outcome)
	}
	return images, err
}

func (d *deployment) sources() []builder.Source {
	var sources []builder.Source
	for _, b := range d.cfg.Build {
		s := builder.Source{
			Name: b.Name, Dir: d.cfg.Dir, Prepare: b.Prepare, Context: filepath.Join(d.cfg.Dir, b.Context),
			Dockerfile: b.Dockerfile, Target: b.Target, Args: b.Args,
			Platform: cmp.Or(b.Platform, "linux/"+d.arch), CacheFrom: b.CacheFrom, Network: b.Network, Pull: b.Pull, WarnSize: b.WarnSize,
			Labels: d.labels(), Local: envs.LocalTag(d.name, b.Name),
		}
		for _, secret := range b.Secrets {
			s.Secrets = append(s.Secrets, builder.Secret{ID: secret.ID, File: secret.File, Env: secret.Env})
		}
		sources = append(sources, s)
	}
	return sources
}

// labels say where an image comes from, as https://specs.opencontainers.org/image-spec/annotations
// has it. They are equal for equal commits.
func (d *deployment) labels() map[string]string {
	labels := map[string]string{}
	add := func(name, value string) {
		if value != "" {
			labels["org.opencontainers.image."+name] = value
		}
	}
	add("source", d.checkout.Source)
	add("revision", d.checkout.Commit)
	if !d.checkout.Committed.IsZero() {
		add("created", d.checkout.Committed.Format(time.RFC3339))
	}
	return labels
}

// destination is where images are pushed, made where it is missing.
func (d *deployment) destination(ctx context.Context) (builder.Registry, error) {
	uri, created, err := d.registry.Repository(ctx, d.repository(), ecr.Settings{Scan: d.cfg.Registry.ScanOnPush, Immutable: d.cfg.Registry.ImmutableTags})
	if err != nil {
		return builder.Registry{}, err
	}
	if created {
		d.talk.say("repository %s did not exist and was created", d.repository())
	}
	return builder.Registry{
		Repository: uri,
		Image: func(ctx context.Context, tag string) (digest, config string, err error) {
			digest, config, err = d.registry.Image(ctx, uri, tag)
			if errors.Is(err, ecr.ErrNoImage) {
				return "", "", nil
			}
			return digest, config, err
		},
		Login: func(ctx context.Context) (builder.Credentials, error) {
			d.expire(ctx, uri)
			token, err := d.registry.Token(ctx, uri)
			return builder.Credentials{Username: token.Username, Password: token.Password}, err
		},
	}, nil
}

// expire has what is pushed there go in time. That it can't be set is no reason not to deploy.
func (d *deployment) expire(ctx context.Context, repository string) {
	changed, err := d.registry.Expire(ctx, repository, time.Duration(d.cfg.Registry.ExpireImagesAfter))
	switch {
	case err != nil && ctx.Err() == nil:
		d.talk.say("warning: %v: images stay there", err)
	case changed && d.cfg.Registry.ExpireImagesAfter == 0:
		d.talk.say("repository %s now expires nothing that was built", d.repository())
	case changed:
		d.talk.say("repository %s now expires images %s after they were pushed, unless an environment lives on them", d.repository(), d.cfg.Registry.ExpireImagesAfter)
	}
}

// checkIncludes refuses folders and files of the bundle that don't exist, before anything is
// built, unless a prepare may make them.
func checkIncludes(cfg *config.Config) error {
	for _, b := range cfg.Build {
		if b.Prepare != "" {
			return nil
		}
	}
	for _, include := range cfg.Dockerrun.Include {
		if _, err := os.Lstat(filepath.Join(cfg.Dir, include)); err != nil {
			return usageErrorf("%s: dockerrun.include: %w", cfg.At("dockerrun.include"), err)
		}
	}
	return nil
}

// checkSecrets refuses secrets from environment variables that aren't set, before anything
// is built. Files may be made by prepare.
func checkSecrets(cfg *config.Config) error {
	for _, b := range cfg.Build {
		for _, secret := range b.Secrets {
			if _, ok := os.LookupEnv(secret.Env); secret.Env != "" && !ok {
				return usageErrorf("%s: secret %q of image %q: the environment variable %s is not set", cfg.At("build."+b.Name+".secrets"), secret.ID, b.Name, secret.Env)
			}
		}
	}
	return nil
}
