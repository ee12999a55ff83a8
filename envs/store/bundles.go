package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"beansprout/envs/awsapi"
)

const bundlePrefix = prefix + "bundles/"

// BundleKey returns the key of the bundle of a version. Its kind is "zip", "war" or "jar", the
// extensions that Beanstalk's own tools use, too.
func BundleKey(label, kind string) string { return bundlePrefix + label + "." + kind }

// IsBundleKey reports whether key is that of a bundle of the version.
func IsBundleKey(key, label string) bool {
	kind, ok := strings.CutPrefix(key, BundleKey(label, ""))
	return ok && slices.Contains([]string{"zip", "war", "jar"}, kind)
}

// Changer uploads and deletes bundles. Before each HTTP attempt it makes sure that the caller may
// still change them. Records don't need that, because they are written on a condition.
type Changer struct{ store *Store }

// Changing returns a Changer that calls ensure before each HTTP attempt. An error of ensure ends the
// call at once and is wrapped in the call's own.
func (s *Store) Changing(ensure func(context.Context) error) *Changer {
	guarded := *s
	guarded.api = Copy(s.api, awsapi.Each(ensure))
	return &Changer{&guarded}
}

// smallBundleBytes is the size up to which sending a bundle in vain costs less than asking first.
const smallBundleBytes = 256 << 10

// Upload uploads the bundle of a version. digest is its SHA-256 in hex. An object that is there
// already is kept only if S3's own SHA-256 is the digest: instances may be able to write there.
// A small bundle is sent at once, on the condition that there is none.
func (c *Changer) Upload(ctx context.Context, key string, bundle io.ReadSeeker, size int64, digest string) error {
	if size <= smallBundleBytes {
		if err := c.put(ctx, key, bundle, size, digest, aws.String("*")); !errors.Is(err, errAgain) {
			return err
		}
	}
	there, err := c.store.storedDigest(ctx, key)
	if err != nil && !errors.Is(err, awsapi.ErrNotFound) && !errors.Is(err, ErrNoBucket) {
		return err
	}
	if there != "" && there == digest {
		return nil
	}
	return c.put(ctx, key, bundle, size, digest, nil)
}

// put uploads a bundle. unlessThere is "*" where the upload is to fail if there is an object, or nil.
func (c *Changer) put(ctx context.Context, key string, bundle io.ReadSeeker, size int64, digest string, unlessThere *string) error {
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return fmt.Errorf("upload bundle %s: digest: %w", key, err)
	}
	return c.store.withBucket(ctx, func() error {
		if _, err := bundle.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read bundle %s: %w", key, err)
		}
		_, err := c.store.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &c.store.bucket, Key: &key, Body: bundle, ContentLength: &size, ContentType: aws.String("application/zip"),
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)),
			IfNoneMatch: unlessThere,
		})
		switch {
		case conflict(err):
			return errAgain
		case err != nil:
			return fmt.Errorf("upload bundle %s: %w", key, translate(err))
		}
		return nil
	})
}

// Digest returns the SHA-256 in hex of the object with that key. It is S3's own (stored), or when
// S3 has none of the whole object, computed from its bytes. The error wraps awsapi.ErrNotFound
// or ErrNoBucket when there is no such object.
func (s *Store) Digest(ctx context.Context, key string) (digest string, stored bool, err error) {
	digest, err = s.storedDigest(ctx, key)
	if err != nil || digest != "" {
		return digest, true, err
	}
	digest, err = s.Download(ctx, key, io.Discard)
	return digest, false, err
}

// storedDigest returns the SHA-256 in hex that S3 computed when the object was uploaded, "" when
// S3 has none or one of the checksums of parts.
func (s *Store) storedDigest(ctx context.Context, key string) (string, error) {
	head, err := s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return "", fmt.Errorf("look for bundle %s: %w", key, translate(err))
	}
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(head.ChecksumSHA256))
	if err != nil || len(sum) != sha256.Size || head.ChecksumType == types.ChecksumTypeComposite {
		return "", nil
	}
	return hex.EncodeToString(sum), nil
}

// maxBundleBytes is the size of the largest bundle that Beanstalk accepts (developer guide,
// "Create an application source bundle").
const maxBundleBytes = 512 << 20

// Download writes the bundle with that key to w and returns its SHA-256 in hex. The caller must
// compare it with the label: instances may be able to write there. The error wraps
// awsapi.ErrNotFound when there is no such bundle.
func (s *Store) Download(ctx context.Context, key string, w io.Writer) (digest string, err error) {
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("download bundle %s: %w", key, translate(err))
	}
	defer out.Body.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(out.Body, maxBundleBytes+1))
	if err == nil && n > maxBundleBytes {
		err = fmt.Errorf("it has more than %d bytes", maxBundleBytes)
	}
	if err != nil {
		return "", fmt.Errorf("download bundle %s: %w", key, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Bundles returns the keys of an environment's bundles by label: of those whose labels begin with
// its name, the ones that mine reports to be labels of its versions.
func (s *Store) Bundles(ctx context.Context, name string, mine func(label string) bool) (map[string]string, error) {
	pages := s3.NewListObjectsV2Paginator(s.api, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(bundlePrefix + name + "-")})
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
			if ok && mine(label) {
				keys[label] = aws.ToString(o.Key)
			}
		}
	}
	return keys, nil
}

// DeleteBundle deletes the bundle with that key. It succeeds when there is none.
func (c *Changer) DeleteBundle(ctx context.Context, key string) error {
	_, err := c.store.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.store.bucket, Key: &key})
	if err != nil && !missing(err) {
		return fmt.Errorf("delete bundle %s: %w", key, translate(err))
	}
	return nil
}

// Copy returns another client of S3 like api, with its own middleware. It has its own provider of
// S3 Express's credentials: clients that are made from one client's options share theirs, and
// each would write itself into it.
func Copy(api *s3.Client, own func(*middleware.Stack) error) *s3.Client {
	options := api.Options()
	options.ExpressCredentials = nil
	return s3.New(options, s3.WithAPIOptions(own))
}
