package store

import (
	"context"
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

	"beansprout/envs/awsapi"
	"beansprout/localcloud"
	"beansprout/test/must"
)

const bucket = "elasticbeanstalk-us-east-1-123456789012"

func open(t *testing.T) *Store {
	t.Helper()
	l, _ := openCloud(t)
	return l
}

// changer returns a Changer that is always allowed to change.
func changer(l *Store) *Changer { return l.Changing(func(context.Context) error { return nil }) }

func openCloud(t *testing.T) (*Store, *localcloud.Cloud) {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	must.Succeed(t, err)
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	l, err := connect(t.Context(), cloud.Endpoint(), key, secret)
	must.Succeed(t, err)
	_, err = l.api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	must.Succeed(t, err)
	return l, cloud
}

func connect(ctx context.Context, endpoint, key, secret string) (*Store, error) {
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
	_, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc"; r.Message.Channel = "C1" })
	must.Succeed(t, err)
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

func TestGarbageIsReportedAndReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       "<html>",
		"another shape": `{"counter": "many"}`,
		"endless":       `{"commit": "` + strings.Repeat("x", maxRecordBytes) + `"}`,
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx := open(t), t.Context()
			_, err := l.api.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(recordKey("shop-x")), Body: strings.NewReader(text)})
			must.Succeed(t, err)
			if _, err := l.Read(ctx, "shop-x"); !errors.Is(err, ErrGarbage) {
				t.Errorf("Read: %v, want %v", err, ErrGarbage)
			}
			_, err = l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" })
			must.Succeed(t, err)
			if r, err := l.Read(ctx, "shop-x"); err != nil || r.Commit != "abc" {
				t.Errorf("after a change: %+v, %v", r, err)
			}
		})
	}
}

func TestAMissingBucketIsReported(t *testing.T) {
	l, ctx := open(t), t.Context()
	l.bucket = "no-such-bucket"
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" }); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("Change: %v", err)
	}
}

func TestErrorsOfS3AreTranslated(t *testing.T) {
	for code, want := range map[string]string{
		"ExpiredToken":       awsapi.ErrCredentials.Error(),
		"InvalidAccessKeyId": awsapi.ErrCredentials.Error(),
		"Forbidden":          "not authorized to perform s3:GetObject",
	} {
		err := translate(&smithy.GenericAPIError{Code: code, Message: "no"})
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), code) || errors.Is(err, awsapi.ErrCredentials) != (code != "Forbidden") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestRecordsAreListedAndDeletedUnlessWrittenSince(t *testing.T) {
	l, ctx := open(t), t.Context()
	for _, name := range []string{"shop-x", "shop-y"} {
		_, err := l.Change(ctx, name, func(r *Record) { r.Commit = name })
		must.Succeed(t, err)
	}
	all, err := l.Entries(ctx, nil)
	if err != nil || len(all) != 2 || all[0].Name != "shop-x" || all[1].Name != "shop-y" || all[0].Modified.IsZero() {
		t.Fatalf("Entries = %+v, %v", all, err)
	}
	_, err = l.Change(ctx, "shop-x", func(r *Record) { r.NumberRequest("abc") })
	must.Succeed(t, err)
	for i, want := range []bool{false, true} {
		if deleted, err := l.DeleteRecord(ctx, all[i]); err != nil || deleted != want {
			t.Errorf("DeleteRecord of %s = %v, %v; want %v", all[i].Name, deleted, err, want)
		}
	}
	if all, err = l.Entries(ctx, nil); err != nil || len(all) != 1 || all[0].Name != "shop-x" {
		t.Errorf("afterwards: %+v, %v", all, err)
	}
}

func TestTheBucketIsCreatedOnTheFirstWrite(t *testing.T) {
	l, ctx := open(t), t.Context()
	l.bucket = "new"
	created := 0
	l.Create = func(context.Context) error {
		created++
		_, err := l.api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("new")})
		return err
	}
	if r, err := l.Read(ctx, "shop-x"); err != nil || r.At.IsZero() || created != 0 {
		t.Errorf("Read = %+v, %v and %d buckets created, want none", r, err, created)
	}
	if all, err := l.Entries(ctx, nil); err != nil || len(all) != 0 {
		t.Errorf("Entries = %+v, %v", all, err)
	}
	take(t, l, LeaseRequest{})
	if err := changer(l).Upload(ctx, BundleKey("shop-x-v", "zip"), strings.NewReader("zip"), 3, digestOf([]byte("zip"))); err != nil || created != 1 {
		t.Errorf("%v after %d creations, want one", err, created)
	}
	denied := errors.New("denied")
	l.bucket, l.Create = "other", func(context.Context) error { return denied }
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" }); !errors.Is(err, denied) {
		t.Errorf("where it can't be created: %v", err)
	}
}

func TestTheResultOfASweepIsReadBack(t *testing.T) {
	l, ctx := open(t), t.Context()
	const application = "shop / 쇼핑"
	if s, err := l.LastSweep(ctx, application); err != nil || s.Environments != 0 {
		t.Errorf("before the first: %+v, %v", s, err)
	}
	must.Succeed(t, l.NoteSweep(ctx, application, Sweep{Environments: 7}))
	if s, err := l.LastSweep(ctx, application); err != nil || s.Environments != 7 {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
	if s, err := l.LastSweep(ctx, "shop"); err != nil || s.Environments != 0 {
		t.Errorf("of another application: %+v, %v", s, err)
	}
	for _, text := range []string{"<html>", `{"ours": -1}`, `{"ours": 1e400}`, ""} {
		_, err := l.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &l.bucket, Key: aws.String(sweepKey(application)), Body: strings.NewReader(text)})
		must.Succeed(t, err)
		if s, err := l.LastSweep(ctx, application); !errors.Is(err, ErrGarbage) || s.Environments != 0 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	if all, err := l.Entries(ctx, nil); err != nil || len(all) != 0 {
		t.Errorf("it is taken for a record: %+v, %v", all, err)
	}
}

func TestADraftIsReadAgainWhereItWasWrittenSince(t *testing.T) {
	l, ctx := open(t), t.Context()
	draft, err := l.Draft(ctx, "shop-x")
	must.Succeed(t, err)
	_, err = l.Change(ctx, "shop-x", func(r *Record) { r.Feature = "x" })
	must.Succeed(t, err)
	r, err := draft.Change(ctx, func(r *Record) { r.Commit = "abc" })
	if err != nil || r.Feature != "x" || r.Commit != "abc" || r.Counter != 2 {
		t.Errorf("after another's write: %+v, %v", r, err)
	}
	if r, err = draft.Change(ctx, func(r *Record) { r.Commit = "def" }); err != nil || r.Feature != "x" || r.Commit != "def" {
		t.Errorf("after its own: %+v, %v", r, err)
	}
}
