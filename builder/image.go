package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/image"
	"golang.org/x/sync/errgroup"

	"beansprout/builder/fingerprint"
	"beansprout/mask"
)

// work is one call of Build.
type work struct {
	engine      *Builder
	destination func() (*destination, error)
	log         Log
	rebuild     bool
	ready       func(context.Context) error
	mask        mask.Mask
	shared      sync.Map // of *sharedBuild, by fingerprint
}

func newWork(ctx context.Context, b *Builder, registry func(context.Context) (Registry, error), o Options) *work {
	return &work{
		engine: b,
		destination: sync.OnceValues(func() (*destination, error) {
			r, err := registry(ctx)
			return &destination{r, &loginCache{login: r.Login}, b.storedCredentials}, err
		}),
		log:     o.Log.serialized(),
		rebuild: o.Rebuild,
		ready:   o.Ready,
		mask:    o.Mask,
	}
}

// image makes the image of a source, or finds it in the registry.
func (w *work) image(ctx context.Context, s Source, prepared func() error) (Image, error) {
	started := time.Now()
	if err := prepared(); err != nil {
		return Image{}, err
	}
	err := Check(ctx, s)
	if err == nil {
		_, err = readSecrets(ctx, s.Secrets) // even if the registry has the image
	}
	if err != nil {
		return Image{}, &BuildError{Image: s.Name, Err: err}
	}
	made, err := w.engine.fingerprint(ctx, s, w.engine.baseDigests(s, w.baseAuth))
	if err != nil {
		return Image{}, err
	}
	s.generation = made.Generation
	for _, note := range made.Notes {
		w.log.of(s.Name, stepNote)(note)
	}
	to, err := w.destination()
	if err != nil {
		return Image{}, err
	}
	i := Image{Name: s.Name, Fingerprint: made.ID, Platform: cmp.Or(s.Platform, w.engine.platform)}
	if err := w.findOrMake(ctx, s, to, &i); err != nil {
		return Image{}, err
	}
	i.Reference, i.Took = to.Repository+"@"+i.Digest, time.Since(started)
	return i, nil
}

// Check returns an error if the context, the Dockerfile or the ignore file is missing or cannot be
// read. It needs no engine.
func Check(ctx context.Context, s Source) error { return fingerprint.Check(ctx, s.inputs("")) }

// Pinned returns the platform that the Dockerfile sets for its image if that is not the platform of
// s, and the place where it does, as file:line. Both are "" if it does not, or if there is no
// Dockerfile yet.
func (b *Builder) Pinned(ctx context.Context, s Source) (platform, at string) {
	return fingerprint.PinnedPlatform(ctx, s.inputs(b.platform))
}

// fingerprint returns the fingerprint of the source.
func (b *Builder) fingerprint(ctx context.Context, s Source, base fingerprint.Base) (fingerprint.Result, error) {
	r, err := fingerprint.Of(ctx, s.inputs(b.platform), base)
	switch {
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	case err != nil:
		return r, &BuildError{Image: s.Name, Err: err}
	}
	return r, nil
}

// inputs returns the part of the source that counts for its fingerprint.
func (s Source) inputs(native string) fingerprint.Source {
	var secrets []string
	for _, secret := range s.Secrets {
		secrets = append(secrets, secret.ID)
	}
	return fingerprint.Source{
		Context: s.Context, Dockerfile: s.Dockerfile, Target: s.Target, Args: s.Args, Secrets: secrets,
		Platform: s.Platform, BuildPlatform: native, Network: s.Network, WarnSize: s.WarnSize,
	}
}

// findOrMake sets the digest of the image, which the registry has or is sent.
func (w *work) findOrMake(ctx context.Context, s Source, to *destination, i *Image) (err error) {
	if i.Fingerprint == "" {
		return w.makeAndPush(ctx, s, to, i)
	}
	shared := w.sharedBuild(i.Fingerprint)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if i.Digest = shared.digest; i.Digest == "" && !w.rebuild {
		i.Digest, err = w.findPushed(ctx, to, i, "")
	}
	if i.Cached = i.Digest != ""; !i.Cached && err == nil {
		err = w.makeAndPush(ctx, s, to, i)
	}
	if err == nil && i.Fingerprint != "" {
		shared.digest = i.Digest
	}
	return err
}

// sharedBuild is shared by the sources of one run with the same fingerprint. The first that locks it
// makes the image for all.
type sharedBuild struct {
	mu     sync.Mutex
	digest string // "" until it is made
}

func (w *work) sharedBuild(fingerprint string) *sharedBuild {
	shared, _ := w.shared.LoadOrStore(fingerprint, &sharedBuild{})
	return shared.(*sharedBuild)
}

// Look returns the images that Build would make of the sources, in the same order. It changes
// nothing: it does not prepare, build or push. An image that the registry has is Cached and has its
// digest; the others would be built. It reads the files as they are now. It may call Registry.Login
// for base images.
func (b *Builder) Look(ctx context.Context, sources []Source, registry Registry) ([]Image, error) {
	w := newWork(ctx, b, func(context.Context) (Registry, error) { return registry, nil }, Options{})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	images := make([]Image, len(sources))
	for i, s := range sources {
		g.Go(func() (err error) {
			images[i], err = w.look(ctx, s)
			return err
		})
	}
	return images, g.Wait()
}

