package builder

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/docker/docker/api/types/image"
)

// tagOf is the tag under which an image is pushed: it names what the image is made from, or
// else the image with the given id.
func tagOf(fingerprint, id string) string {
	if fingerprint != "" {
		return "ctx-" + fingerprint
	}
	return "id-" + strings.TrimPrefix(id, "sha256:")[:20]
}

// localTag is where the engine keeps the newest image of a source. The one before loses its
// only tag by that.
func localTag(s Source, repository string) string {
	return repository + ":local-" + cmp.Or(s.Local, s.Name)
}

// ourTags are those that tagOf and localTag make.
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

// unhurried is how long a busy engine may take to take a tag off.
const unhurried = 10 * time.Second

// untag takes a tag of ours off an image that has another one, also when ctx has ended.
func (b *Builder) untag(ctx context.Context, ref string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unhurried)
	defer cancel()
	_, _ = b.docker.ImageRemove(ctx, ref, image.RemoveOptions{})
}
