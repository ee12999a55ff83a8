package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// maxBundle is the largest bundle that Beanstalk takes, in bytes (developer guide, "Create an
// application source bundle").
const maxBundle = 512 << 20

// Download writes the bundle with that key to w and returns its SHA-256 in hex, which its label
// must have been made from: anybody may have put it there. The error wraps envs.ErrNotFound when
// it has gone.
func (l *Ledger) Download(ctx context.Context, key string, w io.Writer) (digest string, err error) {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("download bundle %s: %w", key, translate(err))
	}
	defer out.Body.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(out.Body, maxBundle+1))
	if err == nil && n > maxBundle {
		err = fmt.Errorf("it has more than %d bytes", maxBundle)
	}
	if err != nil {
		return "", fmt.Errorf("download bundle %s: %w", key, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
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
