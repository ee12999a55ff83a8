package janitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/janitor"
	"beansprout/localcloud"
	"beansprout/test/source"
)

const day = 24 * time.Hour

// estate is an account in a local cloud: twelve environments live for a month more, and the days of
// old-0 and old-1 are over.
type estate struct {
	*testing.T
	cloud *localcloud.Cloud
	aws   aws.Config
	ahead time.Duration // how far the cloud's clock and the janitor's are ahead of the machine's

	mu      sync.Mutex
	disturb func(call string, answer *answer) // changes what the cloud answers; nil changes nothing
	refused string                            // the action that the cloud does not see
}

// denied is the body of an answer of Beanstalk's that refuses a call.
const denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>"

// answer is what a call is answered with.
type answer struct {
	status int
	body   string
}

const (
	young  = 12
	old    = 2
	passed = 6 * day
)

func newEstate(t *testing.T) *estate {
	e := &estate{T: t}
	e.open()
	for name, days := range map[string]time.Duration{"young": 30 * day, "old": 5 * day} {
		m := e.manager(func(c *envs.Config) { c.Days.TTL = days })
		for i := range map[string]int{"young": young, "old": old}[name] {
			e.deploy(m, fmt.Sprint(name, "-", i))
		}
	}
	return e
}

func (e *estate) open() {
	e.Helper()
	cloud, err := localcloud.Open(e.Context(), localcloud.Config{Dir: e.TempDir()})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = cloud.Close(context.Background()) })
	e.use(cloud)
}

// use has the estate be the account of a cloud.
func (e *estate) use(cloud *localcloud.Cloud) {
	key, secret := cloud.Credentials()
	e.cloud, e.aws = cloud, aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), HTTPClient: e,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

// Do sends a call to the cloud, and disturbs the answer.
func (e *estate) Do(r *http.Request) (*http.Response, error) {
	call := r.Method + " " + r.URL.Path
	if r.Body != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, _ := url.ParseQuery(string(body))
		call = form.Get("Action") + " " + form.Get("NextToken")
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	e.mu.Lock()
	disturb, refused := e.disturb, e.refused
	e.mu.Unlock()
	if action, _, _ := strings.Cut(call, " "); action == refused {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(denied)), Request: r}, nil
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil || disturb == nil {
		return got, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	a := answer{got.StatusCode, string(text)}
	disturb(call, &a)
	got.StatusCode, got.Body, got.ContentLength = a.status, io.NopCloser(strings.NewReader(a.body)), int64(len(a.body))
	got.Header.Del("Content-Length")
	return got, nil
}

func (e *estate) manager(change func(*envs.Config)) *envs.Manager {
	e.Helper()
	c := envs.Config{Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: 5 * day, RestoreFor: day}}
	if change != nil {
		change(&c)
	}
	m, err := envs.New(e.Context(), e.aws, c)
	if err != nil {
		e.Fatal(err)
	}
	return m
}

func (e *estate) deploy(m *envs.Manager, feature string) {
	e.Helper()
	settings := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	_, err := m.Deploy(e.Context(), envs.Deployment{
		Feature: feature, Commit: "1a2b3c4", Owner: "Kim", Source: source.Page(feature), Settings: settings.List(),
		Base: envs.Base{Platform: "Corretto 21 running on 64bit Amazon Linux 2023"}, Check: envs.HealthCheck{Off: true},
	}, envs.Options{})
	if err != nil {
		e.Fatal(err)
	}
}

// janitor returns a janitor of the account whose clock is right.
func (e *estate) janitor(m *envs.Manager) *janitor.Janitor {
	return &janitor.Janitor{Environments: m, MaxDeletions: 100, Now: e.now}
}

func (e *estate) now() time.Time { return time.Now().Add(e.ahead) }

// advance moves all clocks.
func (e *estate) advance(by time.Duration) {
	e.ahead += by
	e.cloud.Advance(by)
}

// swept sweeps live while answers are disturbed.
func (e *estate) swept(j *janitor.Janitor, disturb func(call string, a *answer)) (janitor.Report, error) {
	e.set(disturb)
	defer e.set(nil)
	return j.Sweep(e.Context(), true)
}

func (e *estate) set(disturb func(call string, a *answer)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disturb = disturb
}

// removals returns the calls since the nth that remove something.
func (e *estate) removals(n int) (names []string) {
	for _, call := range e.cloud.Calls()[n:] {
		if strings.HasPrefix(call.Action, "Terminate") || strings.Contains(call.Action, "Delete") {
			names = append(names, call.Action)
		}
	}
	return names
}

// row is an item of a list in an answer.
var row = regexp.MustCompile(`(?s)<member>.*?</member>`)

// listing has the list of environments lack those whose names do not contain part.
func listing(part string) func(string, *answer) {
	return func(call string, a *answer) {
		if strings.HasPrefix(call, "DescribeEnvironments ") {
			a.body = row.ReplaceAllStringFunc(a.body, func(r string) string {
				if part != "" && strings.Contains(r, part) {
					return r
				}
				return ""
			})
		}
	}
}

// unreadable refuses to read objects whose path contains part.
func unreadable(part string) func(string, *answer) {
	return func(call string, a *answer) {
		if strings.HasPrefix(call, "GET /elasticbeanstalk-") && strings.Contains(call, part) {
			*a = answer{http.StatusForbidden, "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"}
		}
	}
}

// secondPage has a list go on, on a page that is refused.
func secondPage(call string, a *answer) {
	switch call {
	case "DescribeEnvironments ":
		a.body = strings.Replace(a.body, "</Environments>", "</Environments><NextToken>more</NextToken>", 1)
	case "DescribeEnvironments more":
		*a = answer{http.StatusForbidden, denied}
	}
}

