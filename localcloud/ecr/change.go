package ecr

import (
	"context"
	"fmt"

	"beansprout/localcloud/wire"
)

func (s *Service) putImage(_ context.Context, c wire.Call, in struct {
	target
	ImageManifest          string `json:"imageManifest" aws:"required,min=1,max=4194304"`
	ImageManifestMediaType string `json:"imageManifestMediaType"`
	ImageTag               string `json:"imageTag" aws:"min=1,max=300"`
	ImageDigest            string `json:"imageDigest"`
}) (out struct {
	Image imageManifest `json:"image"`
}, err error) {
	body, tag := []byte(in.ImageManifest), in.ImageTag
	m, err := parseManifest(body, in.ImageManifestMediaType)
	switch {
	case err != nil:
		return out, invalid("imageManifest", err.Error())
	case tag != "" && !tagForm.MatchString(tag):
		return out, invalid("imageTag", "must satisfy regular expression '"+tagForm.String()+"'")
	case in.ImageDigest != "" && in.ImageDigest != m.Digest:
		return out, wire.Errorf("ImageDigestDoesNotMatchException", "The digest '%s' is not that of the manifest, '%s'", in.ImageDigest, m.Digest)
	}
	out.Image = imageManifest{s.Account, in.RepositoryName, imageID{m.Digest, tag}, in.ImageManifest, m.MediaType}
	return out, s.push(c.Region, in.RepositoryName, tag, m, body, func(r *repository) error {
		if err := r.known(m.Digest, tag); err != nil {
			return err
		}
		return r.writable(tag)
	})
}

// batchDeleteImage removes tags, and images by their digest or with their last tag. The answer lists
// what it cannot delete; the rest is deleted.
func (s *Service) batchDeleteImage(_ context.Context, c wire.Call, in struct {
	target
	ImageIDs []imageID `json:"imageIds" aws:"required,min=1,max=100"`
}) (out struct {
	ImageIDs []imageID `json:"imageIds"`
	Failures []failure `json:"failures"`
}, err error) {
	_, err = s.update(c.Region, in.RepositoryName, func(r *repository) error {
		for _, id := range in.ImageIDs {
			gone, fail := r.delete(id)
			if fail != nil {
				out.Failures = append(out.Failures, *fail)
			}
			out.ImageIDs = append(out.ImageIDs, gone...)
		}
		return nil
	})
	return out, err
}

// delete deletes an image or a tag. It returns an entry for each tag of a deleted image.
func (r *repository) delete(id imageID) (gone []imageID, _ *failure) {
	digest, fail := r.resolve(id)
	if fail != nil {
		return nil, fail
	}
	gone = r.ids(digest)
	if id.ImageTag != "" && len(gone) > 1 {
		delete(r.Tags, id.ImageTag)
		return []imageID{{digest, id.ImageTag}}, nil
	}
	if lists := r.listed(digest); lists != nil {
		return nil, &failure{id, "ImageReferencedByManifestList", fmt.Sprintf("Requested image referenced by manifest list: %v", lists)}
	}
	r.remove(digest)
	return gone, nil
}
