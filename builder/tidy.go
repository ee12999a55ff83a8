package builder

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// forgotten is how long ago the images of a source must have been tagged last for them to
// go although they have a tag: nobody builds that any more.
const forgotten = 24 * time.Hour

// localTag is where the engine keeps the newest image of a source. The one before loses its
// only tag by that.
func localTag(s Source, repository string) string {
	return repository + ":local-" + cmp.Or(s.Local, s.Name)
}

// untag takes a tag of ours off an image that has another one, also when ctx has ended.
func (b *Builder) untag(ctx context.Context, ref string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	_, _ = b.docker.ImageRemove(ctx, ref, image.RemoveOptions{})
}

// tidy removes from the engine the images that earlier builds of the source left there
// without a tag, and those that lie in the repository forgotten, so that a build machine does
// not fill up. What can't be removed stays: the engine refuses for an image that a
// container, running or not, is made from.
func (w *work) tidy(ctx context.Context, s Source, id, repository string) {
	ours := filters.Arg("label", label+"="+s.Name)
	pruned, err := w.docker.ImagesPrune(ctx, filters.NewArgs(ours, filters.Arg("dangling", "true")))
	if err == nil && len(pruned.ImagesDeleted) > 0 {
		w.log.of(s.Name, stepPush)(fmt.Sprintf("removed the images of earlier builds from the engine: %d MB", pruned.SpaceReclaimed/1e6))
	}
	all, err := w.docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(ours, filters.Arg("reference", repository))})
	if err != nil {
		return
	}
	others := slices.DeleteFunc(all, func(i image.Summary) bool { return i.ID == id })
	for _, ref := range tagged(others, repository) {
		if w.forgotten(ctx, ref) {
			_, _ = w.docker.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		}
	}
}

var ourTags = regexp.MustCompile(`^(local-.+|ctx-[0-9a-f]{40}|id-[0-9a-f]{20})$`)

// tagged returns the tags of ours that the images have in the repository.
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

func (w *work) forgotten(ctx context.Context, ref string) bool {
	i, err := w.docker.ImageInspect(ctx, ref)
	return err == nil && w.now().Sub(i.Metadata.LastTagTime) >= forgotten
}
