package builder

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// settled is how long ago an image must have been tagged before it may be removed:
// another build may be about to push it.
const settled = time.Hour

// tidy removes from the engine the images that earlier builds of the source left there,
// so that a build machine does not fill up. What can't be removed stays: the engine
// refuses for an image that a container, running or not, is made from.
func (b *Builder) tidy(ctx context.Context, s Source, id, repository string, log func(string)) {
	all, err := b.docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(
		filters.Arg("label", label+"="+s.Name), filters.Arg("reference", repository))})
	if err != nil {
		return
	}
	for _, ref := range former(all, repository, id, s.Tag) {
		if !b.lain(ctx, ref) {
			continue
		}
		_, err := b.docker.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		switch {
		case err == nil:
			log("removed the older " + ref + " from the engine")
		case !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) && ctx.Err() == nil:
			log(fmt.Sprintf("kept the older %s: %v", ref, err))
		}
	}
}

// former picks the references that an earlier build of the same source has made: in our
// repository, tagged as the source tags the very image that the reference names.
func former(all []image.Summary, repository, id string, tag func(id string) string) []string {
	var refs []string
	for _, i := range all {
		for _, ref := range i.RepoTags {
			if i.ID != id && ref == repository+":"+tag(i.ID) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// lain says whether ref was tagged long enough ago.
func (b *Builder) lain(ctx context.Context, ref string) bool {
	i, err := b.docker.ImageInspect(ctx, ref)
	return err == nil && b.now().Sub(i.Metadata.LastTagTime) >= settled
}
