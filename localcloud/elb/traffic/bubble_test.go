package traffic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/localcloud/pipes"
)

// fleet is instances that are HTTP servers behind pipes, so that a test's clock can be a false one.
type fleet struct {
	mu   sync.Mutex
	runs map[string]*pipes.Listener
}

// Dial implements Instances.
func (f *fleet) Dial(ctx context.Context, id string, _ int) (net.Conn, error) {
	f.mu.Lock()
	l := f.runs[id]
	f.mu.Unlock()
	if l == nil {
		return nil, ErrNotRunning
	}
	return l.Dial(ctx, "", "")
}

// run starts an instance that answers until the test ends or stop is called, which cuts its open
// requests.
func (f *fleet) run(t *testing.T, id string, h http.HandlerFunc) (stop func()) {
	t.Helper()
	l := pipes.Listen()
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runs == nil {
		f.runs = map[string]*pipes.Listener{}
	}
	f.runs[id] = l
	stop = func() { _ = server.Close() }
	t.Cleanup(stop)
	return stop
}

// says answers with the instance's name, after the time that the path asks for, such as /3s.
func says(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/")); err == nil {
			pause(r, d)
		}
		_, _ = io.WriteString(w, id)
	}
}

// pause waits, or until the client leaves.
func pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

var quick = Check{Path: "/", Interval: 5 * time.Second, Timeout: 2 * time.Second, Good: 2, Bad: 2, Codes: "200"}

// open starts a plane in a bubble.
func open(t *testing.T, c Config) *Plane {
	t.Helper()
	c.Now = time.Now
	c.Sleep = func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	p := New(c)
	t.Cleanup(p.Close)
	return p
}

// shop returns a table with one load balancer, whose port 80 forwards to the groups.
func shop(groups ...Group) Table {
	rule := Rule{}
	for _, g := range groups {
		rule.Forward = append(rule.Forward, Share{g.ID, 1})
	}
	return Table{Balancers: []Balancer{{Host: "shop", Listeners: []Listener{{Port: 80, Rules: []Rule{rule}}}}}, Groups: groups}
}

func targets(ids ...string) (all []Target) {
	for _, id := range ids {
		all = append(all, Target{Instance: id, Address: "10.0.0.1", Port: 80})
	}
	return all
}

func left(ts []Target, delay time.Duration) (all []Target) {
	for _, t := range ts {
		t.Deregistered, t.Until = time.Now(), time.Now().Add(delay)
		all = append(all, t)
	}
	return all
}

// ask sends a request through the plane's router and returns the status and the body.
func (p *Plane) ask(path string) string {
	r := httptest.NewRequest(http.MethodGet, "http://shop.localhost"+path, nil)
	w := httptest.NewRecorder()
	p.Router(http.NotFoundHandler()).ServeHTTP(w, r)
	body := w.Body.String()
	if w.Code != http.StatusOK {
		body = ""
	}
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", body))
}

// states returns the states of a group's targets and the reasons, such as "a:healthy".
func (p *Plane) states(group string) string {
	var all []string
	for _, h := range p.Health(group) {
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s:%s:%s", h.Instance, h.State, h.Reason), ":"))
	}
	return strings.Join(all, " ")
}

func inBubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
