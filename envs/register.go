package envs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"

	"golang.org/x/sync/errgroup"
)

// bundle is a Bundle with what follows from its digest.
type bundle struct {
	Bundle
	label string // of the version that it makes
	key   string // under which the store's bucket has it
	again bool   // deploy it even where its version runs, which is not proved to be made from it
}

func (d *deploy) bundle(ctx context.Context, images []Image, url string) (b bundle, err error) {
	if b.Bundle, err = d.Source.Bundle(ctx, images, d.target(url)); err != nil {
		return b, err
	}
	b.label = VersionLabel(d.run.name, b.Digest)
	b.key = store.BundleKey(b.label, b.Kind)
	return b, nil
}

// register makes the bundle known to Beanstalk, after its images have been protected from expiring.
// An application that doesn't exist is created, and where the quota of versions is used up, those
// that nothing needs go.
func (d *deploy) register(ctx context.Context, l *lease, b bundle, images []Image) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.tagImages(gctx, l, images) })
	g.Go(func() error { return l.bundles.Upload(gctx, b.key, b.File, b.Size, b.Digest) })
	if err := g.Wait(); err != nil {
		return err
	}
	v := beanstalk.Version{
		Application: d.manager.config.Application, Label: b.label,
		Description: Description{Feature: d.Feature, Commit: d.Commit, Owner: d.Owner}.String(),
		Bucket:      d.run.store.Bucket(), Key: b.key,
	}
	there, err := l.beanstalk.Register(ctx, v)
	switch {
	case err == nil:
		return d.provedRegistered(ctx, there, b)
	case errors.Is(err, ErrNotFound):
		if err = l.beanstalk.CreateApplication(ctx, v.Application); err == nil {
			d.options.note("application %q did not exist and was created", v.Application)
		}
	case errors.Is(err, ErrQuota):
		err = d.manager.makeRoom(ctx, d.options, err)
	default:
		return err
	}
	if err != nil {
		return err
	}
	if there, err = l.beanstalk.Register(ctx, v); err != nil {
		return err
	}
	return d.provedRegistered(ctx, there, b)
}

// tagImages keeps the images from expiring while the environment lives on them.
func (d *deploy) tagImages(ctx context.Context, l *lease, images []Image) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(taggersLimit)
	for i, tag := range d.liveTags(images) {
		g.Go(func() error {
			repository, digest := d.manager.config.Repository.Name, images[i].Digest
			if m, current := d.manifests[digest].take(); current {
				return l.images.TagManifest(ctx, repository, m, tag)
			}
			return l.images.Tag(ctx, repository, digest, tag)
		})
	}
	return g.Wait()
}

// taggersLimit is how many images are tagged side by side.
const taggersLimit = 8

// liveTags are the tags that keep the images from expiring.
func (d *deploy) liveTags(images []Image) []string {
	var tags []string
	for _, i := range images {
		tags = append(tags, d.manager.liveTag(d.run.name, i.Name, i.Digest))
	}
	return tags
}

func digests(images []Image) []string {
	var all []string
	for _, i := range images {
		all = append(all, i.Digest)
	}
	return all
}

// provedToRun reports whether the destination certainly runs the bundle. If that is not proved, the
// running version is deployed again.
func (d *deploy) provedToRun(ctx context.Context, l *lease, t destination, b bundle) (bool, error) {
	if !t.runs(b) {
		return false, nil
	}
	proved, err := d.proved(ctx, l, b)
	if !proved && err == nil {
		d.options.note("the bundle of version %s in S3 is another one, or gone: deploying it again", b.label)
	}
	return proved, err
}

// proved reports whether the version of the bundle's label is made from the bundle.
func (d *deploy) proved(ctx context.Context, l *lease, b bundle) (bool, error) {
	v, err := d.manager.beanstalk.Version(ctx, d.manager.config.Application, b.label)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case d.inOwnPlace(v, b):
		return d.secured(ctx, l, b)
	}
	err = d.manager.prove(ctx, d.run.name, v)
	if errors.Is(err, ErrBundle) || errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// inOwnPlace reports whether a version is registered with the bundle's key in the store's bucket.
func (d *deploy) inOwnPlace(v beanstalk.Version, b bundle) bool {
	return v.Bucket == d.run.store.Bucket() && v.Key == b.key
}

// holds reports whether the bundle lies under its key in the store's bucket, and not other bytes, and
// whether S3's own checksum tells so.
func (d *deploy) holds(ctx context.Context, b bundle) (holds, told bool, err error) {
	digest, told, err := d.run.store.Digest(ctx, b.key)
	if errors.Is(err, ErrNotFound) || errors.Is(err, store.ErrNoBucket) {
		return false, false, nil
	}
	return digest == b.Digest, told, err
}

// secured is like holds, but uploads the bundle again if S3 has no checksum of it, so that later proofs
// need not read it.
func (d *deploy) secured(ctx context.Context, l *lease, b bundle) (bool, error) {
	holds, told, err := d.holds(ctx, b)
	if holds && !told && err == nil {
		err = l.bundles.Upload(ctx, b.key, b.File, b.Size, b.Digest)
	}
	return holds, err
}

// provedRegistered refuses a version that was there before and is made from other bytes elsewhere.
func (d *deploy) provedRegistered(ctx context.Context, v beanstalk.Version, b bundle) error {
	if d.inOwnPlace(v, b) {
		return nil // the bundle was uploaded, or proved, just before
	}
	err := d.manager.prove(ctx, d.run.name, v)
	if errors.Is(err, ErrBundle) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrRegistered, err)
	}
	return err
}

const (
	// roomLimit is how many environments' leftovers one deploy removes to make room for its version.
	roomLimit = 10
	// leftoverTime bounds the removal of what one environment has left.
	leftoverTime = 30 * time.Minute
)

// makeRoom removes leftovers when AWS's quota of versions is used up, instead of waiting for the next
// sweep. It begins with the oldest, and continues if one fails. If there are none it returns an error
// that wraps cause.
func (m *Manager) makeRoom(ctx context.Context, o Options, cause error) error {
	removed, err := m.removeOldest(ctx, o)
	switch {
	case removed > 0:
		o.note("the quota of versions is used up: the leftovers of %d environments were removed", removed)
		return nil
	case err != nil:
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w; no removed environment has left a version that could be deleted", cause)
}

// removeOldest removes leftovers with versions, the oldest first, and returns of how many names.
func (m *Manager) removeOldest(ctx context.Context, o Options) (removed int, err error) {
	rows, now, err := m.beanstalk.Environments(ctx, m.config.Application)
	if err != nil {
		return 0, err
	}
	all, err := m.leftovers(ctx, tenants(rows), now)
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(l Leftover) bool { return !l.Versions || l.Reason != "" })
	slices.SortStableFunc(all, func(a, b Leftover) int { return a.Since.Compare(b.Since) })
	var failures []error
	for _, l := range all {
		if removed == roomLimit || len(failures) == roomLimit || ctx.Err() != nil {
			break
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftoverTime)
		receipt, err := m.RemoveLeftover(ctx, l, o)
		cancel()
		switch untouched := len(receipt.Removed) == 0; {
		case err == nil:
			removed++
		case !untouched || !errors.Is(err, ErrNotReady) && !errors.Is(err, ErrNotOurs):
			failures = append(failures, fmt.Errorf("remove what is left of environment %s: %w", l.Name, err))
		}
	}
	return removed, errors.Join(append(failures, ctx.Err())...)
}
