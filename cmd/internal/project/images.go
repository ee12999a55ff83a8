package project

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"beansprout/builder"
	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
)

// Check refuses images that would not run on instances of the architecture: those that the
// configuration or a Dockerfile makes for another one.
func (p *Project) Check(ctx context.Context, arch string) error {
	for _, image := range p.Config.Build {
		if platform := image.Platform; platform != "" && architectureOf(platform) != arch {
			path := "build." + image.Name + ".platform"
			return errorf("%s: %s: an image for %s doesn't run on the environment's instances, which are %s", p.Config.At(path), path, platform, arch)
		}
	}
	for _, source := range p.sources(envs.Target{Architecture: arch}) {
		source.Platform = "linux/" + arch
		if platform, at := p.engine.Pinned(ctx, source); platform != "" {
			return errorf("%s: image %s is made for %s, whatever is asked for, and the environment's instances are %s", at, source.Name, platform, arch)
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

// Images makes the images and pushes them, side by side, or runs the command that makes the artifact
// instead. Each image is a step of the progress.
func (p *Project) Images(ctx context.Context, t envs.Target) ([]envs.Image, error) {
	if p.Config.Artifact != "" {
		return nil, p.makeArtifact(ctx, t)
	}
	ready := sync.OnceValue(func() error {
		err := t.Ready(ctx)
		if err == nil {
			p.reportImages(t, envs.Begin, "")
		}
		return err
	})
	options := builder.Options{
		Log: func(image, stage, line string) {
			if ready() == nil {
				logImage(t, image, stage, line)
			}
		},
		Ready: func(context.Context) error { return ready() }, Rebuild: p.Rebuild, Mask: p.Mask,
	}
	images, err := p.engine.Build(ctx, p.sources(t), p.destination(t), options)
	if unready := ready(); unready != nil {
		return nil, cmp.Or(err, unready)
	}
	if err != nil {
		p.reportImages(t, envs.End, "stopped")
		return nil, err
	}
	p.built = images
	for _, image := range images {
		outcome := image.Digest
		if image.Cached {
			outcome += " (the registry had it)"
		}
		report(t, envs.End, "image "+image.Name, outcome)
	}
	return handedOn(images), nil
}

// destination returns where images are pushed to, which the builder asks for when it has some.
func (p *Project) destination(t envs.Target) func(context.Context) (builder.Registry, error) {
	return func(ctx context.Context) (builder.Registry, error) {
		uri, err := t.Registry.Repository(ctx)
		return withEarlyLogin(ctx, p.registryAt(uri, t.Registry)), err
	}
}

// logImage reports a line of a build.
func logImage(t envs.Target, image, stage, line string) {
	if stage == "note" {
		report(t, envs.Note, "", "image "+image+": "+line)
		return
	}
	report(t, envs.Line, "image "+image, stage+": "+line)
}

// reportImages reports the same of each image.
func (p *Project) reportImages(t envs.Target, kind envs.EventKind, text string) {
	for _, b := range p.Config.Build {
		report(t, kind, "image "+b.Name, text)
	}
}

// Built returns the images of the last Images or Forecast, with what the builder knows of them.
func (p *Project) Built() []builder.Image { return p.built }

// report reports an event of the progress.
func report(t envs.Target, kind envs.EventKind, step, text string) {
	if t.Options.Progress != nil {
		t.Options.Progress(envs.Event{Time: time.Now(), Kind: kind, Step: step, Text: text})
	}
}

func handedOn(images []builder.Image) []envs.Image {
	var on []envs.Image
	for _, i := range images {
		on = append(on, envs.Image{Name: i.Name, Reference: i.Reference, Digest: i.Digest, Platform: i.Platform})
	}
	return on
}

// registryAt is the repository with that URI as the builder sees it.
func (p *Project) registryAt(uri string, r envs.Registry) builder.Registry {
	names := p.imageNames()
	return builder.Registry{
		Repository: uri,
		Image: func(ctx context.Context, tag string) (digest, config string, err error) {
			return r.Image(ctx, uri, tag)
		},
		Login: func(ctx context.Context) (builder.Credentials, error) {
			username, password, err := r.Login(ctx, uri, names)
			return builder.Credentials{Username: username, Password: password}, err
		},
	}
}

// withEarlyLogin fetches the credentials during the build, as soon as the registry lacks an image.
func withEarlyLogin(ctx context.Context, r builder.Registry) builder.Registry {
	image, login := r.Image, r.Login
	early := sync.OnceValues(func() (builder.Credentials, error) { return login(ctx) })
	var used atomic.Bool
	r.Image = func(ctx context.Context, tag string) (digest, config string, err error) {
		if digest, config, err = image(ctx, tag); digest == "" && err == nil {
			go early()
		}
		return digest, config, err
	}
	r.Login = func(ctx context.Context) (builder.Credentials, error) {
		if used.CompareAndSwap(false, true) {
			return early()
		}
		return login(ctx)
	}
	return r
}

// Forecast returns the images as the files that are there now would make them, and whether the
// registry has all of them. It makes none: the reference of one that is missing ends in
// ":to-be-built". They are not complete either where a bundle can't be made of them before a prepare
// has run.
func (p *Project) Forecast(ctx context.Context, t envs.Target) (images []envs.Image, complete bool, err error) {
	if p.Config.Artifact == "" {
		if err := p.look(ctx, t); err != nil {
			return nil, false, err
		}
	}
	images, complete = handedOn(p.built), true
	for i, image := range p.built {
		if !image.Cached {
			images[i].Reference, complete = t.Registry.Name+":to-be-built", false
		}
	}
	if !complete || !p.Preparing() {
		return images, complete, nil
	}
	b, err := p.Bundle(ctx, images, t)
	if err != nil {
		return images, false, nil
	}
	return images, true, b.File.Close()
}

// look finds out which images the registry has.
func (p *Project) look(ctx context.Context, t envs.Target) error {
	uri, err := t.Registry.Look(ctx)
	if err != nil {
		return err
	}
	to := p.registryAt(uri, t.Registry)
	if uri == "" || p.Rebuild {
		to.Image = func(context.Context, string) (digest, config string, err error) { return "", "", nil }
	}
	p.built, err = p.engine.Look(ctx, p.sources(t), to)
	return err
}

func (p *Project) sources(t envs.Target) []builder.Source {
	var sources []builder.Source
	for _, b := range p.Config.Build {
		s := builder.Source{
			Name: b.Name, Dir: p.Config.Dir, Prepare: b.Prepare, Context: filepath.Join(p.Config.Dir, b.Context),
			Dockerfile: b.Dockerfile, Target: b.Target, Args: p.arguments(b),
			Platform: cmp.Or(b.Platform, "linux/"+t.Architecture), CacheFrom: b.CacheFrom, Network: b.Network, Pull: b.Pull, WarnSize: b.WarnSize,
			Labels: p.labels(), Local: envs.LocalTag(t.Name, b.Name),
		}
		for _, secret := range b.Secrets {
			s.Secrets = append(s.Secrets, builder.Secret{ID: secret.ID, File: secret.File, Env: secret.Env, Lookup: p.env})
		}
		for _, agent := range b.SSH {
			s.SSH = append(s.SSH, builder.SSH(agent))
		}
		sources = append(sources, s)
	}
	return sources
}

// arguments are those of an image, with what the environment has of those without a value.
func (p *Project) arguments(b config.Image) map[string]string {
	args := maps.Clone(b.Args)
	for _, name := range b.EnvArgs {
		if value, ok := p.env(name); ok {
			args[name] = value
		}
	}
	return args
}

// labels say where an image comes from, as https://specs.opencontainers.org/image-spec/annotations
// has it. They are equal for equal commits.
func (p *Project) labels() map[string]string {
	labels := map[string]string{}
	add := func(name, value string) {
		if value != "" {
			labels["org.opencontainers.image."+name] = value
		}
	}
	add("source", p.Checkout.Source)
	add("revision", p.Checkout.Commit)
	if !p.Checkout.Committed.IsZero() {
		add("created", p.Checkout.Committed.Format(time.RFC3339))
	}
	return labels
}
