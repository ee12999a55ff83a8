package pullrequest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	"beansprout/test/must"
)

// account is an AWS account in a local cloud in this process, in which environments pretend to run.
type account struct {
	*testing.T
	aws aws.Config
}

func newAccount(t *testing.T) account {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	must.Succeed(t, err)
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	return account{t, aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}}
}

// process is a run of the program, which tells these displays.
func (a account) process(displays map[string]envs.Announcer) *envs.Manager {
	a.Helper()
	m, err := envs.New(a.Context(), a.aws, envs.Config{
		Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: 120 * time.Hour, RestoreFor: 72 * time.Hour}, Displays: displays,
	})
	must.Succeed(a.T, err)
	return m
}

// up deploys a page, which is a failure where it says "broken".
func (a account) up(displays map[string]envs.Announcer, feature, page string) (envs.Result, []string, error) {
	var said said
	r, err := a.process(displays).Deploy(a.Context(), envs.Deployment{
		Feature: feature, Commit: strings.Repeat("ab", 20), Subject: "Add " + page, Owner: "Kim", BuildURL: "https://ci/7", Source: source{page},
		Base: envs.Base{Platform: "Corretto 21 running on 64bit Amazon Linux 2023"},
		Settings: beanstalk.Settings{
			InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role",
		}.List(),
		Check: envs.HealthCheck{Off: true},
	}, said.options())
	return r, said.warnings(), err
}

// down removes the feature's environment.
func (a account) down(displays map[string]envs.Announcer, feature string) (envs.Receipt, []string, error) {
	a.Helper()
	var said said
	m := a.process(displays)
	e, err := m.Find(a.Context(), "shop", feature)
	must.Succeed(a.T, err)
	r, err := m.Remove(a.Context(), e, envs.RemoveOptions{Options: said.options()})
	return r, said.warnings(), err
}

// said collects the warnings of an operation.
type said struct {
	mu  sync.Mutex
	all []string
}

func (s *said) options() envs.Options {
	return envs.Options{By: "lee", Progress: func(e envs.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.Kind == envs.Warning {
			s.all = append(s.all, e.Text)
		}
	}}
}

func (s *said) warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// source is a page.
type source struct{ page string }

func (s source) Check(context.Context, string) error                       { return nil }
func (s source) Images(context.Context, envs.Target) ([]envs.Image, error) { return nil, nil }
func (s source) Forecast(context.Context, envs.Target) ([]envs.Image, bool, error) {
	return nil, true, nil
}

func (s source) Bundle(context.Context, []envs.Image, envs.Target) (envs.Bundle, error) {
	if s.page == "broken" {
		return envs.Bundle{}, errors.New("the page is broken")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("page")
	if err == nil {
		_, err = io.WriteString(w, s.page)
	}
	err = errors.Join(err, z.Close())
	return envs.Bundle{File: file{bytes.NewReader(b.Bytes())}, Size: int64(b.Len()), Digest: fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), Kind: "zip"}, err
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// runs are the displays of a run that builds the change, and of one that builds nothing.
func (k kind) runs(f *fake) (building, other map[string]envs.Announcer) {
	return map[string]envs.Announcer{k.name: k.comments(f, k.change)}, map[string]envs.Announcer{k.name: k.comments(f, Change{})}
}

// One comment tells of an environment from its first deploy to its removal and restore.
func TestOneCommentLivesWithItsEnvironment(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		a := newAccount(t)
		step := func(what string, warnings []string, err error, begins string) {
			t.Helper()
			body := f.onlyOne(12).body
			if err != nil || len(warnings) != 0 || !strings.Contains(body, "\n\n"+begins) {
				t.Errorf("%s: %v, %q\n%s", what, err, warnings, body)
			}
		}
		building, other := k.runs(f)
		r, warnings, err := a.up(building, "login", "one")
		step("create", warnings, err, "✅ **Ready**: <"+r.Environment.URL()+">")
		building, _ = k.runs(f)
		_, warnings, err = a.up(building, "login", "two")
		step("redeploy", warnings, err, "✅ **Ready**: <")
		if !strings.Contains(f.onlyOne(12).body, "`Add two`") {
			t.Error("the comment does not tell of the redeploy")
		}
		building, _ = k.runs(f)
		if _, warnings, err = a.up(building, "login", "broken"); err == nil {
			t.Fatal("a broken page is deployed")
		}
		step("failure", warnings, nil, "❌ **Failed**")
		_, warnings, err = a.down(other, "login")
		step("removal", warnings, err, "🍂 **Removed**")
		_, other = k.runs(f)
		m := a.process(other)
		gone, err := m.Restorable(t.Context(), "shop", "login")
		must.Succeed(t, err)
		_, err = m.Restore(t.Context(), gone, envs.RestoreOptions{Check: envs.HealthCheck{Off: true}})
		step("restore", nil, err, "✅ **Ready**: <")
		_, warnings, err = a.down(nil, "login")
		step("removal without a token", warnings, err, "✅ **Ready**: <")
		if !strings.Contains(f.onlyOne(12).body, "It will be removed after 20") {
			t.Error("the comment that stays names no expiry")
		}
	})
}

func TestTwoRunsOfOneFeatureLeaveOneComment(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		a := newAccount(t)
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				building, _ := k.runs(f)
				if _, _, err := a.up(building, "login", fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		building, _ := k.runs(f)
		if _, _, err := a.up(building, "login", "last"); err != nil {
			t.Error(err)
		}
		f.onlyOne(12)
	})
}
