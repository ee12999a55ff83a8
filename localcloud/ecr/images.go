package ecr

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"beansprout/localcloud/wire"
)

type imageID struct {
	ImageDigest string `json:"imageDigest"`
	ImageTag    string `json:"imageTag" aws:"min=1,max=300"`
}

type failure struct {
	ImageID       imageID `json:"imageId"`
	FailureCode   string  `json:"failureCode"`
	FailureReason string  `json:"failureReason"`
}

// resolve returns the digest of the image that id means, or a failure if there is none.
func (r *repository) resolve(id imageID) (digest string, _ *failure) {
	fail := func(code, reason string) (string, *failure) { return "", &failure{id, code, reason} }
	byTag, tagged := r.Tags[id.ImageTag]
	_, pushed := r.Images[id.ImageDigest]
	switch {
	case id == imageID{}:
		return fail("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
	case id.ImageDigest != "" && !digestForm.MatchString(id.ImageDigest):
		return fail("InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
	case id.ImageTag != "" && !tagged, id.ImageDigest != "" && !pushed:
		return fail("ImageNotFound", "Requested image not found")
	case id.ImageTag != "" && id.ImageDigest != "" && byTag != id.ImageDigest:
		return fail("ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest")
	}
	return cmp.Or(id.ImageDigest, byTag), nil
}

// ids returns an id of the image for each of its tags, and its digest alone if it has none.
func (r *repository) ids(digest string) (ids []imageID) {
	for _, tag := range r.tagsOf(digest) {
		ids = append(ids, imageID{digest, tag})
	}
	if ids == nil {
		ids = []imageID{{ImageDigest: digest}}
	}
	return ids
}

// filter selects images by whether they have a tag, and by their status, which is always ACTIVE here.
type filter struct {
	TagStatus   string `json:"tagStatus" aws:"enum=TAGGED|UNTAGGED|ANY"`
	ImageStatus string `json:"imageStatus" aws:"enum=ACTIVE|ARCHIVED|ACTIVATING|ANY"`
}

func (f filter) wants(tags []string) bool {
	if f.ImageStatus == "ARCHIVED" || f.ImageStatus == "ACTIVATING" {
		return false
	}
	return f.TagStatus != "TAGGED" && len(tags) == 0 || f.TagStatus != "UNTAGGED" && len(tags) > 0
}

type imageDetail struct {
	RegistryID             string    `json:"registryId"`
	RepositoryName         string    `json:"repositoryName"`
	ImageDigest            string    `json:"imageDigest"`
	ImageTags              []string  `json:"imageTags,omitempty"`
	ImageSizeInBytes       int64     `json:"imageSizeInBytes"`
	ImagePushedAt          time.Time `json:"imagePushedAt"`
	ImageManifestMediaType string    `json:"imageManifestMediaType"`
	ArtifactMediaType      string    `json:"artifactMediaType"`
	ImageStatus            string    `json:"imageStatus"`
}

func (s *Service) describeImages(_ context.Context, c wire.Call, in struct {
	target
	page
	ImageIDs []imageID `json:"imageIds" aws:"min=1,max=100"`
	Filter   filter    `json:"filter"`
}) (out struct {
	ImageDetails []imageDetail `json:"imageDetails"`
	NextToken    string        `json:"nextToken"`
}, err error) {
	r, err := s.settled(c.Region, in.RepositoryName, c.Now)
	if err != nil {
		return out, err
	}
	digests, err := r.chosen(in.ImageIDs)
	if err != nil {
		return out, err
	}
	digests = slices.DeleteFunc(digests, func(d string) bool { return !in.Filter.wants(r.tagsOf(d)) })
	digests, out.NextToken, err = cut(in.page, digests, func(d string) string { return d })
	for _, d := range digests {
		i := r.Images[d]
		out.ImageDetails = append(out.ImageDetails, imageDetail{
			r.Registry, r.Name, d, r.tagsOf(d), r.size(d), i.Pushed, i.MediaType, i.ArtifactType, "ACTIVE"})
	}
	return out, err
}

// chosen returns the digests of the ids, and of all images if ids is nil.
func (r *repository) chosen(ids []imageID) (digests []string, err error) {
	if ids == nil {
		return slices.Collect(maps.Keys(r.Images)), nil
	}
	for _, id := range ids {
		digest, fail := r.resolve(id)
		switch {
		case fail == nil:
			digests = append(digests, digest)
		case fail.FailureCode == "MissingDigestAndTag" || fail.FailureCode == "InvalidImageDigest":
			return nil, wire.Errorf("InvalidParameterException", "%s", fail.FailureReason)
		default:
			return nil, wire.Errorf("ImageNotFoundException",
				"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				cmp.Or(id.ImageDigest, "null"), cmp.Or(id.ImageTag, "null"), r.Name, r.Registry)
		}
	}
	return digests, nil
}

func (s *Service) listImages(_ context.Context, c wire.Call, in struct {
	target
	page
	Filter filter `json:"filter"`
}) (out struct {
	ImageIDs  []imageID `json:"imageIds"`
	NextToken string    `json:"nextToken"`
}, err error) {
	r, err := s.settled(c.Region, in.RepositoryName, c.Now)
	if err != nil {
		return out, err
	}
	var all []imageID
	for digest := range r.Images {
		if in.Filter.wants(r.tagsOf(digest)) {
			all = append(all, r.ids(digest)...)
		}
	}
	out.ImageIDs, out.NextToken, err = cut(in.page, all, func(i imageID) string { return i.ImageDigest + " " + i.ImageTag })
	return out, err
}

type imageManifest struct {
	RegistryID             string  `json:"registryId"`
	RepositoryName         string  `json:"repositoryName"`
	ImageID                imageID `json:"imageId"`
	ImageManifest          string  `json:"imageManifest"`
	ImageManifestMediaType string  `json:"imageManifestMediaType"`
}

func (s *Service) batchGetImage(_ context.Context, c wire.Call, in struct {
	target
	ImageIDs           []imageID `json:"imageIds" aws:"required,min=1,max=100"`
	AcceptedMediaTypes []string  `json:"acceptedMediaTypes" aws:"min=1,max=100"`
}) (out struct {
	Images   []imageManifest `json:"images"`
	Failures []failure       `json:"failures"`
}, err error) {
	r, err := s.settled(c.Region, in.RepositoryName, c.Now)
	if err != nil {
		return out, err
	}
	for _, id := range in.ImageIDs {
		digest, fail := r.resolve(id)
		if fail != nil {
			out.Failures = append(out.Failures, *fail)
			continue
		}
		body, err := os.ReadFile(s.blobs.path(digest))
		if err != nil {
			return out, fmt.Errorf("read manifest: %w", err)
		}
		kind := r.Images[digest].MediaType
		if len(in.AcceptedMediaTypes) > 0 && !slices.Contains(in.AcceptedMediaTypes, kind) {
			return out, wire.Errorf("InvalidParameterException", "The image %s has the media type %s, which is not among 'acceptedMediaTypes'.", digest, kind)
		}
		out.Images = append(out.Images, imageManifest{r.Registry, r.Name, imageID{digest, id.ImageTag}, string(body), kind})
	}
	return out, nil
}
