package builder

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
)

// work is one call of Build.
type work struct {
	*Builder
	registry func() (Registry, error)
	log      Log
	rebuild  bool
}

func newWork(ctx context.Context, b *Builder, registry func(context.Context) (Registry, error), o Options) *work {
	return &work{
		Builder:  b,
		registry: sync.OnceValues(func() (Registry, error) { return registry(ctx) }),
		log:      o.Log.oneAtATime(),
		rebuild:  o.Rebuild,
	}
}

// image makes one image, or finds it in the registry.
func (w *work) image(ctx context.Context, s Source, prepared func() error) (Image, error) {
	if err := prepared(); err != nil {
		return Image{}, err
	}
	started := w.now()
	made, err := w.make(ctx, s)
	made.Name, made.Took = s.Name, w.now().Sub(started)
	return made, err
}

func (w *work) make(ctx context.Context, s Source) (Image, error) {
	if err := check(s); err != nil {
		return Image{}, &BuildError{Image: s.Name, Err: err}
	}
	fingerprint, notes, err := w.fingerprint(ctx, s, w.bases(s, anonymous))
	if err != nil {
		return Image{}, err
	}
	for _, note := range notes {
		w.log.of(s.Name, stepBuild)(note)
	}
	to, err := w.registry()
	if err != nil {
		return Image{}, err
	}
	made := Image{Fingerprint: fingerprint, Platform: cmp.Or(s.Platform, w.platform)}
	if fingerprint != "" && !w.rebuild {
		if made.Digest, _, err = to.Image(ctx, tagOf(fingerprint, "")); err != nil {
			return Image{}, fmt.Errorf("look for image %q in %s: %w", s.Name, to.Repository, err)
		}
	}
	if made.Cached = made.Digest != ""; made.Cached {
		w.log.of(s.Name, stepPush)("already in the registry: " + made.Digest)
	} else if err := w.publish(ctx, s, to, &made); err != nil {
		return Image{}, err
	}
	made.Reference = to.Repository + "@" + made.Digest
	return made, nil
}

// publish builds the image and pushes it.
func (w *work) publish(ctx context.Context, s Source, to Registry, made *Image) error {
	id, err := w.build(ctx, s, localTag(s, to.Repository), w.log.of(s.Name, stepBuild))
	if err != nil {
		return err
	}
	tag := tagOf(made.Fingerprint, id)
	digest, config, err := to.Image(ctx, tag)
	if err != nil {
		return fmt.Errorf("look for image %q in %s: %w", s.Name, to.Repository, err)
	}
	if digest != "" && (config == id || made.Fingerprint != "" && !w.rebuild) {
		w.log.of(s.Name, stepPush)("already in the registry: " + digest)
		made.Digest = digest
	} else if made.Digest, err = w.push(ctx, s.Name, id, to, tag); err != nil {
		return err
	}
	w.tidy(ctx, s, id, to.Repository)
	return nil
}

// tagOf is the tag under which an image is pushed: it names what the image is made from, or
// else the image.
func tagOf(fingerprint, id string) string {
	if fingerprint != "" {
		return "ctx-" + fingerprint
	}
	return "id-" + strings.TrimPrefix(id, "sha256:")[:20]
}