// otherAccount has the credentials be those of another account.
func otherAccount(call string, a *answer) {
	if strings.HasPrefix(call, "GetCallerIdentity ") {
		a.body = regexp.MustCompile(`\d{12}`).ReplaceAllString(a.body, "210987654321")
	}
}

func TestWhatIsNotAsItShouldBeRemovesNothing(t *testing.T) {
	e := newEstate(t)
	noted, err := (&janitor.Janitor{Environments: e.manager(nil), MaxDeletions: 100}).Sweep(t.Context(), true)
	if err != nil || noted.Known != young+old || noted.Young != young+old {
		t.Fatalf("%+v, %v", noted, err)
	}
	e.advance(passed)
	elsewhere := func(e *estate, _ *janitor.Janitor) { e.aws.Region = "eu-west-1" }
	for _, tt := range []struct {
		name    string
		change  func(*estate, *janitor.Janitor)
		disturb func(string, *answer)
		is      error
		want    string // a part of the refusal
	}{
		{"an empty list", nil, listing(""), janitor.ErrShrunk, "the last sweep left 14, and 0 are there"},
		{"more than half is missing", nil, listing("-old-"), janitor.ErrShrunk, "the last sweep left 14, and 2 are there"},
		{"a page fails", nil, secondPage, nil, "AccessDenied"},
		{"another account's credentials", nil, otherAccount, nil, "read what the last sweep left"},
		{"another account", func(e *estate, _ *janitor.Janitor) { e.open() }, nil, envs.ErrNoApplication, `there is no "shop"`},
		{"another region", elsewhere, nil, envs.ErrNoApplication, "region eu-west-1"},
		{"an unreadable bucket", nil, unreadable(""), nil, "read what the last sweep left"},
		{"our clock is ahead", func(_ *estate, j *janitor.Janitor) { j.Now = func() time.Time { return e.now().Add(10 * time.Minute) } }, nil, janitor.ErrSkew, "apart"},
		{"our clock is behind", func(_ *estate, j *janitor.Janitor) {
			j.Now = func() time.Time { return e.now().Add(-10 * time.Minute) }
		}, nil, janitor.ErrSkew, "apart"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on := &estate{T: t, cloud: e.cloud, aws: e.aws, ahead: e.ahead}
			on.aws.HTTPClient = on
			j := on.janitor(nil)
			if tt.change != nil {
				tt.change(on, j)
			}
			if on.cloud != e.cloud {
				j.Now = nil
			}
			on.set(tt.disturb)
			j.Environments = on.manager(nil)
			before := len(on.cloud.Calls())
			report, err := on.swept(j, tt.disturb)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(report.Refused, tt.want) {
				t.Errorf("refused %q, %v; want %q", report.Refused, err, tt.want)
			}
			if gone := on.removals(before); len(gone) > 0 || report.Count(janitor.Removed) > 0 {
				t.Errorf("it removes: %v", gone)
			}
		})
	}
	t.Run("unreadable records", func(t *testing.T) {
		before := len(e.cloud.Calls())
		report, err := e.swept(e.janitor(e.manager(nil)), unreadable("/beansprout/ledger/"))
		if err == nil || report.Count(janitor.Unknown) != old || len(e.removals(before)) > 0 {
			t.Errorf("%+v, %v, and it removes %v", report, err, e.removals(before))
		}
	})
	report, err := e.swept(e.janitor(e.manager(nil)), nil)
	if err != nil || report.Count(janitor.Removed) != old {
		t.Errorf("where all is well: %+v, %v", report, err)
	}
}

func TestASweepSaysTheEndThatAListSays(t *testing.T) {
	e := &estate{T: t}
	e.open()
	m := e.manager(nil)
	e.deploy(m, "long")
	env, err := m.Get(t.Context(), "shop", "long")
	if err == nil {
		_, err = m.Extend(t.Context(), env, 3*day, envs.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := m.List(t.Context(), envs.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := (&janitor.Janitor{Environments: m}).Sweep(t.Context(), false)
	if err != nil || len(report.Decisions) != 1 || !report.Decisions[0].Expiry.Equal(list.Environments[0].Expires) || !list.Environments[0].Expires.After(env.Expires) {
		t.Errorf("the sweep says %+v, %v; the list says %v", report.Decisions, err, list.Environments[0].Expires)
	}
}

func TestALeftoverThatIsStuckIsNamedByEachSweep(t *testing.T) {
	e := &estate{T: t}
	e.open()
	m := e.manager(nil)
	e.deploy(m, "gone")
	env, err := m.Get(t.Context(), "shop", "gone")
	if err == nil {
		_, err = m.Remove(t.Context(), env, envs.RemoveOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	e.advance(passed)
	e.refused = "DeleteApplicationVersion"
	e.advance(day + time.Minute)
	for range 3 {
		report, err := e.swept(e.janitor(m), nil)
		if err == nil || !strings.Contains(err.Error(), env.Name) || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("the error does not name %s: %v", env.Name, err)
		}
		if all := report.Leftovers; len(all) != 1 || all[0].Env.Name != env.Name || all[0].Action != janitor.Failed || all[0].Err == nil {
			t.Errorf("the report says %+v", all)
		}
	}
	e.refused = ""
	report, err := e.swept(e.janitor(m), nil)
	if err != nil || len(report.Leftovers) != 1 || report.Leftovers[0].Action != janitor.Removed || report.Leftovers[0].Reason != "" {
		t.Errorf("in the end: %+v, %v", report.Leftovers, err)
	}
	if report, err := e.swept(e.janitor(m), nil); err != nil || len(report.Leftovers) != 0 {
		t.Errorf("there is left: %+v, %v", report.Leftovers, err)
	}
}
