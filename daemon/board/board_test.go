package board

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/janitor"
)

// midnight is when the bubbles of package synctest begin.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// cloud is a source without AWS.
type cloud struct {
	mu       sync.Mutex
	snapshot envs.Snapshot
	err      error
	reads    int
	takes    time.Duration // a reading
	panics   bool
	ahead    time.Duration // of our clock, AWS's
	events   []beanstalk.Event
	queried  int // for events
	logs     func(context.Context) (string, error)
	gathered int // logs
}

func (c *cloud) source() Source {
	return Source{
		Application: "shop", Region: "us-east-1",
		Read: func(ctx context.Context) (envs.Snapshot, error) {
			c.mu.Lock()
			takes := c.takes
			c.reads++
			c.mu.Unlock()
			select {
			case <-ctx.Done():
				return envs.Snapshot{}, ctx.Err()
			case <-time.After(takes):
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.panics {
				panic("no cloud")
			}
			s := c.snapshot
			s.Now = time.Now().Add(c.ahead)
			s.Environments = slices.Clone(s.Environments)
			return s, c.err
		},
		Judge: func(e envs.Environment, now time.Time) janitor.Decision {
			d := janitor.Decision{Env: &e.Env, Action: janitor.Keep, Reason: "expires " + envs.Until(e.Expires, now), Expiry: e.Expires}
			if by := e.Protection(); by != "" {
				d.Reason = by
			}
			return d
		},
		Events: func(context.Context, envs.Environment, time.Time) ([]beanstalk.Event, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.queried++
			return c.events, nil
		},
		Logs: func(ctx context.Context, _ envs.Environment) (string, error) {
			c.mu.Lock()
			gather := c.logs
			c.gathered++
			c.mu.Unlock()
			return gather(ctx)
		},
		Versions: func(context.Context, envs.Environment) ([]envs.Version, error) {
			return []envs.Version{{Label: "v2", Commit: strings.Repeat("2", 40), State: envs.VersionRunning, Created: midnight}, {Label: "v1", State: envs.VersionRestorable}}, nil
		},
	}
}

// set changes what the cloud tells, or makes it fail.
func (c *cloud) set(change func(*cloud)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// environment returns a living environment.
func environment(feature string) envs.Environment {
	name := "shop-" + feature
	e := envs.Environment{
		Env: envs.Env{
			ID: "e-" + feature, Name: name, Application: "shop", CNAME: name + ".elasticbeanstalk.com", State: envs.Ready, Health: "Green", Status: "Ok",
			Version: "v2", Created: midnight.Add(-50 * time.Hour), Updated: midnight.Add(-2 * time.Hour), Feature: feature, Commit: strings.Repeat("a", 40), Owner: "Kim",
		},
		Expires: midnight.Add(70 * time.Hour), Source: envs.SourceBranch, Tags: envs.Tags{},
	}
	e.Record = &store.Record{
		Counter: 1, Environment: e.ID, Feature: feature,
		LastDeploy: store.LastDeploy{At: midnight.Add(-2 * time.Hour), Subject: "Sign in with a key", BuildURL: "https://ci.example.com/7"},
		History:    []store.Happening{{At: midnight.Add(-50 * time.Hour), ID: e.ID, What: "created", By: "kim", Text: "commit aaaa"}},
	}
	return e
}

// plot is a board at work.
type plot struct {
	*cloud
	board *Board
	mux   *http.ServeMux
}

func newPlot(t *testing.T, c Config, all ...envs.Environment) *plot {
	t.Helper()
	cloud := &cloud{snapshot: envs.Snapshot{Environments: all}}
	c.Sources = append(c.Sources, cloud.source())
	p := &plot{cloud: cloud, board: New(c), mux: http.NewServeMux()}
	p.board.Routes(p.mux)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.board.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return p
}

// get asks for a page.
func (p *plot) get(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.mux.ServeHTTP(w, r)
	return w
}

func TestTheListShowsWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"), environment("search"))
		w := p.get(t, "/")
		if w.Code != 200 {
			t.Fatalf("the page answers %d: %s", w.Code, w.Body)
		}
		for _, want := range []string{"login", "search", "http://shop-login.elasticbeanstalk.com", "aaaaaaaaaaaa", "Sign in with a key", "https://ci.example.com/7", "Kim", "expires in 3d", "1999-12-29T22:00:00Z"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the page lacks %q:\n%s", want, w.Body)
			}
		}
		if w = p.get(t, "/features/shop/login"); w.Code != 200 || !strings.Contains(w.Body.String(), "commit aaaa") {
			t.Errorf("the page of a feature answers %d:\n%s", w.Code, w.Body)
		}
		if w = p.get(t, "/features/shop/logn"); w.Code != 404 || !strings.Contains(w.Body.String(), `href="/features/shop/login"`) {
			t.Errorf("the page of an unknown feature answers %d:\n%s", w.Code, w.Body)
		}
	})
}
