package daemon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/source"
)

const (
	testRegion = "us-east-1"
	never      = "0 0 29 2 *" // a schedule that is not due during a test
	day        = 24 * time.Hour
)

// plot is an account in a local cloud in this process, where environments pretend to run, and a Slack.
type plot struct {
	*testing.T
	cloud   *localcloud.Cloud
	aws     aws.Config
	slack   *notifytest.Server
	client  *notify.Slack
	logged  *lines
	manager *envs.Manager // of the application shop
	days    time.Duration // that environments live; 0 for five

	silent sync.RWMutex // while it is locked, AWS does not answer

	mu     sync.Mutex
	denied string // an action of Beanstalk's that is refused; "" refuses none
	once   string // a call of S3's that is refused once, as in "PUT /path"
}

// deny refuses an action of Beanstalk's from now on.
func (p *plot) deny(action string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied = action
}

// Do sends a call to the cloud.
func (p *plot) Do(r *http.Request) (*http.Response, error) {
	p.silent.RLock()
	defer p.silent.RUnlock()
	p.mu.Lock()
	denied, call := p.denied, r.Method+" "+r.URL.Path
	refused := p.once != "" && strings.Contains(call, p.once)
	if refused {
		p.once = ""
	}
	p.mu.Unlock()
	if refused {
		const text = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}
	if denied != "" && r.Body != nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if strings.Contains(string(body), "Action="+denied+"&") {
			const text = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>"
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultClient.Do(r)
}

func newPlot(t *testing.T) *plot {
	t.Helper()
	return newPlotThatTakes(t, 0)
}

// newPlotThatTakes is newPlot where the removal of an environment takes some time.
func newPlotThatTakes(t *testing.T, removal time.Duration) *plot {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir(), TerminateTime: removal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	p := &plot{T: t, cloud: cloud, slack: notifytest.New(), logged: &lines{}}
	t.Cleanup(p.slack.Close)
	p.aws = aws.Config{
		Region: testRegion, BaseEndpoint: aws.String(cloud.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
	p.aws.HTTPClient = p
	p.client = notify.New(notifytest.Token, p.slack.URL, "#qa", &http.Client{})
	p.manager = p.newManager(map[string]envs.Announcer{"Slack": p.client})
	return p
}

func (p *plot) newManager(announcers map[string]envs.Announcer) *envs.Manager {
	p.Helper()
	m, err := envs.New(p.Context(), p.aws, envs.Config{
		Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: cmp.Or(p.days, 5*day), RestoreFor: 3 * day}, Announcers: announcers,
	})
	if err != nil {
		p.Fatal(err)
	}
	return m
}

// application is what a daemon does for the application shop.
func (p *plot) application(schedule string) Application {
	return Application{
		Manager: p.manager, Slack: p.client, Schedule: schedule, Check: envs.HealthCheck{Off: true},
		Janitor: &janitor.Janitor{Environments: p.manager, MaxDeletions: 10},
	}
}

// running is a daemon at work.
type running struct {
	*Daemon
	url  string
	stop func() // ends it and waits
}

// run runs a daemon until the end of the test.
func (p *plot) run(c Config) running {
	p.Helper()
	c.Log = slog.New(slog.NewJSONHandler(p.logged, nil))
	if c.Slack.API == "" {
		c.Slack.API = p.slack.URL
	}
	if c.Listener == nil {
		listener, err := Listen(p.Context(), "127.0.0.1:0", false)
		if err != nil {
			p.Fatal(err)
		}
		c.Listener = listener
	}
	d, err := New(c)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.Error(err)
		}
	})
	p.Cleanup(stop)
	return running{d, fmt.Sprintf("http://127.0.0.1:%d", addressOf(c.Listener).Port()), stop}
}

// get returns the status and the body of an answer.
func (r running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// with returns the lines with this message.
func (l *lines) with(t *testing.T, message string) (found []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("a line of the log is no JSON: %s", line)
		}
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

// deployed deploys a feature.
func (p *plot) deployed(feature string) envs.Environment {
	p.Helper()
	return p.deployedAs(feature, feature)
}

// deployedAs deploys a page with a text.
func (p *plot) deployedAs(feature, text string) envs.Environment {
	p.Helper()
	settings := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	r, err := p.manager.Deploy(p.Context(), envs.Deployment{
		Feature: feature, Commit: "1a2b3c4", Owner: "Kim", Source: source.Page(text), Settings: settings.List(),
		Base: envs.Base{Platform: "Corretto 21 running on 64bit Amazon Linux 2023"}, Check: envs.HealthCheck{Off: true},
	}, envs.Options{By: "test"})
	if err != nil {
		p.Fatal(err)
	}
	return r.Environment
}
