package board

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// listener is a client of the stream. It implements http.ResponseWriter, and the methods that its controller uses.
type listener struct {
	header http.Header
	stop   func()

	mu       sync.Mutex
	status   int
	received strings.Builder
	deadline time.Time
	stalled  bool // takes nothing
	ended    bool
}

// listen opens a stream.
func (p *plot) listen(t *testing.T, path string, headers ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	l := &listener{header: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.mux.ServeHTTP(l, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ended = true
	}()
	l.stop = func() { cancel(); <-done }
	t.Cleanup(l.stop)
	return l
}

func (l *listener) Header() http.Header { return l.header }

func (l *listener) WriteHeader(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled {
		until := l.deadline
		l.mu.Unlock()
		time.Sleep(time.Until(until))
		l.mu.Lock()
		return 0, os.ErrDeadlineExceeded
	}
	return l.received.Write(b)
}

func (l *listener) FlushError() error { return nil }

func (l *listener) SetReadDeadline(time.Time) error { return nil }

func (l *listener) SetWriteDeadline(d time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = d
	return nil
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received.String()
}

func (l *listener) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// changes returns the events "rows" that have come.
func (l *listener) changes(t *testing.T) []change {
	t.Helper()
	var all []change
	for block := range strings.SplitSeq(l.text(), "\n\n") {
		if _, data, ok := strings.Cut(block, "event: rows\ndata: "); ok {
			var c change
			if err := json.Unmarshal([]byte(data), &c); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	return all
}

func TestAChangeIsSentWithTheReadingThatFoundIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"), environment("search"))
		since := p.reading(t)
		time.Sleep(time.Second) // between two readings
		l := p.listen(t, "/changes?since="+since)
		time.Sleep(10 * interval)
		if got := l.changes(t); len(got) != 0 {
			t.Fatalf("nothing has changed, and sent was %v", got)
		}
		login := environment("login")
		login.State, login.Health = envs.Updating, "Grey"
		p.set(func(c *cloud) { c.snapshot.Environments = []envs.Environment{login} })
		time.Sleep(interval)
		got := l.changes(t)
		if len(got) != 1 || len(got[0].Rows) != 1 || got[0].Rows[0].Key != "shop/shop-login" || len(got[0].Gone) != 1 || got[0].Gone[0] != "shop/shop-search" {
			t.Fatalf("the changes are %+v", got)
		}
		page := p.get(t, "/").Body.String()
		if !strings.Contains(page, got[0].Rows[0].HTML) || !strings.Contains(page, got[0].Head) {
			t.Errorf("the page differs from what was sent: %s", page)
		}
		if p.reading(t) != got[0].Reading {
			t.Errorf("the reading of the change is %s, that of the page %s", got[0].Reading, p.reading(t))
		}
	})
}

// reading returns the reading that a page goes on from.
func (p *plot) reading(t *testing.T) string {
	t.Helper()
	_, after, _ := strings.Cut(p.get(t, "/").Body.String(), `data-reading="`)
	reading, _, ok := strings.Cut(after, `"`)
	if !ok {
		t.Fatal("the page has no reading")
	}
	return reading
}

func TestTimeAloneIsNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := environment("login")
		e.Expires = time.Time{}
		p := newPlot(t, Config{}, e)
		l := p.listen(t, "/changes?since="+p.reading(t))
		time.Sleep(time.Hour)
		if got := l.changes(t); len(got) != 0 {
			t.Errorf("%d changes were sent as time went by", len(got))
		}
		if page := p.get(t, "/").Body.String(); !strings.Contains(page, ">3h ago") {
			t.Errorf("the page shows an old age: %s", page)
		}
	})
}

func TestAClientThatComesBackGetsWhatItLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"), environment("search"), environment("cart"))
		first := p.reading(t)
		time.Sleep(time.Second) // between two readings
		p.listen(t, "/changes")
		for _, owner := range []string{"Ann", "Bob"} {
			login := environment("login")
			login.Owner = owner
			p.set(func(c *cloud) { c.snapshot.Environments[0] = login })
			time.Sleep(interval)
		}
		for _, tt := range []struct {
			name, path string
			headers    []string
			rows       int
			reload     bool
		}{
			{name: "the query", path: "/changes?since=" + first, rows: 1},
			{name: "the header", path: "/changes?since=other-1", headers: []string{"Last-Event-ID", first}, rows: 1},
			{name: "nothing", path: "/changes"},
			{name: "the present", path: "/changes?since=" + p.reading(t)},
			{name: "another process", path: "/changes?since=other-1", reload: true},
			{name: "the future", path: "/changes?since=" + p.board.hub.state.epoch + "-99", reload: true},
			{name: "no number", path: "/changes?since=%00%ff-", reload: true},
		} {
			l := p.listen(t, tt.path, tt.headers...)
			synctest.Wait()
			rows := 0
			for _, c := range l.changes(t) {
				rows += len(c.Rows)
			}
			if reload := strings.Contains(l.text(), "event: reload"); rows != tt.rows || reload != tt.reload {
				t.Errorf("%s: %d rows, reload %v: %s", tt.name, rows, reload, l.text())
			}
			l.stop()
		}
	})
}

func TestASlowClientHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		slow, quick := p.listen(t, "/changes"), p.listen(t, "/changes")
		time.Sleep(time.Second)
		slow.mu.Lock()
		slow.stalled = true
		slow.mu.Unlock()
		for n := range 10 {
			login := environment("login")
			login.Owner = fmt.Sprintf("Owner %d", n)
			p.set(func(c *cloud) { c.snapshot.Environments = []envs.Environment{login} })
			time.Sleep(interval)
		}
		for n := range 10 {
			if !strings.Contains(quick.text(), fmt.Sprintf("Owner %d", n)) {
				t.Errorf("change %d has not reached the quick client", n)
			}
		}
		if !slow.over() {
			t.Error("a client that takes nothing is not dropped")
		}
	})
}

func TestStreamsEndWithTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{snapshot: envs.Snapshot{}}
		p := &plot{cloud: c, board: New(Config{Sources: []Source{c.source()}}), mux: http.NewServeMux()}
		p.board.Routes(p.mux)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); p.board.Run(ctx) }()
		l := p.listen(t, "/changes?feature=shop/none")
		synctest.Wait()
		stop()
		<-done
		synctest.Wait()
		if !l.over() {
			t.Error("a stream goes on after the board has ended")
		}
		if w := p.get(t, "/"); w.Code != http.StatusOK {
			t.Errorf("a page answers %d then", w.Code)
		}
	})
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		var one *listener
		for range streamLimit {
			one = p.listen(t, "/changes")
		}
		synctest.Wait()
		if w := p.get(t, "/changes"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("one more is answered %d", w.Code)
		}
		one.stop()
		l := p.listen(t, "/changes")
		synctest.Wait()
		if l.over() {
			t.Error("after one has ended another is refused")
		}
	})
}

func TestSilentStreamsBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{})
		l := p.listen(t, "/changes")
		time.Sleep(time.Minute)
		if n := strings.Count(l.text(), "event: alive\ndata: {}\n\n"); n < 3 {
			t.Errorf("%d signs of life in a minute: %q", n, l.text())
		}
	})
}

func TestEventsComeWhileSomethingIsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := environment("login")
		login.State = envs.Updating
		p := newPlot(t, Config{}, login)
		p.get(t, "/")
		var all []*listener
		for range 8 {
			all = append(all, p.listen(t, "/changes?feature=shop/shop-login&feature=shop/none"))
		}
		time.Sleep(time.Second)
		p.set(func(c *cloud) {
			c.events = []beanstalk.Event{{Time: midnight, Severity: "ERROR", Message: "Instance i-1: disk full"}}
		})
		time.Sleep(2 * interval)
		for _, l := range all {
			if n := strings.Count(l.text(), "event: feature"); n != 2 || strings.Count(l.text(), "disk full") != 1 {
				t.Fatalf("an open page got %d times its feature: %s", n, l.text())
			}
		}
		p.set(func(c *cloud) { c.queried = 0 })
		time.Sleep(10 * interval)
		if p.set(func(*cloud) {}); p.queried < 8 || p.queried > 12 {
			t.Errorf("AWS was asked for events %d times in ten intervals, for eight pages", p.queried)
		}
		login = environment("login")
		p.set(func(c *cloud) { c.snapshot.Environments, c.queried = []envs.Environment{login}, 0 })
		time.Sleep(10 * time.Minute)
		if p.set(func(*cloud) {}); p.queried < 8 || p.queried > 14 {
			t.Errorf("AWS was asked for events %d times in ten minutes at rest", p.queried)
		}
	})
}

func TestALeaseIsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := environment("login")
		login.Record.Lease = &store.LeaseOwner{Verb: "up", By: "ann@laptop", Renewed: midnight.Add(-time.Minute)}
		stale := environment("stale")
		stale.Record.Lease = &store.LeaseOwner{Verb: "down", By: "bob@laptop", Renewed: midnight.Add(-time.Hour)}
		p := newPlot(t, Config{}, login, stale)
		page := p.get(t, "/").Body.String()
		if !strings.Contains(page, "up by ann@laptop") || strings.Contains(page, "bob@laptop") {
			t.Errorf("the page is %s", page)
		}
	})
}

// A server's limits for requests must not end a stream, nor its end leave one behind.
func TestStreamsOutliveTheServersLimits(t *testing.T) {
	p := newPlot(t, Config{}, environment("login"))
	server := httptest.NewUnstartedServer(p.mux)
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout, server.Config.WriteTimeout = 200*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL + "/changes?since=other-1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	end := time.Now().Add(time.Second)
	text := make([]byte, 1<<16)
	n, err := resp.Body.Read(text)
	if err != nil || !strings.HasPrefix(string(text[:n]), "retry:") {
		t.Fatalf("the stream begins with %q: %v", text[:n], err)
	}
	time.Sleep(time.Until(end))
	login := environment("login")
	login.Owner = "Ann"
	p.set(func(c *cloud) { c.snapshot.Environments = []envs.Environment{login} })
	p.board.Changed()
	var all strings.Builder
	for !strings.Contains(all.String(), "Ann") {
		n, err := resp.Body.Read(text)
		if all.Write(text[:n]); err != nil {
			t.Fatalf("the stream ended: %v: %s", err, all.String())
		}
	}
}
