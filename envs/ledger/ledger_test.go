package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"beansprout/envs"
	"beansprout/localcloud"
)

const bucket = "elasticbeanstalk-us-east-1-123456789012"

func open(t *testing.T) *Ledger {
	t.Helper()
	l, _ := openCloud(t)
	return l
}

func openCloud(t *testing.T) (*Ledger, *localcloud.Cloud) {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	l, err := connect(t.Context(), cloud.Endpoint(), key, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return l, cloud
}

func connect(ctx context.Context, endpoint, key, secret string) (*Ledger, error) {
	// LoadDefaultConfig, as users have it: it switches checksums on.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"), config.WithBaseEndpoint(endpoint),
		config.WithLogger(logging.Nop{}),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key, secret, "")),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff, o.RateLimiter = 50*time.Millisecond, ratelimit.None })
		}))
	return New(s3.NewFromConfig(cfg), bucket), err
}

func TestARecordIsWrittenReadAndChanged(t *testing.T) {
	l, ctx := open(t), t.Context()
	if r, err := l.Read(ctx, "shop-x"); err != nil || r.Counter != 0 {
		t.Fatalf("a record that isn't there is %+v, %v", r, err)
	}
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc"; r.Message.Channel = "C1" }); err != nil {
		t.Fatal(err)
	}
	r, err := l.Change(ctx, "shop-x", func(r *Record) { r.Environment = "e-1" })
	if err != nil || r.Counter != 2 || r.Commit != "abc" || r.Message.Channel != "C1" {
		t.Errorf("after two changes: %+v, %v", r, err)
	}
	if r, err = l.Change(ctx, "shop-x", func(*Record) {}); err != nil || r.Counter != 2 {
		t.Errorf("nothing was altered, and yet: %+v, %v", r, err)
	}
}

func TestChangesAtOnceAllCount(t *testing.T) {
	l, ctx := open(t), t.Context()
	var all sync.WaitGroup
	const writers = 12
	for i := range writers {
		all.Go(func() {
			_, err := l.Change(ctx, "shop-x", func(r *Record) { r.Images = append(append([]string{}, r.Images...), fmt.Sprint(i)) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r, err := l.Read(ctx, "shop-x")
	if err != nil || len(r.Images) != writers || r.Counter != writers {
		t.Errorf("%d writers left %+v, %v", writers, r, err)
	}
}

func TestGarbageIsNoRecordAndIsReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       "<html>",
		"another shape": `{"counter": "many"}`,
		"endless":       `{"commit": "` + strings.Repeat("x", maxRecord) + `"}`,
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx := open(t), t.Context()
			_, err := l.api.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(recordKey("shop-x")), Body: strings.NewReader(text)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Read(ctx, "shop-x"); !errors.Is(err, ErrGarbage) {
				t.Errorf("Read: %v, want %v", err, ErrGarbage)
			}
			if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" }); err != nil {
				t.Fatal(err)
			}
			if r, err := l.Read(ctx, "shop-x"); err != nil || r.Commit != "abc" {
				t.Errorf("after a change: %+v, %v", r, err)
			}
		})
	}
}

func TestBundlesOfOneEnvironmentAreFoundAndDeleted(t *testing.T) {
	l, ctx := open(t), t.Context()
	label := "shop-x-0123456789abcdef0123"
	one, two := BundleKey(label, "war"), BundleKey("shop-x-kkkkkkkkkk-0123456789abcdef0123", "zip")
	for _, key := range []string{one, one, two} {
		body := []byte("zip " + key)
		if err := l.Upload(ctx, key, bytes.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := l.Bundles(ctx, "shop-x")
	if err != nil || len(keys) != 1 || keys[label] != one {
		t.Errorf("Bundles = %v, %v", keys, err)
	}
	for range 2 {
		if err := l.DeleteBundle(ctx, one); err != nil {
			t.Error(err)
		}
	}
	if keys, err := l.Bundles(ctx, "shop-x"); err != nil || len(keys) != 0 {
		t.Errorf("after the deletion: %v, %v", keys, err)
	}
	if keys, err := l.Bundles(ctx, "shop-x-kkkkkkkkkk"); err != nil || len(keys) != 1 {
		t.Errorf("the other one's: %v, %v", keys, err)
	}
}

func TestABundleIsDownloadedWithItsDigest(t *testing.T) {
	l, ctx := open(t), t.Context()
	key, body := BundleKey("shop-x-0123456789abcdef0123", "zip"), []byte("zip")
	var got bytes.Buffer
	if _, err := l.Download(ctx, key, &got); !errors.Is(err, envs.ErrNotFound) {
		t.Errorf("before there is one: %v", err)
	}
	if err := l.Upload(ctx, key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	digest, err := l.Download(ctx, key, &got)
	if want := fmt.Sprintf("%x", sha256.Sum256(body)); err != nil || digest != want || !bytes.Equal(got.Bytes(), body) {
		t.Errorf("Download = %q, %v, %q", digest, err, got.Bytes())
	}
}

func TestAMissingBucketIsSaid(t *testing.T) {
	l, ctx := open(t), t.Context()
	l.bucket = "no-such-bucket"
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" }); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("Change: %v", err)
	}
}

func TestWhatS3RefusesIsTranslated(t *testing.T) {
	for code, want := range map[string]string{
		"ExpiredToken":       envs.ErrCredentials.Error(),
		"InvalidAccessKeyId": envs.ErrCredentials.Error(),
		"Forbidden":          "not authorized to perform s3:GetObject",
	} {
		err := translate(&smithy.GenericAPIError{Code: code, Message: "no"})
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), code) || errors.Is(err, envs.ErrCredentials) != (code != "Forbidden") {
			t.Errorf("%s: %v", code, err)
		}
	}
}
