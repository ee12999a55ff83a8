package ecr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"beansprout/envs/awsapi"
)

// manifests are the media types that ECR returns unchanged: with other bytes an image would have
// another digest.
var manifests = []string{
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.oci.image.index.v1+json",
}

// Image returns two digests of the image with the tag: that of its manifest, and that of its config,
// which is "" for a list of manifests. It makes one call. The error wraps ErrNoRepository or
// ErrNoImage.
func (r *Registry) Image(ctx context.Context, repository, tag string) (digest, config string, err error) {
	image, err := r.image(ctx, r.address(repository), types.ImageIdentifier{ImageTag: &tag})
	if err != nil {
		return "", "", wrap(err, "look for image %q in repository %q", tag, repository)
	}
	config, err = configOf(aws.ToString(image.ImageManifest))
	return aws.ToString(image.ImageId.ImageDigest), config, wrap(err, "read the manifest of image %q in repository %q", tag, repository)
}

// Manifest is the manifest of one image.
type Manifest struct{ image types.Image }

// Manifest reads the manifest of the image with that digest. The error wraps ErrNoRepository or
// ErrNoImage.
func (r *Registry) Manifest(ctx context.Context, repository, digest string) (Manifest, error) {
	image, err := r.image(ctx, r.address(repository), types.ImageIdentifier{ImageDigest: &digest})
	return Manifest{image}, wrap(err, "read the manifest of image %s in repository %q", digest, repository)
}

// configOf returns the digest of the config in a manifest, "" for a list.
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

const (
	maxBatch = 100  // images in one BatchDeleteImage (API reference)
	maxPage  = 1000 // images in one answer of ListImages (API reference)
)

// Tagger adds tags to images and removes them. Before each HTTP attempt it makes sure that the
// caller may still change them.
type Tagger struct{ registry *Registry }

// Changing returns a Tagger that calls ensure before each HTTP attempt. An error of ensure ends the
// call at once and is wrapped in the call's own.
func (r *Registry) Changing(ensure func(context.Context) error) *Tagger {
	guarded := *r
	guarded.api = ecr.New(r.api.Options(), ecr.WithAPIOptions(awsapi.Each(ensure)))
	return &Tagger{&guarded}
}

// Tag puts a tag on the image with that digest, and so removes it from any other. It succeeds when
// the image has the tag already. The error wraps ErrNoRepository, ErrNoImage, or ErrTagTaken when
// tags are immutable.
func (t *Tagger) Tag(ctx context.Context, repository, digest, tag string) error {
	to := t.registry.address(repository)
	image, err := t.registry.image(ctx, to, types.ImageIdentifier{ImageDigest: &digest})
	if err == nil {
		err = t.tag(ctx, to, image, digest, tag)
	}
	return wrap(err, "tag image %s of repository %q as %q", digest, repository, tag)
}

// TagManifest is Tag for an image whose manifest was read already.
func (t *Tagger) TagManifest(ctx context.Context, repository string, m Manifest, tag string) error {
	digest := aws.ToString(m.image.ImageId.ImageDigest)
	return wrap(t.tag(ctx, t.registry.address(repository), m.image, digest, tag), "tag image %s of repository %q as %q", digest, repository, tag)
}

func (t *Tagger) tag(ctx context.Context, to address, image types.Image, digest, tag string) error {
	_, err := t.registry.api.PutImage(ctx, &ecr.PutImageInput{
		RegistryId: to.account, RepositoryName: &to.name,
		ImageDigest: &digest, ImageTag: &tag,
		ImageManifest: image.ImageManifest, ImageManifestMediaType: image.ImageManifestMediaType,
	}, to.there)
	if err == nil {
		return nil
	}
	err = translate(err)
	if refusedAs(err, "ImageAlreadyExistsException") {
		return nil
	}
	if errors.Is(err, ErrTagTaken) {
		if taken, lookup := t.registry.image(ctx, to, types.ImageIdentifier{ImageTag: &tag}); lookup == nil && aws.ToString(taken.ImageId.ImageDigest) == digest {
			return nil
		}
	}
	return err
}

// Tags returns the repository's tags with their digests. The error wraps ErrNoRepository when there
// is no repository.
func (r *Registry) Tags(ctx context.Context, repository string) (map[string]string, error) {
	in := r.address(repository)
	tags := map[string]string{}
	pages := ecr.NewListImagesPaginator(r.api, &ecr.ListImagesInput{
		RegistryId: in.account, RepositoryName: &in.name,
		Filter:     &types.ListImagesFilter{TagStatus: types.TagStatusTagged},
		MaxResults: aws.Int32(maxPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, in.there)
		if err != nil {
			return nil, wrap(translate(err), "list the tags of repository %q", repository)
		}
		for _, id := range page.ImageIds {
			tags[aws.ToString(id.ImageTag)] = aws.ToString(id.ImageDigest)
		}
	}
	return tags, nil
}

// Untag removes the tags, and with its last tag an image. It returns the removed tags in their
// order, also with an error. Missing tags are no error. The error wraps ErrNoRepository when there
// is no repository.
func (t *Tagger) Untag(ctx context.Context, repository string, tags []string) (removed []string, err error) {
	from := t.registry.address(repository)
	var errs []error
	for batch := range slices.Chunk(tags, maxBatch) {
		gone, err := t.untag(ctx, from, batch)
		removed = append(removed, gone...)
		errs = append(errs, err)
		if errors.Is(err, ErrNoRepository) || ctx.Err() != nil {
			break
		}
	}
	return removed, wrap(errors.Join(errs...), "remove tags from repository %q", repository)
}

func (t *Tagger) untag(ctx context.Context, from address, tags []string) (removed []string, err error) {
	ids := make([]types.ImageIdentifier, len(tags))
	for i := range tags {
		ids[i].ImageTag = &tags[i]
	}
	out, err := t.registry.api.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RegistryId: from.account, RepositoryName: &from.name, ImageIds: ids}, from.there)
	if err != nil {
		return nil, translate(err)
	}
	gone := map[string]bool{}
	for _, id := range out.ImageIds {
		gone[aws.ToString(id.ImageTag)] = true
	}
	for _, tag := range tags {
		if gone[tag] {
			removed = append(removed, tag)
			delete(gone, tag)
		}
	}
	var errs []error
	for _, f := range out.Failures {
		if err := failure(f); !errors.Is(err, ErrNoImage) {
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}

// failure returns the error of one image in a batch that was answered with 200.
func failure(f types.ImageFailure) error {
	if f.FailureCode == types.ImageFailureCodeImageNotFound {
		return ErrNoImage
	}
	what := "image"
	if id := f.ImageId; id != nil {
		what = cmp.Or(aws.ToString(id.ImageTag), aws.ToString(id.ImageDigest), what)
	}
	return fmt.Errorf("%s: %s (%s)", what, aws.ToString(f.FailureReason), f.FailureCode)
}
