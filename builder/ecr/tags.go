package ecr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// maxBatch is how many images BatchDeleteImage takes (API reference).
const maxBatch = 100

// Tag puts a tag on the image with that digest, taking it off any other. That the image
// has the tag already is success. Repositories are named or given by URI. The error wraps
// ErrNoRepository, ErrNoImage, or ErrTagTaken where tags are immutable.
func (r *Registry) Tag(ctx context.Context, repository, digest, tag string) error {
	return wrap(r.tag(ctx, parse(repository), digest, tag), "tag image %s of repository %q as %q", digest, repository, tag)
}

func (r *Registry) tag(ctx context.Context, to address, digest, tag string) error {
	image, err := r.image(ctx, to, types.ImageIdentifier{ImageDigest: &digest})
	if err != nil {
		return err
	}
	_, err = r.api.PutImage(ctx, &ecr.PutImageInput{
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
		if taken, lookup := r.image(ctx, to, types.ImageIdentifier{ImageTag: &tag}); lookup == nil && aws.ToString(taken.ImageId.ImageDigest) == digest {
			return nil
		}
	}
	return err
}

// Tags returns the digest behind each tag of the repository. The error wraps
// ErrNoRepository when there is none.
func (r *Registry) Tags(ctx context.Context, repository string) (map[string]string, error) {
	in := parse(repository)
	tags := map[string]string{}
	pages := ecr.NewListImagesPaginator(r.api, &ecr.ListImagesInput{
		RegistryId: in.account, RepositoryName: &in.name,
		Filter: &types.ListImagesFilter{TagStatus: types.TagStatusTagged},
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

// Untag takes the tags away; an image goes with its last one. It returns those that it
// removed, in their order, also beside an error. Tags that are not there are none of it
// and no error. The error wraps ErrNoRepository when there is no repository.
func (r *Registry) Untag(ctx context.Context, repository string, tags []string) (removed []string, err error) {
	from := parse(repository)
	var errs []error
	for batch := range slices.Chunk(tags, maxBatch) {
		gone, err := r.untag(ctx, from, batch)
		removed = append(removed, gone...)
		errs = append(errs, err)
		if errors.Is(err, ErrNoRepository) || ctx.Err() != nil {
			break
		}
	}
	return removed, wrap(errors.Join(errs...), "remove tags from repository %q", repository)
}

func (r *Registry) untag(ctx context.Context, from address, tags []string) (removed []string, err error) {
	ids := make([]types.ImageIdentifier, len(tags))
	for i := range tags {
		ids[i].ImageTag = &tags[i]
	}
	out, err := r.api.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RegistryId: from.account, RepositoryName: &from.name, ImageIds: ids}, from.there)
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

// failure is what went wrong with one image of a batch that was answered with 200.
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
