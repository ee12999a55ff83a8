package envs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
)

func TestARequestIsSupersededByLaterOnes(t *testing.T) {
	requested := store.Record{RequestNumber: 3, Requested: "aaa", Removals: 1}
	for name, c := range map[string]struct {
		requested, now store.Record
		superseded     bool
	}{
		"nothing has happened":                            {requested, requested, false},
		"an earlier request was deployed":                 {requested, store.Record{RequestNumber: 3, Requested: "aaa", Removals: 1, Deployed: 2, Commit: "bbb"}, false},
		"a later request of another commit":               {requested, store.Record{RequestNumber: 4, Requested: "bbb", Removals: 1}, true},
		"a later request of the same commit":              {requested, store.Record{RequestNumber: 4, Requested: "aaa", Removals: 1}, false},
		"a later request of an unknown commit":            {store.Record{RequestNumber: 3}, store.Record{RequestNumber: 4}, true},
		"a later request of the same commit was deployed": {requested, store.Record{RequestNumber: 4, Requested: "aaa", Removals: 1, Deployed: 4, Commit: "aaa"}, false},
		"another commit between two of the same":          {requested, store.Record{RequestNumber: 5, Requested: "aaa", Removals: 1, Deployed: 4, Commit: "bbb"}, true},
		"the same commit, each time with changes":         {store.Record{RequestNumber: 3, Requested: "aaa+dirty"}, store.Record{RequestNumber: 4, Requested: "aaa+dirty"}, true},
		"the same commit, the later one with changes":     {requested, store.Record{RequestNumber: 4, Requested: "aaa+dirty", Removals: 1}, true},
		"the feature was taken down":                      {requested, store.Record{RequestNumber: 3, Requested: "aaa", Removals: 2}, true},
		"taken down and requested again":                  {requested, store.Record{RequestNumber: 4, Requested: "aaa", Removals: 2}, true},
		"the record was lost":                             {requested, store.Record{}, false},
		"the record was lost and another request came":    {requested, store.Record{RequestNumber: 1, Requested: "bbb"}, false},
	} {
		err := supersededBy(c.requested, c.now)
		if _, late := errors.AsType[*SupersededError](err); late != c.superseded || (err != nil) != c.superseded {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheOwnerOfALeaseIsOneLine(t *testing.T) {
	for want, owner := range map[string]store.LeaseOwner{
		"up by jenkins-shop-7": {Verb: "up", By: "jenkins-shop-7"},
		"up":                   {Verb: "up"},
		"another run":          {},
		"up by a b":            {Verb: "up", By: "\x1b[31ma\nb\x1b[0m"},
	} {
		if got := Owner(owner); got != want {
			t.Errorf("Owner(%+v) = %q, want %q", owner, got, want)
		}
	}
}

func TestLastWordsEndSoonAfterTheDeadline(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, at, limit, want time.Duration // want is when the last words end; no timeout is 0
	}{
		"without a deadline":            {0, 5 * time.Second, time.Minute, 65 * time.Second},
		"before the deadline":           {30 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second},
		"shortly before the deadline":   {30 * time.Second, 29 * time.Second, time.Minute, 40 * time.Second},
		"after the deadline":            {30 * time.Second, 31 * time.Second, time.Minute, 40 * time.Second},
		"when all the overtime is over": {30 * time.Second, 50 * time.Second, time.Minute, 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if test.timeout > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), test.timeout)
				}
				defer cancel()
				started := time.Now()
				time.Sleep(test.at)
				cancel()
				last, stop := lastWords(ctx, test.limit, overtime)
				defer stop()
				if test.want > test.at && last.Err() != nil {
					t.Fatalf("they end with what is over: %v", last.Err())
				}
				<-last.Done()
				if got := time.Since(started); got != test.want || !errors.Is(last.Err(), context.DeadlineExceeded) {
					t.Errorf("they end after %s (%v), want %s", got, last.Err(), test.want)
				}
			})
		})
	}
}

// hurry has the Manager look after its leases all the time.
func (p *plot) hurry() {
	p.Helper()
	s := *p.store()
	s.Renewal = time.Millisecond
	p.manager.store = func(context.Context) (*store.Store, error) { return &s, nil }
}

// loseLease gives the lease of the named environment to another process, as if this one had slept for
// longer than a lease lasts.
func (p *plot) loseLease(name string) {
	p.Helper()
	p.putRecord(name, `{"counter":99,"lease":{"holder":"another","renewed":"2999-01-01T00:00:00Z"}}`)
	time.Sleep(5 * time.Millisecond) // longer than the interval of renewals: the next check reads the record
}

