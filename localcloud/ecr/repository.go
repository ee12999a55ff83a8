package ecr

import (
	"maps"
	"slices"
	"strings"
	"time"

	"beansprout/localcloud/wire"
)

// repository is the record of one repository. Its methods check and change it; the store's
// transaction saves it.
type repository struct {
	Registry   string // account
	Region     string
	Name       string
	Created    time.Time
	Mutability string
	ScanOnPush bool
	Labels     map[string]string // the resource's tags, not the images'
	Policy     string            // lifecycle policy as given; "" = none
	Evaluated  time.Time         // when Policy was last applied
	Images     map[string]image  // by digest
	Tags       map[string]string // image tag -> digest
}

type image struct {
	manifest
	Pushed time.Time
}

func newRepository(registry, region, name string, created time.Time) *repository {
	return &repository{
		Registry: registry, Region: region, Name: name, Created: created, Mutability: "MUTABLE",
		Labels: map[string]string{}, Images: map[string]image{}, Tags: map[string]string{},
	}
}

// tagsOf returns the tags of an image in order.
func (r *repository) tagsOf(digest string) (tags []string) {
	for tag, d := range r.Tags {
		if d == digest {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// listed returns the manifest lists that name an image.
func (r *repository) listed(digest string) (lists []string) {
	for d, i := range r.Images {
		if slices.Contains(i.Children, digest) {
			lists = append(lists, d)
		}
	}
	slices.Sort(lists)
	return lists
}

// size returns the size of an image. As on AWS a manifest list has the size of its largest image.
func (r *repository) size(digest string) int64 {
	i := r.Images[digest]
	size := i.Size
	for _, child := range i.Children {
		size = max(size, r.Images[child].Size)
	}
	return size
}

// put stores an image and, unless tag is "", points the tag at it. An image that exists keeps its
// push date.
func (r *repository) put(m manifest, tag string, now time.Time) {
	if _, ok := r.Images[m.Digest]; !ok {
		r.Images[m.Digest] = image{m, now}
	}
	if tag != "" {
		r.Tags[tag] = m.Digest
	}
}

// remove removes an image and its tags.
func (r *repository) remove(digest string) {
	delete(r.Images, digest)
	maps.DeleteFunc(r.Tags, func(_, d string) bool { return d == digest })
}

// known refuses a change that changes nothing, as PutImage does. A docker push may repeat itself.
func (r *repository) known(digest, tag string) error {
	_, pushed := r.Images[digest]
	if !pushed || tag != "" && r.Tags[tag] != digest {
		return nil
	}
	what := "digest '" + digest + "'"
	if tag != "" {
		what += " and tag '" + tag + "'"
	}
	return wire.Errorf("ImageAlreadyExistsException",
		"Image with %s already exists in the repository with name '%s' in registry with id '%s'", what, r.Name, r.Registry)
}

// writable refuses a tag that exists and is immutable, even for the same image
// (github.com/aws/containers-roadmap/issues/2179).
func (r *repository) writable(tag string) error {
	if _, taken := r.Tags[tag]; !taken || r.Mutability == "MUTABLE" {
		return nil
	}
	return wire.Errorf("ImageTagAlreadyExistsException",
		"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", tag, r.Name)
}

// lack refuses an image if one of its parts does not exist. blob reports whether a layer exists.
func (r *repository) lack(m manifest, blob func(digest string) bool) error {
	const text = "%s with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist"
	if missing := slices.DeleteFunc(slices.Clone(m.Blobs), blob); len(missing) > 0 {
		return wire.Errorf("LayersNotFoundException", text, "Layers", strings.Join(missing, ", "), r.Name, r.Registry)
	}
	child := func(digest string) bool { _, ok := r.Images[digest]; return ok }
	if missing := slices.DeleteFunc(slices.Clone(m.Children), child); len(missing) > 0 {
		return wire.Errorf("ReferencedImagesNotFoundException", text, "Images", strings.Join(missing, ", "), r.Name, r.Registry)
	}
	return nil
}
