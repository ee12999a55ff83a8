package proof

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
	"beansprout/test/oracle"
	"beansprout/test/source"
)

const (
	region   = "us-east-1"
	platform = "Corretto 21 running on 64bit Amazon Linux 2023"
)

// soak reports whether the long forms of the tests are wanted.
func soak() bool { return os.Getenv("BEANSPROUT_SOAK") != "" }

// seedOf returns the seed of a test: the one in BEANSPROUT_SEED, or a new one, which is in the log.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64() >> 1
	if text := os.Getenv("BEANSPROUT_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("BEANSPROUT_SEED=%s: %v", text, err)
		}
		seed = n
	}
	t.Logf("BEANSPROUT_SEED=%d repeats it", seed)
	return seed
}

// field is a local cloud in this process, with a clock that tests move.
type field struct {
	testing.TB
	cloud    *localcloud.Cloud
	dir      string // the cloud's
	wire     *wire
	account  string
	platform string // its ARN
	bucket   string

	mu      sync.Mutex
	ahead   time.Duration // how far the cloud's clock is ahead of ours
	bare    *elasticbeanstalk.Client
	objects *s3.Client
}

func newField(t testing.TB, cfg localcloud.Config) *field {
	t.Helper()
	cfg.Dir = t.TempDir()
	const plenty = 1 << 20
	cfg.Quotas = cloudbeanstalk.Quotas{Applications: plenty, Versions: plenty, Environments: plenty, Templates: plenty}
	cloud, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := &field{TB: t, cloud: cloud, dir: cfg.Dir, wire: newWire(), account: "000000000000", ahead: cfg.Offset}
	t.Cleanup(f.close)
	f.bare, f.objects = elasticbeanstalk.NewFromConfig(f.client("test", nil)), s3.NewFromConfig(f.client("test", nil))
	f.look()
	return f
}

// close stops the cloud.
func (f *field) close() {
	f.wire.transport.CloseIdleConnections()
	_ = f.cloud.Close(context.Background())
}

// client returns what an actor's clients are made from.
func (f *field) client(name string, before func(call) error) aws.Config {
	key, secret := f.cloud.Credentials()
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(f.cloud.Endpoint()), HTTPClient: actor{f.wire, name, before},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

// look finds out what the tests need to know of the cloud.
func (f *field) look() {
	f.Helper()
	ctx := f.Context()
	stored, err := f.bare.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		f.Fatal(err)
	}
	f.bucket = aws.ToString(stored.S3Bucket)
	f.account = f.bucket[strings.LastIndex(f.bucket, "-")+1:]
	list, err := f.bare.ListPlatformVersions(ctx, &elasticbeanstalk.ListPlatformVersionsInput{Filters: []types.PlatformFilter{{
		Type: aws.String("PlatformBranchName"), Operator: aws.String("="), Values: []string{platform},
	}}})
	if err != nil || len(list.PlatformSummaryList) == 0 {
		f.Fatalf("the platform: %v", err)
	}
	f.platform = aws.ToString(list.PlatformSummaryList[0].PlatformArn)
}

// advance moves the cloud's clock.
func (f *field) advance(d time.Duration) {
	f.mu.Lock()
	f.ahead += d
	f.mu.Unlock()
	f.cloud.Advance(d)
}

// now is the cloud's time.
func (f *field) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.ahead)
}

// manager returns an actor's Manager for an application.
func (f *field) manager(name string, before func(call) error, c envs.Config) *envs.Manager {
	f.Helper()
	if c.Repository.Name == "" {
		c.Repository = envs.Repository{Name: "shop", Unused: true}
	}
	m, err := envs.New(f.Context(), f.client(name, before), c)
	if err != nil {
		f.Fatal(err)
	}
	return m
}

// rows returns the application's environments as the cloud describes them.
func (f *field) rows(application string) (all []oracle.Row) {
	f.Helper()
	out, err := f.bare.DescribeEnvironments(f.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{ApplicationName: &application, IncludeDeleted: aws.Bool(false)})
	if err != nil {
		f.Fatal(err)
	}
	f.wire.mu.Lock()
	defer f.wire.mu.Unlock()
	for _, e := range out.Environments {
		all = append(all, f.wire.of("test", aws.ToString(e.EnvironmentId)).Row)
	}
	return all
}