func TestEveryChangeAsksForTheLease(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created).Env
	p.hurry()
	held, _, err := p.store().Take(t.Context(), e.Name, store.LeaseRequest{Verb: "up"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := p.manager.changing(p.store(), held.Ensure)
	p.loseLease(e.Name)
	copied, err := p.manager.beanstalk.Copy(t.Context(), "shop", e.Name)
	if err != nil {
		t.Fatal(err)
	}
	before := len(p.cloud.Calls())
	change := beanstalk.Difference{Set: []beanstalk.Setting{{Namespace: "aws:elasticbeanstalk:application:environment", Name: "A", Value: "b"}}}
	launch := beanstalk.Launch{Name: e.Name, Application: "shop", Version: e.Version, Base: beanstalk.Base{Platform: "arn"}}
	fromCopy := launch
	fromCopy.Base = beanstalk.Base{Copy: copied}
	for name, call := range map[string]func(context.Context) error{
		"launch": func(ctx context.Context) error { _, err := l.beanstalk.Launch(ctx, launch); return err },
		"launch from a copy": func(ctx context.Context) error {
			_, err := l.beanstalk.Launch(ctx, fromCopy)
			return err
		},
		"deploy": func(ctx context.Context) error {
			_, err := l.beanstalk.Deploy(ctx, e, "another", "x @ abc")
			return err
		},
		"configure": func(ctx context.Context) error {
			_, err := l.beanstalk.Update(ctx, e, beanstalk.Update{Settings: change})
			return err
		},
		"terminate": func(ctx context.Context) error { _, err := l.beanstalk.Terminate(ctx, e); return err },
		"rebuild":   func(ctx context.Context) error { _, err := l.beanstalk.Rebuild(ctx, e); return err },
		"abort":     func(ctx context.Context) error { return l.beanstalk.Abort(ctx, e) },
		"register": func(ctx context.Context) error {
			_, err := l.beanstalk.Register(ctx, beanstalk.Version{Application: "shop", Label: "another", Bucket: "b", Key: "key"})
			return err
		},
		"create an application": func(ctx context.Context) error { return l.beanstalk.CreateApplication(ctx, "another") },
		"delete a version":      func(ctx context.Context) error { return l.beanstalk.DeleteVersion(ctx, "shop", e.Version) },
		"untag an image":        func(ctx context.Context) error { _, err := l.images.Untag(ctx, "shop", []string{"live"}); return err },
		"upload a bundle": func(ctx context.Context) error {
			return l.bundles.Upload(ctx, "beansprout/bundles/x.zip", strings.NewReader("x"), 1, strings.Repeat("0", 64))
		},
		"delete a bundle": func(ctx context.Context) error { return l.bundles.DeleteBundle(ctx, "beansprout/bundles/x.zip") },
	} {
		if err := call(t.Context()); !errors.Is(err, store.ErrLost) {
			t.Errorf("%s without the lease: %v", name, err)
		}
	}
	for _, c := range p.cloud.Calls()[before:] {
		reads := c.Service == "elasticbeanstalk" && (strings.HasPrefix(c.Action, "Describe") || strings.HasPrefix(c.Action, "List")) || c.Service == "s3" && (c.Action == "GetObject" || c.Action == "HeadObject")
		if !reads {
			t.Errorf("%s %s reached the cloud", c.Service, c.Action)
		}
	}
}

func TestADeployThatLosesItsLeaseChangesNothingMore(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.hurry()
	p.before(1, "CreateApplicationVersion", func() string { p.loseLease(e.Name); return "" })
	before := len(p.cloud.Calls())
	_, err := p.manager.Deploy(t.Context(), deployment("x", "two"), Options{})
	if !errors.Is(err, store.ErrLost) {
		t.Errorf("Deploy: %v", err)
	}
	if sent := p.changesSince(before); len(sent) > 1 { // the call that was on its way
		t.Errorf("%q reached the cloud", sent)
	}
}

// news collects what an announcer is told.
type news struct {
	mu  sync.Mutex
	all []News
}

func (n *news) Announce(_ context.Context, ref MessageRef, what News) (MessageRef, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, what)
	return MessageRef{Channel: "C", Timestamp: "1"}, nil
}

func (n *news) states() (states []NewsState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, what := range n.all {
		states = append(states, what.State)
	}
	return states
}

func TestAnnouncersAndTheRecordAreToldHowADeployEnds(t *testing.T) {
	heard := &news{}
	refuse := false
	pretend := &engine.Pretend{Outcome: func(engine.Deployment) error {
		if refuse {
			return engine.Fail("the token geheim is wrong")
		}
		return nil
	}}
	p := newPlot(t, localcloud.Config{Pretend: pretend}, func(c *Config) {
		c.Announcers = map[string]Announcer{"Slack": heard}
		c.Mask = func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }
	})
	e := p.deployed(deployment("x", "one"), Created)
	refuse = true
	r, err := p.manager.Deploy(t.Context(), deployment("x", "two"), Options{})
	if _, failed := errors.AsType[*beanstalk.Failure](err); !failed || r.Environment.ID != e.ID {
		t.Errorf("Deploy: %+v, %v", r, err)
	}
	if got := heard.states(); len(got) != 4 || got[0] != NewsBuilding || got[1] != NewsReady || got[2] != NewsBuilding || got[3] != NewsFailed {
		t.Fatalf("announced: %v", got)
	}
	ready, broken := heard.all[1], heard.all[3]
	if ready.URL != e.URL() || ready.Owner != "Kim" || !ready.Expires.Equal(e.Expires) || ready.Environment != testRegion+"/"+e.Name {
		t.Errorf("ready: %+v", ready)
	}
	if strings.Contains(broken.Reason, "geheim") || !strings.Contains(broken.Reason, "***") || broken.Commit != "two" {
		t.Errorf("failed: %+v", broken)
	}
	rec, err := p.store().Read(t.Context(), e.Name)
	if err != nil || rec.Outcome.Result != failed || strings.Contains(rec.Outcome.Reason, "geheim") || rec.Lease != nil || rec.Version != e.Version || rec.Message.Channel != "C" {
		t.Errorf("the record says %+v, %v", rec, err)
	}
}

