package ledger

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs"
)

const bundlePrefix = prefix + "bundles/"

// BundleKey is the key under which the bundle of a version lies. Its kind is "zip", "war" or
// "jar": what Beanstalk's own tools upload has it at its end, too.
func BundleKey(label, kind string) string { return bundlePrefix + label + "." + kind }

// Upload puts the bundle of a version under its key into the bucket. Labels are
// content-addressed: a bundle of the same size that is there already is not sent again.
func (l *Ledger) Upload(ctx context.Context, bundleKey string, bundle io.ReadSeeker, size int64) error {
	key := &bundleKey
	head, err := l.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: key})
	if err == nil && aws.ToInt64(head.ContentLength) == size {
		return nil
	}
	if err != nil && !missing(err) {
		return fmt.Errorf("look for bundle %s: %w", *key, translate(err))
	}
	return l.housed(ctx, func() error {
		if _, err := bundle.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read bundle %s: %w", *key, err)
		}
		_, err := l.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &l.bucket, Key: key, Body: bundle, ContentLength: &size, ContentType: aws.String("application/zip"),
		})
		if err != nil {
			return fmt.Errorf("upload bundle %s: %w", *key, translate(err))
		}
		return nil
	})
}

// Bundles returns the keys of all bundles that were uploaded for the named environment, by label.
func (l *Ledger) Bundles(ctx context.Context, name string) (map[string]string, error) {
	pages := s3.NewListObjectsV2Paginator(l.api, &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: aws.String(bundlePrefix + name + "-")})
	keys := map[string]string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the bundles of %s: %w", name, translate(err))
		}
		for _, o := range page.Contents {
			label, _, ok := strings.Cut(strings.TrimPrefix(aws.ToString(o.Key), bundlePrefix), ".")
			if ok && envs.IsVersionOf(label, name) {
				keys[label] = aws.ToString(o.Key)
			}
		}
	}
	return keys, nil
}

// DeleteBundle takes the bundle with that key away; none is success.
func (l *Ledger) DeleteBundle(ctx context.Context, key string) error {
	_, err := l.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil && !missing(err) {
		return fmt.Errorf("delete bundle %s: %w", key, translate(err))
	}
	return nil
}
