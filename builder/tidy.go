package builder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// forgotten is how long ago the images of a source must have been tagged last for them to
// go although they have a tag: nobody builds that any more.
const forgotten = 24 * time.Hour

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

func (w *work) forgotten(ctx context.Context, ref string) bool {
	i, err := w.docker.ImageInspect(ctx, ref)
	return err == nil && w.now().Sub(i.Metadata.LastTagTime) >= forgotten
}
