package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beansprout/envs/awsapi"
	"beansprout/localcloud"
	"beansprout/test/must"
)

func digestOf(body []byte) string { return fmt.Sprintf("%x", sha256.Sum256(body)) }

// sent counts the calls of an operation since the cloud was started.
func sent(cloud *localcloud.Cloud, operation string) (n int) {
	for _, c := range cloud.Calls() {
		if c.Action == operation && c.Status != http.StatusPreconditionFailed {
			n++
		}
	}
	return n
}

func TestABundleIsUploadedAgainUnlessS3HasItsDigest(t *testing.T) {
	l, cloud := openCloud(t)
	key, body := BundleKey("shop-x-0123456789abcdef0123", "war"), "ours"
	object := s3.PutObjectInput{Bucket: &l.bucket, Key: &key}
	for _, tt := range []struct {
		name   string
		before func(in s3.PutObjectInput) // puts what is there
		again  bool
	}{
		{"nothing", nil, true},
		{"itself, by an upload", nil, false},
		{"another of the same size", func(in s3.PutObjectInput) {
			in.Body, in.ChecksumAlgorithm = strings.NewReader("evil"), types.ChecksumAlgorithmSha256
			put1(t, l, &in)
		}, true},
		{"itself, with another checksum", func(in s3.PutObjectInput) {
			in.Body, in.ChecksumAlgorithm = strings.NewReader(body), types.ChecksumAlgorithmCrc32
			put1(t, l, &in)
		}, true},
		{"itself, in parts", func(s3.PutObjectInput) { putParts(t, l, key, body) }, true},
	} {
		if tt.before != nil {
			tt.before(object)
		}
		before := sent(cloud, "PutObject")
		must.Succeed(t, changer(l).Upload(t.Context(), key, strings.NewReader(body), int64(len(body)), digestOf([]byte(body))))
		if again := sent(cloud, "PutObject") > before; again != tt.again {
			t.Errorf("%s: uploaded = %v, want %v", tt.name, again, tt.again)
		}
		var got bytes.Buffer
		if _, err := l.Download(t.Context(), key, &got); err != nil || got.String() != body {
			t.Errorf("%s: afterwards there is %q, %v", tt.name, got.String(), err)
		}
	}
}

func TestASmallNewBundleIsUploadedWithOneCall(t *testing.T) {
	l, cloud := openCloud(t)
	for size, heads := range map[int]int{smallBundleBytes: 0, smallBundleBytes + 1: 1} {
		before, body := sent(cloud, "HeadObject"), strings.Repeat("x", size)
		if err := changer(l).Upload(t.Context(), BundleKey(fmt.Sprint("shop-x-", size), "zip"), strings.NewReader(body), int64(size), digestOf([]byte(body))); err != nil {
			t.Fatal(err)
		}
		if n := sent(cloud, "HeadObject") - before; n != heads {
			t.Errorf("%d bytes: S3 was asked %d times, want %d", size, n, heads)
		}
	}
}

func put1(t *testing.T, l *Store, in *s3.PutObjectInput) {
	t.Helper()
	_, err := l.api.PutObject(t.Context(), in)
	must.Succeed(t, err)
}

// putParts puts an object in parts, with the checksum of their checksums.
func putParts(t *testing.T, l *Store, key, body string) {
	t.Helper()
	ctx := t.Context()
	begun, err := l.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &l.bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	must.Succeed(t, err)
	part, err := l.api.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &l.bucket, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	must.Succeed(t, err)
	parts := []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumSHA256: part.ChecksumSHA256}}
	_, err = l.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &l.bucket, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	must.Succeed(t, err)
}

