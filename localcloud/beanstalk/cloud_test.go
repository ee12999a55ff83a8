package beanstalk

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/smithy-go"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	bucket  = "elasticbeanstalk-us-east-1-123456789012"
	ecs     = "64bit Amazon Linux 2023 v4.2.0 running ECS"
)

// cloud is a Service behind HTTP with a runner without Docker, and a client of the real SDK.
type cloud struct {
	*testing.T
	*eb.Client
	service *Service
	objects *s3.Store
	runner  *engine.Pretend
	ahead   time.Duration // of its clock, compared with the real one
}

// start starts a cloud in a directory. adjust may change its configuration.
func start(t *testing.T, dir string, adjust ...func(*Config)) *cloud {
	c := &cloud{T: t, runner: &engine.Pretend{}}
	objects, err := s3.Open(s3.Config{File: filepath.Join(dir, "s3.db"), Now: c.now,
		Sign: func(bucket, key string, _ time.Duration) string { return "http://s3.test/" + bucket + "/" + key }})
	if err != nil {
		t.Fatal(err)
	}
	c.objects = objects
	cfg := Config{Dir: dir, Account: account, Objects: objects, Runner: c.runner, URLPort: 2327, Now: c.now, Roles: console{}}
	for _, f := range adjust {
		f(&cfg)
	}
	if c.service, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	h := c.service.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		where := region
		if r.Header.Get("X-Region") != "" {
			where = r.Header.Get("X-Region")
		}
		h.ServeHTTP(w, wire.WithCall(r, wire.Call{ID: rand.Text(), Region: where, Account: account, Now: cfg.Now()}))
	}))
	c.Client = eb.New(eb.Options{Region: region, BaseEndpoint: &server.URL, HTTPClient: buffered{}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
	t.Cleanup(server.Close)
	t.Cleanup(c.stop)
	return c
}

// buffered sends a copy of a request's body, because the SDK closes its body too early for a server
// that answers at once.
type buffered struct{}

func (buffered) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultClient.Do(r)
}

func (c *cloud) now() time.Time { return time.Now().Add(c.ahead) }

// stop leaves the state as a kill would, except for what bbolt protects.
func (c *cloud) stop() {
	if c.service == nil {
		return
	}
	if err := errors.Join(c.service.Close(context.Background()), c.objects.Close()); err != nil {
		c.Error(err)
	}
	c.service = nil
}

// has creates an application with versions v1, v2 and so on.
func (c *cloud) has(versions ...string) {
	c.Helper()
	must(c, c.objects.EnsureBucket(bucket))
	for _, label := range versions {
		must(c, c.objects.Put(bucket, "shop/"+label+".zip", zipped(c, map[string]string{"Dockerrun.aws.json": label})))
		_, err := c.CreateApplicationVersion(c.Context(), &eb.CreateApplicationVersionInput{
			ApplicationName: aws.String("shop"), VersionLabel: &label, AutoCreateApplication: aws.Bool(true),
			SourceBundle: &types.S3Location{S3Bucket: aws.String(bucket), S3Key: aws.String("shop/" + label + ".zip")},
		})
		must(c, err)
	}
}

func zipped(t testing.TB, files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(text))
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// launchInput returns the input for a valid environment.
func launchInput(name string, more ...types.ConfigurationOptionSetting) *eb.CreateEnvironmentInput {
	return &eb.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: &name, CNAMEPrefix: &name, SolutionStackName: aws.String(ecs), VersionLabel: aws.String("v1"),
		OptionSettings: append([]types.ConfigurationOptionSetting{setting(nsLaunch, "IamInstanceProfile", InstanceProfile)}, more...),
	}
}

func setting(namespace, option, value string) types.ConfigurationOptionSetting {
	return types.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &option, Value: &value}
}

// launch creates an environment and waits until it is settled.
func (c *cloud) launch(in *eb.CreateEnvironmentInput) types.EnvironmentDescription {
	c.Helper()
	out, err := c.CreateEnvironment(c.Context(), in)
	must(c, err)
	return c.settled(*out.EnvironmentId)
}

// row returns the environment with an id in any state.
func (c *cloud) row(id string) types.EnvironmentDescription {
	c.Helper()
	out, err := c.DescribeEnvironments(c.Context(), &eb.DescribeEnvironmentsInput{EnvironmentIds: []string{id}, IncludeDeleted: aws.Bool(true)})
	must(c, err)
	if len(out.Environments) != 1 {
		c.Fatalf("%d environments have the id %s", len(out.Environments), id)
	}
	return out.Environments[0]
}

// eventually waits until done returns true.
func (c *cloud) eventually(what string, done func() bool) {
	c.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("%s: never", what)
		}
	}
}

// settled waits until no work runs for the environment.
func (c *cloud) settled(id string) (e types.EnvironmentDescription) {
	c.Helper()
	c.eventually(id+" is settled", func() bool {
		e = c.row(id)
		return e.Status == types.EnvironmentStatusReady || e.Status == types.EnvironmentStatusTerminated
	})
	return e
}

// told returns the texts of the events that pass the filter, oldest first.
func (c *cloud) told(in *eb.DescribeEventsInput) (texts []string) {
	c.Helper()
	out, err := c.DescribeEvents(c.Context(), in)
	must(c, err)
	for _, e := range out.Events {
		texts = append([]string{*e.Message}, texts...)
	}
	return texts
}

// refused checks that err is AWS's refusal.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("got  %v\nwant %s: %s", err, code, message)
	}
}
