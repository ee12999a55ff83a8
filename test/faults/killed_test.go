package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

func TestMain(m *testing.M) { lab.Main(m) }

// A moment of a call at which a program can die.
type moment string

const (
	beforeSent moment = "before it is sent"
	unanswered moment = "sent, unanswered"
	unrecorded moment = "answered, not recorded"
)

var moments = []moment{beforeSent, unanswered, unrecorded}

// gate stands between the binary and the cloud. It counts the calls, and kills the binary
// at one of them.
type gate struct {
	*httptest.Server
	cloud *url.URL

	mu    sync.Mutex
	calls int        // that are at the cloud
	idle  *sync.Cond // there are none
	names []string   // of the calls of this run
	at    int        // the call to die at, counted from 1; 0 = none
	when  moment
	kill  func()
	dead  bool
}

func newGate(t testing.TB, cloud *localcloud.Cloud) *gate {
	t.Helper()
	target, err := url.Parse(cloud.Endpoint())
	must.Succeed(t, err)
	g := &gate{cloud: target}
	g.idle = sync.NewCond(&g.mu)
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

// arm starts the count for a run, and names the call to die at.
func (g *gate) arm(at int, when moment) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.calls > 0 {
		g.idle.Wait()
	}
	g.names, g.at, g.when, g.kill, g.dead = nil, at, when, nil, false
}

// hold tells whom to kill.
func (g *gate) hold(p *os.Process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kill = func() { _ = p.Kill() }
}

// struck names the call at which the binary was killed, "" when it came to its end before.
func (g *gate) struck() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.dead {
		return ""
	}
	return g.names[g.at-1]
}

// enter counts a call and says what becomes of it.
func (g *gate) enter(r *http.Request, body []byte) (doomed, refused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead || strings.HasPrefix(r.URL.Path, "/_") { // the question whether the cloud runs is no call
		return false, g.dead
	}
	g.names = append(g.names, lab.CallName(r, body))
	if len(g.names) != g.at {
		return false, false
	}
	if g.when == beforeSent {
		g.end()
	}
	return true, g.dead
}

// end kills the binary; the lock is held.
func (g *gate) end() {
	for ; g.kill == nil; g.mu.Lock() { // the process has been started, and hold is about to be called
		g.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	g.kill()
	g.dead = true
}

func (g *gate) die() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end()
}

// count counts a call that has come, or has been answered. One may come at any time, also of a binary that is dead.
func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls += n; g.calls == 0 {
		g.idle.Broadcast()
	}
}

// ServeHTTP hands a call on, and its answer back.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.count(1)
	defer g.count(-1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	doomed, refused := g.enter(r, body)
	if refused {
		panic(http.ErrAbortHandler)
	}
	answer, text, err := lab.Forward(g.cloud, r, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if doomed && g.when == unanswered {
		g.die()
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
	if doomed {
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * time.Millisecond)
		g.die()
	}
}

// journey is something that the binary does to a cloud.
type journey struct {
	name   string
	before func(*lab.Lab) // what was there
	args   func(*lab.Lab) []string
}

var journeys = []journey{
	{"launch", func(*lab.Lab) {}, func(l *lab.Lab) []string { return l.Up() }},
	{"deploy", func(l *lab.Lab) { l.Must(l.Up()...); l.Edit("web/page", "one", "two") }, func(l *lab.Lab) []string { return l.Up() }},
	{"configure", func(l *lab.Lab) { l.Must(l.Up()...); l.Edit("beansprout.yaml", "MODE: one", "MODE: two") }, func(l *lab.Lab) []string { return l.Up() }},
	{"down", func(l *lab.Lab) { l.Must(l.Up()...) }, func(l *lab.Lab) []string { return l.Down() }},
}

// transition is long enough for a second run to meet what the first one began.
const transition = 300 * time.Millisecond

func (j journey) begin(t testing.TB) (*lab.Lab, *gate) {
	l := lab.New(t, localcloud.Config{CreateTime: transition, UpdateTime: transition, TerminateTime: transition})
	g := newGate(t, l.Cloud)
	l.Through(g.URL)
	j.before(l)
	return l, g
}

// TestKilledAnywhere kills the binary at every call of every journey, before it is sent,
// before it is answered, and before the answer is acted on, and runs it again: then the cloud
// holds what it holds without the kill. A sample, unless it is a soak.
func TestKilledAnywhere(t *testing.T) {
	lab.NeedEngine(t)
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			calls, want := j.undisturbed(t)
			t.Logf("%d calls, %d points: %v", len(calls), len(calls)*len(moments), calls)
			for i := range len(calls) * len(moments) {
				if !lab.Soak() && i%7 != len(j.name)%7 {
					continue
				}
				at, when := i/len(moments)+1, moments[i%len(moments)]
				t.Run(fmt.Sprintf("%02d %s %s", at, calls[at-1], when), func(t *testing.T) {
					t.Parallel()
					j.killed(t, at, when, want)
				})
			}
		})
	}
}

// undisturbed goes the whole way, and returns its calls and what the cloud holds then.
func (j journey) undisturbed(t *testing.T) (calls []string, want string) {
	l, g := j.begin(t)
	g.arm(0, "")
	l.Must(j.args(l)...)
	return g.names, l.Holdings()
}

func (j journey) killed(t *testing.T, at int, when moment, want string) {
	l, g := j.begin(t)
	g.arm(at, when)
	first := l.Run(l.Command(j.args(l)), g.hold)
	if at := g.struck(); at == "" {
		t.Logf("it came to its end before: %v", first)
	}
	g.arm(0, "")
	again := append(j.args(l), "--timeout", "4m")
	last := l.Run(l.Command(again), nil)
	if strings.Contains(last.Stderr, "waiting for it to end") { // the lease of a process that is dead is free
		t.Errorf("it waits for the one that was killed: %v", last)
	}
	if last.Code != 0 {
		t.Logf("the first run after the kill: %v", last)
		last = l.Run(l.Command(again), nil)
	}
	if last.Code != 0 {
		t.Fatalf("killed, and run again twice: %v", last)
	}
	if got := l.Holdings(); got != want {
		t.Errorf("%v\nafter the kill the cloud holds other things (-) than without (+):\n%s", last, lab.Difference(got, want))
	}
}