func TestADigestIsComputedWhenS3HasNone(t *testing.T) {
	l, cloud := openCloud(t)
	key, body := BundleKey("shop-x-0123456789abcdef0123", "war"), "evil"
	for _, tt := range []struct {
		name string
		put  func()
		told bool
	}{
		{"put with a SHA-256", func() {
			put1(t, l, &s3.PutObjectInput{Bucket: &l.bucket, Key: &key, Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
		}, true},
		{"put without", func() { put1(t, l, &s3.PutObjectInput{Bucket: &l.bucket, Key: &key, Body: strings.NewReader(body)}) }, false},
		{"put in parts", func() { putParts(t, l, key, body) }, false},
	} {
		tt.put()
		before := sent(cloud, "GetObject")
		digest, told, err := l.Digest(t.Context(), key)
		if want := digestOf([]byte(body)); err != nil || digest != want || told != tt.told {
			t.Errorf("%s: Digest = %s, %v, %v, want %s, %v", tt.name, digest, told, err, want, tt.told)
		}
		if read := sent(cloud, "GetObject") > before; read == tt.told {
			t.Errorf("%s: read = %v, want %v", tt.name, read, !tt.told)
		}
	}
}

func TestBundlesOfOneEnvironmentAreFoundAndDeleted(t *testing.T) {
	l, ctx := open(t), t.Context()
	label := "shop-x-0123456789abcdef0123"
	one, two := BundleKey(label, "war"), BundleKey("shop-x-kkkkkkkkkk-0123456789abcdef0123", "zip")
	for _, key := range []string{one, one, two} {
		body := []byte("zip " + key)
		must.Succeed(t, changer(l).Upload(ctx, key, bytes.NewReader(body), int64(len(body)), digestOf(body)))
	}
	keys, err := l.Bundles(ctx, "shop-x", versionOf("shop-x"))
	if err != nil || len(keys) != 1 || keys[label] != one {
		t.Errorf("Bundles = %v, %v", keys, err)
	}
	for range 2 {
		if err := changer(l).DeleteBundle(ctx, one); err != nil {
			t.Error(err)
		}
	}
	if keys, err := l.Bundles(ctx, "shop-x", versionOf("shop-x")); err != nil || len(keys) != 0 {
		t.Errorf("after the deletion: %v, %v", keys, err)
	}
	if keys, err := l.Bundles(ctx, "shop-x-kkkkkkkkkk", versionOf("shop-x-kkkkkkkkkk")); err != nil || len(keys) != 1 {
		t.Errorf("the other one's: %v, %v", keys, err)
	}
}

func TestABundleIsDownloadedWithItsDigest(t *testing.T) {
	l, ctx := open(t), t.Context()
	key, body := BundleKey("shop-x-0123456789abcdef0123", "zip"), []byte("zip")
	var got bytes.Buffer
	if _, err := l.Download(ctx, key, &got); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("before there is one: %v", err)
	}
	must.Succeed(t, changer(l).Upload(ctx, key, bytes.NewReader(body), int64(len(body)), digestOf(body)))
	digest, err := l.Download(ctx, key, &got)
	if want := digestOf(body); err != nil || digest != want || !bytes.Equal(got.Bytes(), body) {
		t.Errorf("Download = %q, %v, %q", digest, err, got.Bytes())
	}
}

// versionOf reports which labels are a name and 20 hex digits.
func versionOf(name string) func(string) bool {
	return regexp.MustCompile("^" + name + "-[0-9a-f]{20}$").MatchString
}

func TestEveryMethodOfAChangerIsGuarded(t *testing.T) {
	s := open(t)
	key, body, refused := BundleKey("shop-x-0123456789abcdef0123", "zip"), "zip", errors.New("refused")
	upload := func(c *Changer, body string) error {
		return c.Upload(t.Context(), key, strings.NewReader(body), int64(len(body)), digestOf([]byte(body)))
	}
	must.Succeed(t, upload(changer(s), body))
	guarded := s.Changing(func(context.Context) error { return refused })
	calls := map[string]func() error{
		"Upload":       func() error { return upload(guarded, "other") },
		"DeleteBundle": func() error { return guarded.DeleteBundle(t.Context(), key) },
	}
	for m := range reflect.TypeOf(guarded).Methods() {
		if call := calls[m.Name]; call == nil || !errors.Is(call(), refused) {
			t.Errorf("%s is not called here, or is not refused", m.Name)
		}
	}
	if digest, _, err := s.Digest(t.Context(), key); err != nil || digest != digestOf([]byte(body)) {
		t.Errorf("afterwards the bundle has the digest %s, %v", digest, err)
	}
}
