package envs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

// What becomes of an image that an environment runs.
const (
	ImageKept       = "kept"       // nothing expires it
	ImageUnshielded = "unshielded" // a rule of others can expire it
	ImageGone       = "gone"
	ImageUnknown    = "unknown"
)

// ImageState is what becomes of one image of an environment.
type ImageState struct {
	Tag    string // its live tag
	State  string
	Reason string
}

func (i ImageState) String() string {
	switch i.State {
	case ImageGone:
		return "image " + i.Tag + " has gone: " + i.Reason
	case ImageUnshielded:
		return "image " + i.Tag + " is not shielded: " + i.Reason
	case ImageUnknown:
		return "image " + i.Tag + " isn't known to be kept: " + i.Reason
	}
	return "image " + i.Tag + " is kept"
}

// ImageTrouble puts into words what is wrong with images, "" where nothing is.
func ImageTrouble(states []ImageState) string {
	var troubles []string
	for _, i := range states {
		if i.State != ImageKept {
			troubles = append(troubles, i.String())
		}
	}
	return strings.Join(troubles, "; ")
}

// shelf is what a repository holds: the digest behind each tag, and what expires.
type shelf struct {
	repository string
	digests    map[string]string   // by tag
	tags       map[string][]string // by digest
	lifecycle  ecr.Lifecycle
	unread     error // why the lifecycle policy isn't known
}

// tagsOn reads which images the repository has, and not what expires.
func (m *Manager) tagsOn(ctx context.Context) (shelf, error) {
	on := shelf{repository: m.config.Repository.Name}
	var err error
	on.digests, err = m.images.Tags(ctx, on.repository)
	if errors.Is(err, ecr.ErrNoRepository) {
		err = nil // all its images have gone with it
	}
	on.tags = map[string][]string{}
	for tag, digest := range on.digests {
		on.tags[digest] = append(on.tags[digest], tag)
	}
	return on, err
}

// shelf reads the repository in two calls, whatever number of environments runs its images.
func (m *Manager) shelf(ctx context.Context) (shelf, error) {
	lifecycle := ask(func() (ecr.Lifecycle, error) { return m.images.Lifecycle(ctx, m.config.Repository.Name) })
	on, err := m.tagsOn(ctx)
	on.lifecycle, on.unread = lifecycle()
	return on, err
}

// Images returns what becomes of the images of a living environment. None are known where it runs
// an artifact, or where its record does not tell which it runs.
func (m *Manager) Images(ctx context.Context, e Environment) []ImageState {
	tags := e.liveTags()
	if len(tags) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	on, err := m.shelf(ctx)
	if err == nil {
		return on.states(m.region, e.Name, tags)
	}
	var states []ImageState
	for _, tag := range tags {
		states = append(states, ImageState{RegionalLiveTag(tag, m.region, e.Name), ImageUnknown, err.Error()})
	}
	return states
}

// liveTags returns the live tags of the images that a living environment runs.
func (e Environment) liveTags() []string {
	r := e.Own()
	if e.State.Gone() || r.Version != e.Version {
		return nil
	}
	return r.Images
}

// states returns what becomes of the images of a living environment, by the live tags that its
// record names.
func (on shelf) states(region, name string, tags []string) []ImageState {
	var states []ImageState
	for _, tag := range tags {
		regional := RegionalLiveTag(tag, region, name)
		if IsLiveTagOf(regional, region, name) {
			states = append(states, on.state(regional, tag))
		}
	}
	return states
}

// state returns what becomes of the image with that live tag, or with an old one in its place.
func (on shelf) state(tag, old string) ImageState {
	digest, tagged := on.digests[tag]
	if !tagged {
		digest, tagged = on.digests[old]
	}
	if !tagged {
		if on.withPrefix(tag) != "" {
			return ImageState{tag, ImageUnshielded, "it has lost its live tag, so it can expire: up puts it back"}
		}
		return ImageState{tag, ImageGone, "an instance that is replaced won't start: up builds it again"}
	}
	if on.unread != nil {
		return ImageState{tag, ImageUnknown, on.unread.Error()}
	}
	if rule := on.lifecycle.Takes(on.tags[digest]); rule != "" {
		return ImageState{tag, ImageUnshielded, rule + " of the lifecycle policy of repository " + on.repository + " can expire it"}
	}
	return ImageState{Tag: tag, State: ImageKept}
}

// withPrefix returns the digest of the image that a live tag was made for, by the beginning of the
// digest that ends the tag, "" where no tagged image has it.
func (on shelf) withPrefix(liveTag string) string {
	prefix := "sha256:" + liveDigest(liveTag)
	for _, d := range on.digests {
		if strings.HasPrefix(d, prefix) {
			return d
		}
	}
	return ""
}

// images returns the images of a run that the repository has, each with its live tag in the region.
// Records of older versions know live tags alone, which tell the beginning of a digest. The error
// wraps ecr.ErrNoImage where one has gone.
func (on shelf) images(region, name string, run store.Run) ([]taggedImage, error) {
	images := recordedImages(region, name, run)
	for i, image := range images {
		found := on.withPrefix(image.tag)
		if found == "" || image.digest != "" && image.digest != found {
			return nil, &VersionError{Label: run.Version, Err: fmt.Errorf("an image that it runs has gone: %s: %w", image.tag, ecr.ErrNoImage)}
		}
		images[i].digest = found
	}
	return images, nil
}

// recordedImages returns the images of a run as its record tells them. Their digests are "" in
// records of older versions.
func recordedImages(region, name string, run store.Run) []taggedImage {
	var images []taggedImage
	for i, tag := range run.Images {
		image := taggedImage{tag: RegionalLiveTag(tag, region, name)}
		if i < len(run.Digests) && strings.HasPrefix(run.Digests[i], "sha256:"+liveDigest(image.tag)) {
			image.digest = run.Digests[i]
		}
		if IsLiveTagOf(image.tag, region, name) {
			images = append(images, image)
		}
	}
	return images
}

// liveDigest returns the beginning of the digest, in hex, that ends a live tag.
func liveDigest(tag string) string { return tag[strings.LastIndex(tag, "-")+1:] }

// taggedImage is an image by its digest, with the tag that keeps it from expiring.
type taggedImage struct{ tag, digest string }
