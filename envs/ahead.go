package envs

import (
	"context"
	"time"

	"beansprout/envs/ecr"
)

// ahead is what was asked for before it was needed, while another answer was waited for.
type ahead[T any] struct {
	answer func() (T, error)
	since  time.Time
}

func askAhead[T any](f func() (T, error)) *ahead[T] { return &ahead[T]{ask(f), time.Now()} }

// take waits for the answer. It returns false if nothing was asked, the answer is an error, or it isn't
// current any more: then one asks again.
func (a *ahead[T]) take() (T, bool) {
	var none T
	if !a.current() {
		return none, false
	}
	answer, err := a.answer()
	return answer, err == nil && a.current()
}

// current reports whether something was asked that is still of use.
func (a *ahead[T]) current() bool { return a != nil && time.Since(a.since) <= readingMaxAge }

// readManifests begins to read the manifests of images, which have to be tagged soon.
func (m *Manager) readManifests(ctx context.Context, images []Image) map[string]*ahead[ecr.Manifest] {
	manifests := map[string]*ahead[ecr.Manifest]{}
	for _, i := range images {
		if manifests[i.Digest] != nil {
			continue
		}
		manifests[i.Digest] = askAhead(func() (ecr.Manifest, error) {
			return m.images.Manifest(ctx, m.config.Repository.Name, i.Digest)
		})
	}
	return manifests
}

// readTags begins to read the repository's tags, some of which have to go when the operation has
// succeeded, unless it has just done so.
func (r *run) readTags(ctx context.Context) {
	if r.operation == operationRestore || r.manager.config.Repository.Unused || r.tags.current() {
		return
	}
	r.tags = askAhead(func() (map[string]string, error) {
		return r.manager.images.Tags(ctx, r.manager.config.Repository.Name)
	})
}
