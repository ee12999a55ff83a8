package builder

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// publish builds the image, and pushes it unless the registry has got it meanwhile.
func (w *work) publish(ctx context.Context, s Source, to *destination, i *Image) error {
	id, size, err := w.makeImage(ctx, s, to, i)
	if err != nil {
		return err
	}
	ref := to.Repository + ":" + tagOf(i.Fingerprint, id)
	defer w.untag(ctx, ref)
	if i.Digest, err = w.serves(ctx, to, i, id); i.Digest == "" && err == nil {
		err = w.push(ctx, to, i, &parcel{id: id, ref: ref, size: size})
	}
	w.tidy(ctx, s, id, to.Repository)
	return err
}

// makeImage builds the image and gives it the tag that it is pushed under. Between the
// one and the other somebody else's build may prune it, in which case it is built once more.
func (w *work) makeImage(ctx context.Context, s Source, to *destination, i *Image) (id string, size int64, err error) {
	for range 3 {
		var sent int64
		if id, sent, err = w.build(ctx, s, to); err != nil {
			return "", 0, err
		}
		i.Context += sent
		if err = w.confirm(ctx, s, i); err != nil {
			return "", 0, err
		}
		err = w.docker.ImageTag(ctx, id, to.Repository+":"+tagOf(i.Fingerprint, id))
		if !errdefs.IsNotFound(err) {
			break
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("tag image %q in the engine: %w", s.Name, w.engineError(err))
	}
	size, err = w.inspect(ctx, id, i)
	return id, size, err
}

// confirm takes the fingerprint from an image when what it is made from has changed since: the
// build may have got one state or the other, and the tag would promise one to everybody.
func (w *work) confirm(ctx context.Context, s Source, i *Image) error {
	if i.Fingerprint == "" {
		return nil
	}
	now, _, _, err := w.fingerprint(ctx, s, w.bases(s, w.baseAuth))
	if err == nil && now != i.Fingerprint {
		w.log.of(s.Name, stepBuild)("what it is made from changed meanwhile; it is built again the next time")
		i.Fingerprint = ""
	}
	return err
}

// serves returns the digest of the image that the registry has already under the tag of i, ""
// when it has none or another one: what has our fingerprint is the image that we want unless
// we are told to rebuild, and so is what is the very image with the given id.
func (w *work) serves(ctx context.Context, to *destination, i *Image, id string) (string, error) {
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

// inspect returns the size of the image with the given id, which must be for the platform that
// i is for.
func (w *work) inspect(ctx context.Context, id string, i *Image) (size int64, err error) {
	is, err := w.docker.ImageInspect(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("look at image %q in the engine: %w", i.Name, w.engineError(err))
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
