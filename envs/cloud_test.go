package envs

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
)

const (
	testRegion   = "us-east-1"
	testPlatform = "Corretto 21 running on 64bit Amazon Linux 2023"
	testECS      = "ECS running on 64bit Amazon Linux 2023"
)

// plot is an account in a local cloud in this process, where environments pretend to run, and a
// Manager of it for the application shop, which has no images.
type plot struct {
	*testing.T
	cloud   *localcloud.Cloud
	aws     aws.Config
	manager *Manager

	mu    sync.Mutex
	plans []*plan
}

// plan is what happens just before the nth call of that name, once.
type plan struct {
	call string // an action of Beanstalk's, "GET ledger", "PUT ledger" or "LIST ledger"
	nth  int
	do   func() (refusal string)
}

// before has something happen just before the nth call of that name from now on, which is refused with
// the code that do returns, unless that is "".
func (p *plot) before(nth int, call string, do func() (refusal string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans = append(p.plans, &plan{call, nth, do})
}

// Do sends a call to the cloud.
func (p *plot) Do(r *http.Request) (*http.Response, error) {
	name := ""
	switch {
	case strings.Contains(r.URL.Path, "/beansprout/ledger/"):
		name = r.Method + " ledger"
	case strings.HasPrefix(r.URL.Query().Get("prefix"), "beansprout/ledger/"):
		name = "LIST ledger"
	case r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && r.Body != nil:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, _ := url.ParseQuery(string(body))
		name, r = form.Get("Action"), r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if do := p.due(name); do != nil {
		if code := do(); code != "" {
			text := "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>No.</Message></Error></ErrorResponse>"
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
		}
	}
	return http.DefaultClient.Do(r)
}

func (p *plot) due(call string) (do func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, plan := range p.plans {
		if plan.call == call {
			if plan.nth--; plan.nth == 0 {
				do = plan.do
			}
		}
	}
	return do
}

// newPlot opens a cloud. change may make the Manager's configuration another one.
func newPlot(t *testing.T, cfg localcloud.Config, change func(*Config)) *plot {
	t.Helper()
	cfg.Dir = t.TempDir()
	cloud, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	t.Cleanup(func() { neededNothingOfECR(t, cloud, change) })
	key, secret := cloud.Credentials()
	p := &plot{T: t, cloud: cloud, aws: aws.Config{
		Region: testRegion, BaseEndpoint: aws.String(cloud.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}}
	p.aws.HTTPClient = p
	p.manager = p.newManager(change)
	return p
}

// neededNothingOfECR checks that what has no images needs no right to ECR.
func neededNothingOfECR(t *testing.T, cloud *localcloud.Cloud, change func(*Config)) {
	c := Config{Repository: Repository{Unused: true}}
	if change != nil {
		change(&c)
	}
	for _, call := range cloud.Calls() {
		if call.Service == "ecr" && c.Repository.Unused {
			t.Errorf("ECR is asked for %s", call.Action)
		}
	}
}

// newManager returns another Manager of the account, as another process would have it.
func (p *plot) newManager(change func(*Config)) *Manager {
	p.Helper()
	cfg := Config{Application: "shop", HTTP: &http.Client{Transport: localhost}, Repository: Repository{Name: "shop", Unused: true}, Days: Days{TTL: 5 * day, RestoreFor: 3 * day}}
	if change != nil {
		change(&cfg)
	}
	m, err := New(p.Context(), p.aws, cfg)
	if err == nil {
		_, err = m.account(p.Context())
	}
	if err != nil {
		p.Fatal(err)
	}
	return m
}

// localhost reaches the environments of a local cloud: all names under localhost are this machine.
var localhost = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}}

// withImages makes the application one that runs images.
func withImages(c *Config) { c.Repository.Unused = false }

// name is that of the feature's environment.
func (p *plot) name(feature string) string {
	p.Helper()
	name, err := p.manager.name(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	return name
}

// deployment is one of an archive with this content.
func deployment(feature, content string) Deployment {
	wish := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	return Deployment{
		Feature: feature, Commit: content, Owner: "Kim", Source: archive{content}, Base: Base{Platform: testPlatform},
		Settings: wish.List(), Check: HealthCheck{Off: true},
	}
}

// deployed deploys, and wants it to come to that outcome.
func (p *plot) deployed(d Deployment, outcome string) Environment {
	p.Helper()
	r, err := p.manager.Deploy(p.Context(), d, Options{})
	if err != nil || r.Outcome != outcome {
		p.Fatalf("Deploy: %q, %v, want %q", r.Outcome, err, outcome)
	}
	return r.Environment
}

// archive is the source of a bundle that has this content and no image.
type archive struct{ content string }

func (s archive) Check(context.Context, string) error                     { return nil }
func (s archive) Images(context.Context, Target) ([]Image, error)         { return nil, nil }
func (s archive) Forecast(context.Context, Target) ([]Image, bool, error) { return nil, true, nil }

func (s archive) Bundle(context.Context, []Image, Target) (Bundle, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("page")
	if err == nil {
		_, err = io.WriteString(w, s.content)
	}
	err = errors.Join(err, z.Close())
	return Bundle{File: opened{bytes.NewReader(b.Bytes())}, Size: int64(b.Len()), Digest: fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), Kind: "zip"}, err
}

// opened is a file in memory.
type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

// store is that of the records and bundles.
func (p *plot) store() *store.Store {
	p.Helper()
	s, err := p.manager.store(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// putRecord writes anything in place of the record of the named environment.
func (p *plot) putRecord(name, text string) {
	p.Helper()
	s := p.store()
	_, err := p.manager.s3.api.PutObject(p.Context(), &s3.PutObjectInput{
		Bucket: aws.String(s.Bucket()), Key: aws.String("beansprout/ledger/" + name + ".json"), Body: strings.NewReader(text),
	})
	if err != nil {
		p.Fatal(err)
	}
}

// bare is a client for what a Manager never does.
func (p *plot) bare() *elasticbeanstalk.Client { return elasticbeanstalk.NewFromConfig(p.aws) }

// create makes an environment that is not ours, and returns its id when it is Ready.
func (p *plot) create(in elasticbeanstalk.CreateEnvironmentInput) string {
	p.Helper()
	platform, err := p.manager.beanstalk.Platform(p.Context(), testPlatform)
	if err != nil {
		p.Fatal(err)
	}
	in.ApplicationName, in.PlatformArn = aws.String("shop"), &platform
	in.OptionSettings = []types.ConfigurationOptionSetting{{
		Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role"),
	}}
	made, err := p.bare().CreateEnvironment(p.Context(), &in)
	if err == nil {
		_, err = p.manager.beanstalk.Settle(p.Context(), Env{ID: aws.ToString(made.EnvironmentId), Name: aws.ToString(in.EnvironmentName)})
	}
	if err != nil {
		p.Fatal(err)
	}
	return aws.ToString(made.EnvironmentId)
}

// anyChange may change everything, as another process does that has the lease.
func (p *plot) anyChange() lease {
	p.Helper()
	return p.manager.changing(p.store(), func(context.Context) error { return nil })
}

// changesSince returns the calls since the nth that change something in Beanstalk.
func (p *plot) changesSince(n int) (names []string) {
	for _, e := range p.cloud.Calls()[n:] {
		reads := slices.ContainsFunc([]string{"Describe", "List", "Check"}, func(p string) bool { return strings.HasPrefix(e.Action, p) })
		if e.Service == "elasticbeanstalk" && !reads && e.Action != "CreateStorageLocation" {
			names = append(names, e.Action)
		}
	}
	return names
}

// told collects the sentences of an operation.
type told struct {
	mu    sync.Mutex
	texts []string
}

func (s *told) options() Options {
	return Options{By: "test", Progress: func(e Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.texts = append(s.texts, e.Text)
	}}
}

func (s *told) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.texts, "\n")
}