// facts reads all that there is to know of an environment, and has changed since it was read last.
func (f *field) facts(r oracle.Row) oracle.Facts {
	f.Helper()
	name := r.EnvironmentName
	w := f.wire
	if w.must("tags " + name) {
		_, err := f.bare.ListTagsForResource(f.Context(), &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: aws.String(f.arn(r))})
		if err != nil && !r.Gone() {
			f.Errorf("the tags of %s, %s: %v", name, r.Status, err)
		}
	}
	if w.must("record " + name) {
		f.record(name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of("test", r.EnvironmentId).Facts
}

func (f *field) arn(r oracle.Row) string {
	return "arn:aws:elasticbeanstalk:" + region + ":" + f.account + ":environment/" + r.ApplicationName + "/" + r.EnvironmentName
}

func (f *field) recordKey(name string) *string {
	return aws.String("beansprout/ledger/" + name + ".json")
}

// record returns the text of the record of the named environment, "" where there is none.
func (f *field) record(name string) string {
	out, err := f.objects.GetObject(f.Context(), &s3.GetObjectInput{Bucket: &f.bucket, Key: f.recordKey(name)})
	if err != nil {
		return ""
	}
	defer out.Body.Close()
	text, _ := io.ReadAll(out.Body)
	return string(text)
}

// putRecord writes anything in the place of a record, and removes it where the text is "".
func (f *field) putRecord(name, text string) {
	var err error
	if text == "" {
		_, err = f.objects.DeleteObject(f.Context(), &s3.DeleteObjectInput{Bucket: &f.bucket, Key: f.recordKey(name)})
	} else {
		_, err = f.objects.PutObject(f.Context(), &s3.PutObjectInput{Bucket: &f.bucket, Key: f.recordKey(name), Body: strings.NewReader(text)})
	}
	if err != nil && f.Context().Err() == nil {
		f.Errorf("write the record of %s: %v", name, err)
	}
}

// settled waits until nothing is at work on the application's environments, and returns them. Where the
// clock went back while AWS was at work, that takes until the clock is there again.
func (f *field) settled(application string) (all []oracle.Row) {
	f.Helper()
	began, moved := time.Now(), time.Now()
	for ; time.Since(began) < 5*time.Minute; time.Sleep(5 * time.Millisecond) {
		all = f.rows(application)
		if !slices.ContainsFunc(all, func(r oracle.Row) bool { return r.Status != "Ready" }) {
			return all
		}
		if time.Since(moved) > 10*time.Second {
			f.advance(hours)
			moved = time.Now()
		}
	}
	f.Fatalf("the environments of %s are at work for ever: %+v", application, all)
	return nil
}

// deployment is one of an archive with this content.
func deployment(feature, content string) envs.Deployment {
	settings := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	return envs.Deployment{
		Feature: feature, Commit: content, Owner: "Kim", Source: source.Page(content), Base: envs.Base{Platform: platform},
		Settings: settings.List(), Check: envs.HealthCheck{Off: true},
	}
}

// bundles are the objects that are named after an environment, without its record.
func (f *field) bundles(name string) []string {
	return slices.DeleteFunc(f.objectsOf(name), func(key string) bool { return recordPath.MatchString("/" + key) })
}

// objectsOf are the keys in the bucket that contain a name.
func (f *field) objectsOf(name string) (found []string) {
	pages := s3.NewListObjectsV2Paginator(f.objects, &s3.ListObjectsV2Input{Bucket: &f.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(f.Context())
		if err != nil {
			f.Error(err)
			return nil
		}
		for _, object := range page.Contents {
			if key := aws.ToString(object.Key); strings.Contains(key, name) {
				found = append(found, key)
			}
		}
	}
	return found
}

// each does something n times, so many at once.
func each(n, atOnce int, do func(int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			do(i)
		})
	}
	all.Wait()
}
