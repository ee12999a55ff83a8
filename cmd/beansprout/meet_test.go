package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/builder/ecr"
	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
)

// crossing is a plot on whose way to the cloud something else happens, just before a call.
type crossing struct {
	*plot
	gate *gate

	mu    sync.Mutex
	plans []*plan
}

// plan is what happens before the nth call of that name, once.
type plan struct {
	call string
	nth  int
	do   func() (refusal string) // the code of AWS's refusal, "" lets the call pass
}

func newCrossing(t *testing.T, cfg localcloud.Config) *crossing {
	t.Helper()
	c := &crossing{plot: newPlot(t, cfg)}
	endpoint, err := url.Parse(c.cloud.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	running, err := localcloud.Status(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	c.gate = &gate{cloud: endpoint}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.dir = detour(t, running, server.URL)
	c.config = filepath.Join(t.TempDir(), "beansprout.yaml")
	if err := os.WriteFile(c.config, []byte("application: shop\nartifact: app.zip\nenvironment: {platform: Corretto 21 running on 64bit Amazon Linux 2023}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.artifact("one")
	return c
}

// artifact makes what up deploys.
func (c *crossing) artifact(content string) {
	c.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("page")
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err = errors.Join(err, z.Close()); err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(c.config), "app.zip"), b.Bytes(), 0o600)
	}
	if err != nil {
		c.Fatal(err)
	}
}

// at has something happen before the nth call of that name from now on.
func (c *crossing) at(nth int, call string, do func() (refusal string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans = append(c.plans, &plan{call, nth, do})
}

// due returns what is to happen before this call.
func (c *crossing) due(call string) (do func() string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.plans {
		if p.call == call {
			if p.nth--; p.nth == 0 {
				do = p.do
			}
		}
	}
	return do
}

// ServeHTTP hands a call on, and its answer back.
func (c *crossing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if do := c.due(callName(r, body)); do != nil {
		if code := do(); code != "" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Type>Sender</Type><Code>"+code+"</Code><Message>No.</Message></Error></ErrorResponse>")
			return
		}
	}
	answer, text, err := c.gate.ask(r, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
}

// note changes the record of the feature's environment, as another process would.
func (c *crossing) note(feature string, change func(*ledger.Record)) {
	c.Helper()
	if _, err := c.ledger.Change(c.Context(), c.name(feature), change); err != nil {
		c.Error(err)
	}
}

// lives says which version the feature's environment runs, "" where there is none.
func (c *crossing) lives(feature string) string {
	c.Helper()
	e, err := c.clients.beanstalk.Find(c.Context(), c.name(feature))
	if err != nil && !errors.Is(err, envs.ErrNotFound) {
		c.Fatal(err)
	}
	return e.Version
}

func teardownOf(r *ledger.Record) { r.Teardowns++ }

func TestAVersionThatVanishesIsRegisteredOnceMore(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	for _, call := range []string{"CreateEnvironment", "UpdateEnvironment"} {
		c.at(1, call, func() string {
			labels, err := c.clients.beanstalk.Versions(t.Context(), "shop", c.name("x"))
			for _, label := range labels {
				if label != c.lives("x") {
					err = errors.Join(err, c.clients.beanstalk.DeleteVersion(t.Context(), "shop", label))
				}
			}
			if err != nil {
				t.Error(err)
			}
			return ""
		})
		c.artifact(call)
		if out := c.run("up", "--feature", "x"); out.code != 0 {
			t.Errorf("%s: %d, %s", call, out.code, out.stderr)
		}
	}
}

func TestWhatCantBeRemovedAgainIsAFailure(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	c.at(1, "CreateEnvironment", func() string { c.note("x", teardownOf); return "" })
	c.at(1, "TerminateEnvironment", func() string { return "AccessDenied" })
	out := c.run("up", "--feature", "x")
	if r, err := c.ledger.Read(t.Context(), c.name("x")); out.code != 1 || err != nil || r.Environment == "" {
		t.Errorf("it ends with %d, %s; the record is %+v, %v", out.code, out.stderr, r, err)
	}
	c.ok("down", "x")
}

func TestAWordInTheLedgerRemovesNothingThatWasThereBefore(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	c.ok("up", "--feature", "x")
	c.artifact("two")
	c.at(1, "UpdateEnvironment", func() string { c.note("x", teardownOf); return "" })
	if out := c.run("up", "--feature", "x", "--json"); out.code != 0 || !strings.Contains(out.stdout, deployed) || c.lives("x") == "" {
		t.Errorf("it ends with %d, %s%s; %q lives", out.code, out.stdout, out.stderr, c.lives("x"))
	}
}

func TestWhatIsKeptWhileItIsBeingTakenDownStays(t *testing.T) {
	for _, tt := range []struct {
		name, call string
		nth        int
		keep       func(*crossing)
	}{
		{"by its tag, when AWS refused", "TerminateEnvironment", 1, (*crossing).keepByTag},
		{"in the ledger, when AWS refused", "TerminateEnvironment", 1, func(c *crossing) { c.keepByTagUpdate("note", "x"); c.ok("keep", "x") }},
		{"in the ledger, after the lease was taken", "ListTagsForResource", 2, func(c *crossing) { c.ok("keep", "x") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrossing(t, localcloud.Config{UpdateTime: 300 * time.Millisecond})
			c.ok("up", "--feature", "x")
			c.at(tt.nth, tt.call, func() string { tt.keep(c); return "" })
			if out := c.run("down", "x"); out.code != 1 || !strings.Contains(out.stderr, "is kept") || c.lives("x") == "" {
				t.Errorf("it ends with %d, %s; %q lives", out.code, out.stderr, c.lives("x"))
			}
		})
	}
}

func (c *crossing) keepByTag() { c.keepByTagUpdate(envs.TagLifecycle, envs.Keep) }

// keepByTagUpdate writes a tag as the console does, which is an update of the environment.
func (c *crossing) keepByTagUpdate(key, value string) {
	e, err := c.clients.beanstalk.Find(c.Context(), c.name("x"))
	if err == nil {
		_, err = bare(c.cloud).UpdateTagsForResource(c.Context(), &elasticbeanstalk.UpdateTagsForResourceInput{
			ResourceArn: &e.ARN, TagsToAdd: []types.Tag{{Key: &key, Value: &value}},
		})
	}
	if err != nil {
		c.Error(err)
	}
}

func TestADownIsSupersededByAnUpThatWasAskedForLater(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	c.ok("up", "--feature", "x")
	ctx, name := t.Context(), c.name("x")
	lease, was, err := c.ledger.Take(ctx, name, ledger.Claim{Verb: "up"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan said, 1)
	go func() { ended <- c.run("down", "x") }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if r, err := c.ledger.Read(ctx, name); err == nil && r.Teardowns == was.Teardowns+1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it says nothing")
		}
	}
	later := func(r *ledger.Record) { r.Ran, r.Commit = r.Draw("later"), "later" }
	if err := lease.Release(ctx, later); err != nil {
		t.Fatal(err)
	}
	if out := <-ended; out.code != 0 || out.stdout != "" || c.lives("x") == "" {
		t.Errorf("it ends with %d, %s; %q lives", out.code, out.stderr, c.lives("x"))
	}
	c.ok("down", "x")
	if c.lives("x") != "" {
		t.Error("the next one doesn't remove it")
	}
}

// hurriedLedger is a ledger whose leases are looked after all the time.
func (c *crossing) hurried() *ledger.Ledger {
	l := *c.ledger
	l.Renewal = time.Millisecond
	return &l
}

func TestASessionWhoseTurnIsOverTakesAnother(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	d := toCloud(t, c.cloud, nil)
	d.ledger, d.checkout.Commit = c.hurried(), "abc"
	for range 2 {
		var r result
		err := d.inTurn(t.Context(), "up", &r, func(ctx context.Context) error {
			time.Sleep(5 * d.ledger.Renewal) // or nobody looks after the lease
			return d.beanstalk.CreateApplication(ctx, "another")
		}, func(*ledger.Record, error) {})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoHasSleptThroughItsLeaseTakesNothingAway(t *testing.T) {
	c := newCrossing(t, localcloud.Config{})
	d := toCloud(t, c.cloud, nil)
	d.ledger = c.hurried()
	label := c.version("x", []byte("bundle"))
	_, turn, err := d.take(t.Context(), d.ledger, d.name, ledger.Claim{Verb: "down"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	turn.stop()
	putRecord(t, c.plot, d.name, `{"counter":99,"lease":{"holder":"another","renewed":"2999-01-01T00:00:00Z"}}`)
	time.Sleep(5 * d.ledger.Renewal) // or nobody looks after the lease
	m := newRemoval(turn.session, envs.Env{Name: d.name, Application: "shop"}, d.ledger)
	if err := m.removeVersion(t.Context(), label, false, ledger.BundleKey(label, "zip")); !errors.Is(err, ledger.ErrLost) {
		t.Errorf("a bundle is deleted: %v", err)
	}
	if _, _, err := d.registry.Repository(t.Context(), d.repository(), ecr.Settings{}); err != nil {
		t.Fatal(err)
	}
	d.session = turn.session
	for _, err := range []error{d.untag(t.Context(), nil), m.removeImages(t.Context())} {
		if !errors.Is(err, ledger.ErrLost) {
			t.Errorf("tags are taken off: %v", err)
		}
	}
	if left, err := c.ledger.Bundles(t.Context(), d.name); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestDownWithoutWaitingWaitsForNoTermination(t *testing.T) {
	c := newCrossing(t, localcloud.Config{TerminateTime: time.Hour})
	c.ok("up", "--feature", "x")
	for range 2 {
		if text := c.ok("down", "x", "--no-wait", "--timeout", "30s"); !strings.Contains(text, "AWS is removing it") {
			t.Errorf("it says %q", text)
		}
	}
}

func TestALaterUpOfTheSameCommitIsNotUndone(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	d := toCloud(t, cloud, nil)
	start(t, cloud, d, "")
	e, err := d.beanstalk.Find(t.Context(), d.name)
	if err != nil {
		t.Fatal(err)
	}
	d.asked = ledger.Record{Ticket: 1, Asked: "abc"}
	d.record = ledger.Record{Ticket: 2, Asked: "abc", Ran: 2, Commit: "abc", Environment: e.ID, Version: e.Version, Counter: 9}
	mine := &bundle{label: envs.VersionLabel(d.name, strings.Repeat("a", 20))}
	now, outcome, err := d.apply(t.Context(), target{url: e.URL()}, mine, nil)
	if err != nil || outcome != unchanged || now.Version != e.Version {
		t.Errorf("apply = %s, %q, %v, want %s as it is", now.Version, outcome, err, e.Version)
	}
	rec := d.record
	if d.write(&rec, result{env: now, outcome: outcome}, mine, nil); rec.Ran != 2 || rec.Version != e.Version {
		t.Errorf("the ledger says %+v", rec)
	}
}
