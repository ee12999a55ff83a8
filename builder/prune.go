package builder

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/pattern"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// unusedAge is the time since an image got its last tag after which it is pruned.
const unusedAge = 24 * time.Hour

// prune removes older images of the source from the engine, so that a build machine does not fill
// up: those without a tag, and those in the repository that are unused. Images that containers use
// stay, because the engine refuses to remove them.
func (w *work) prune(ctx context.Context, s Source, id, repository string) {
	ours := filters.Arg("label", label+"="+s.Name)
	pruned, err := w.engine.docker.ImagesPrune(ctx, filters.NewArgs(ours, filters.Arg("dangling", "true")))
	if freed := pruned.SpaceReclaimed / 1e6; err == nil && freed > 0 {
		w.log.of(s.Name, stepPush)(fmt.Sprintf("removed the images of earlier builds from the engine: %d MB", freed))
	}
	all, err := w.engine.docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(ours, filters.Arg("reference", repository))})
	if err != nil {
		return
	}
	others := slices.DeleteFunc(all, func(i image.Summary) bool { return i.ID == id })
	for _, ref := range tagged(others, repository) {
		if w.unused(ctx, ref) {
			_, _ = w.engine.docker.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		}
	}
}

func (w *work) unused(ctx context.Context, ref string) bool {
	i, err := w.engine.docker.ImageInspect(ctx, ref)
	return err == nil && w.engine.now().Sub(i.Metadata.LastTagTime) >= unusedAge
}

// tagOf returns the tag under which an image is pushed. It is made of the fingerprint, or of the
// image's id if there is no fingerprint.
func tagOf(fingerprint, id string) string {
	if fingerprint != "" {
		return "ctx-" + fingerprint
	}
	return "id-" + strings.TrimPrefix(id, "sha256:")[:20]
}

// localTag returns the tag of the newest image of a source in the engine. Tagging a new image
// leaves the older one without a tag.
func localTag(s Source, repository string) string {
	return repository + ":local-" + cmp.Or(s.Local, s.Name)
}

// ourTags matches the tags that tagOf and localTag make.
var ourTags = pattern.New(`^(local-.+|ctx-[0-9a-f]{40}|id-[0-9a-f]{20})$`)

// tagged returns the tags of the images in the repository that match ourTags.
func tagged(all []image.Summary, repository string) []string {
	var refs []string
	for _, i := range all {
		for _, ref := range i.RepoTags {
			if tag, ok := strings.CutPrefix(ref, repository+":"); ok && ourTags.MatchString(tag) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

const (
	// untagTimeout is how long a busy engine may take to remove a tag.
	untagTimeout = 10 * time.Second
	// cancelledUntagTimeout is the same after a cancellation.
	cancelledUntagTimeout = 2 * time.Second
)

// untag removes a tag from an image that also has another one, even if ctx has ended.
func (b *Builder) untag(ctx context.Context, ref string) {
	limit := untagTimeout
	if ctx.Err() != nil {
		limit = cancelledUntagTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	_, _ = b.docker.ImageRemove(ctx, ref, image.RemoveOptions{})
}