func (w *work) look(ctx context.Context, s Source) (Image, error) {
	i := Image{Name: s.Name, Platform: cmp.Or(s.Platform, w.engine.platform)}
	to, err := w.destination()
	if err != nil {
		return i, err
	}
	if err := Check(ctx, s); err != nil {
		if s.Prepare != "" { // it may make what is missing
			return i, nil
		}
		return i, &BuildError{Image: s.Name, Err: err}
	}
	made, err := w.engine.fingerprint(ctx, s, w.engine.baseDigests(s, w.baseAuth))
	i.Fingerprint = made.ID
	failed := (*BuildError)(nil)
	switch {
	case errors.As(err, &failed) && s.Prepare != "":
		return i, nil
	case err != nil:
		return i, err
	case i.Fingerprint != "":
		if i.Digest, err = w.findPushed(ctx, to, &i, ""); err != nil {
			return i, err
		}
	}
	switch {
	case i.Digest == "" && s.Prepare == "":
		return i, w.engine.checkSources(ctx, s)
	case i.Digest == "":
		return i, nil
	}
	i.Cached, i.Reference = true, to.Repository+"@"+i.Digest
	return i, nil
}

// maxBuilds is the number of times that an image is built if another process prunes it before it is
// pushed.
const maxBuilds = 5

// mayMake waits until something may be made.
func (w *work) mayMake(ctx context.Context) error {
	if w.ready == nil {
		return nil
	}
	return w.ready(ctx)
}

// makeAndPush builds the image, and pushes it unless the registry has it by then.
func (w *work) makeAndPush(ctx context.Context, s Source, to *destination, i *Image) (err error) {
	if err := w.mayMake(ctx); err != nil {
		return err
	}
	for range maxBuilds {
		if err = w.makeAndPushOnce(ctx, s, to, i); !pruned(err) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrPruned, err)
}

func (w *work) makeAndPushOnce(ctx context.Context, s Source, to *destination, i *Image) error {
	id, size, err := w.makeImage(ctx, s, to, i)
	if err != nil {
		return err
	}
	ref := to.Repository + ":" + tagOf(i.Fingerprint, id)
	defer w.engine.untag(ctx, ref)
	var pruning sync.WaitGroup
	defer pruning.Wait()
	pruning.Go(func() { w.prune(ctx, s, id, to.Repository) })
	return w.pushUnlessThere(ctx, to, i, &push{id: id, ref: ref, size: size})
}

// pushUnlessThere pushes the image, and ends that where the registry turns out to have it: another
// process may have pushed it during the build. The registry is asked beside the push, which begins with
// requests that send nothing of the image.
func (w *work) pushUnlessThere(ctx context.Context, to *destination, i *Image, p *push) error {
	pushing, stop := context.WithCancel(ctx)
	defer stop()
	there := *i
	var failure error
	var looking sync.WaitGroup
	looking.Go(func() {
		there.Digest, failure = w.findPushed(pushing, to, &there, p.id)
		if there.Digest != "" || failure != nil {
			stop()
		}
	})
	err := w.push(pushing, to, i, p)
	stop()
	looking.Wait()
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case there.Digest != "":
		i.Digest = there.Digest
		return nil
	case failure != nil && !errors.Is(failure, context.Canceled):
		return failure
	}
	return err
}

// makeImage builds the image and tags it for the push.
func (w *work) makeImage(ctx context.Context, s Source, to *destination, i *Image) (id string, size int64, err error) {
	id, sent, err := w.build(ctx, s, to)
	if err != nil {
		return "", 0, err
	}
	i.Context += sent
	if err := w.recheck(ctx, s, i); err != nil {
		return "", 0, err
	}
	if err := w.engine.docker.ImageTag(ctx, id, to.Repository+":"+tagOf(i.Fingerprint, id)); err != nil {
		return "", 0, fmt.Errorf("tag image %q in the engine: %w", s.Name, w.engine.engineError(err))
	}
	size, err = w.inspect(ctx, id, i)
	return id, size, err
}

// recheck removes the fingerprint from an image whose files have changed during the build, because
// the image may have the old or the new ones.
func (w *work) recheck(ctx context.Context, s Source, i *Image) error {
	if i.Fingerprint == "" {
		return nil
	}
	now, err := w.engine.fingerprint(ctx, s, w.engine.baseDigests(s, w.baseAuth))
	if err == nil && now.ID != i.Fingerprint {
		w.log.of(s.Name, stepBuild)("its files changed during the build; the next run builds it again")
		i.Fingerprint = ""
	}
	return err
}

// findPushed returns the digest of the image that the registry has under the tag of i. It returns ""
// if there is none. If i has no fingerprint or is to be rebuilt, it must be the image with the given
// id.
func (w *work) findPushed(ctx context.Context, to *destination, i *Image, id string) (string, error) {
	digest, config, err := to.Image(ctx, tagOf(i.Fingerprint, id))
	if err != nil {
		return "", fmt.Errorf("look for image %q in %s: %w", i.Name, to.Repository, err)
	}
	if digest == "" || (i.Fingerprint == "" || w.rebuild) && config != id && digest != id {
		return "", nil
	}
	w.log.of(i.Name, stepPush)("already in the registry: " + digest)
	return digest, nil
}

// inspect returns the size of the image with the given id, and an error if it is for another
// platform than i.
func (w *work) inspect(ctx context.Context, id string, i *Image) (size int64, err error) {
	is, err := w.engine.docker.ImageInspect(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("look at image %q in the engine: %w", i.Name, w.engine.engineError(err))
	}
	if !runsOn(is, i.Platform) {
		return 0, &BuildError{Image: i.Name, Err: fmt.Errorf("%w: %s, not %s", ErrPlatform, platform(is), i.Platform)}
	}
	return is.Size, nil
}

func platform(i image.InspectResponse) string {
	p := i.Os + "/" + i.Architecture
	if i.Variant != "" {
		p += "/" + i.Variant
	}
	return p
}