// waiting is a source whose images are made when the deploy ends.
type waiting struct {
	archive
	began chan struct{}
}

func (s waiting) Images(ctx context.Context, _ Target) ([]Image, error) {
	close(s.began)
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAnInterruptionIsRecordedAndAnnounced(t *testing.T) {
	errOver := errors.New("the time is over")
	for name, tt := range map[string]struct {
		end    func(context.Context) (context.Context, context.CancelFunc)
		result string
		err    error
	}{
		"interrupted": {context.WithCancel, interrupted, context.Canceled},
		"out of time": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 20*time.Second, errOver)
		}, failed, errOver},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &news{}
			p := newPlot(t, localcloud.Config{}, func(c *Config) { c.Announcers = map[string]Announcer{"Slack": heard} })
			ctx, cancel := tt.end(t.Context())
			defer cancel()
			request, began := deployment("x", "one"), make(chan struct{})
			request.Source = waiting{archive{"one"}, began}
			if tt.err == context.Canceled {
				go func() {
					<-began
					for len(heard.states()) == 0 {
						time.Sleep(10 * time.Millisecond)
					}
					cancel()
				}()
			}
			if _, err := p.manager.Deploy(ctx, request, Options{}); !errors.Is(err, tt.err) {
				t.Errorf("Deploy: %v", err)
			}
			if got := heard.states(); len(got) != 2 || got[1] != NewsFailed {
				t.Errorf("announced: %v", got)
			}
			rec, err := p.store().Read(t.Context(), p.name("x"))
			if err != nil || rec.Outcome == nil || rec.Outcome.Result != tt.result || rec.Outcome.RequestNumber != rec.RequestNumber {
				t.Errorf("the record says %+v, %v", rec.Outcome, err)
			}
		})
	}
}

func TestAnInterruptedDeployIsAbortedWithTheRightToDoSo(t *testing.T) {
	t.Parallel()
	const right = "elasticbeanstalk:AbortEnvironmentUpdate"
	for name, tt := range map[string]struct {
		denied []string
		aborts bool // the environment ends with what it ran before
	}{"allowed": {nil, true}, "denied": {[]string{right}, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlot(t, localcloud.Config{UpdateTime: 20 * time.Second, Denied: tt.denied}, nil)
			e := p.deployed(deployment("x", "one"), Created)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			request := deployment("x", "two")
			request.AbortOnCancel = true
			p.before(1, "DescribeEvents", func() string { cancel(); return "" })
			var said told
			if _, err := p.manager.Deploy(ctx, request, said.options()); !errors.Is(err, context.Canceled) {
				t.Errorf("Deploy: %v", err)
			}
			now, err := p.manager.Get(t.Context(), "shop", "x")
			if aborted := now.State == Ready && now.Version == e.Version; err != nil || aborted != tt.aborts {
				t.Errorf("it is %+v, %v; said: %s", now, err, said.String())
			}
			if rec := now.Own(); rec.Lease != nil || rec.Outcome.Result != interrupted {
				t.Errorf("the record says %+v", rec)
			}
			if told := strings.Contains(said.String(), right); told == tt.aborts {
				t.Errorf("said: %s", said.String())
			}
			if !slices.ContainsFunc(p.cloud.Calls(), func(e localcloud.Entry) bool { return e.Right() == right }) {
				t.Errorf("nothing needed %s", right)
			}
		})
	}
}

func TestACheckAsksTheURL(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	request := deployment("x", "one")
	request.Check = HealthCheck{Path: "/", Timeout: time.Minute}
	p.deployed(request, Created)
	request.Check = HealthCheck{Accepts: func(status int) bool { return status == 418 }, Want: "418", Timeout: 5 * time.Second}
	for _, content := range []string{"one", "two"} { // unchanged, and deployed
		request.Source = archive{content}
		r, err := p.manager.Deploy(t.Context(), request, Options{})
		if _, ok := errors.AsType[*CheckError](err); !ok || !strings.Contains(err.Error(), "want status 418 within 5s; after that it answers 200 OK") || r.Environment.ID == "" {
			t.Errorf("%s: %+v, %v", content, r, err)
		}
	}
}
