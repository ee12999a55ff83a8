package ecr

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// manifests are the media types to be had as they were pushed: under any other bytes an
// image would have another digest.
var manifests = []string{
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.oci.image.index.v1+json",
}

// Image returns the digests of the image that has the tag: that of its manifest and that of
// its config, which a list of manifests has none of. It takes one call. The error wraps
// ErrNoRepository or ErrNoImage.
func (r *Registry) Image(ctx context.Context, repository, tag string) (digest, config string, err error) {
	image, err := r.image(ctx, parse(repository), types.ImageIdentifier{ImageTag: &tag})
	if err != nil {
		return "", "", wrap(err, "look for image %q in repository %q", tag, repository)
	}
	config, err = configOf(aws.ToString(image.ImageManifest))
	return aws.ToString(image.ImageId.ImageDigest), config, wrap(err, "read the manifest of image %q in repository %q", tag, repository)
}

// Find looks for the image with that digest. The error wraps ErrNoRepository or ErrNoImage
// where it is not there.
func (r *Registry) Find(ctx context.Context, repository, digest string) error {
	_, err := r.image(ctx, parse(repository), types.ImageIdentifier{ImageDigest: &digest})
	return wrap(err, "look for image %s in repository %q", digest, repository)
}

// configOf returns the digest of the config that a manifest names, "" for a list.
func configOf(manifest string) (digest string, err error) {
	var m struct{ Config struct{ Digest string } }
	err = json.Unmarshal([]byte(manifest), &m)
	return m.Config.Digest, err
}

func (r *Registry) image(ctx context.Context, in address, id types.ImageIdentifier) (types.Image, error) {
	out, err := r.api.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId: in.account, RepositoryName: &in.name,
		ImageIds: []types.ImageIdentifier{id}, AcceptedMediaTypes: manifests,
	}, in.there)
	if err != nil {
		return types.Image{}, translate(err)
	}
	if len(out.Failures) > 0 {
		return types.Image{}, failure(out.Failures[0])
	}
	if len(out.Images) != 1 || out.Images[0].ImageId == nil {
		return types.Image{}, ErrNoImage
	}
	return out.Images[0], nil
}
