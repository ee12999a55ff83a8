package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud"
)

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
	calls sync.WaitGroup // that are at the cloud

	mu    sync.Mutex
	names []string // of the calls of this run
	at    int      // the call to die at, counted from 1; 0 = none
	when  moment
	kill  func()
	dead  bool
}

func newGate(t testing.TB, cloud *localcloud.Cloud) *gate {
	t.Helper()
	target, err := url.Parse(cloud.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{cloud: target}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

// arm starts the count for a run, and names the call to die at.
func (g *gate) arm(at int, when moment) {
	g.calls.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
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
	g.names = append(g.names, callName(r, body))
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
	for ; g.kill == nil; g.mu.Lock() { // it has been started, and whoever did so is about to tell
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

// ServeHTTP hands a call on, and its answer back.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.calls.Add(1)
	defer g.calls.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	doomed, refused := g.enter(r, body)
	if refused {
		panic(http.ErrAbortHandler)
	}
	answer, text, err := g.ask(r, body)
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

func (g *gate) ask(r *http.Request, body []byte) (*http.Response, []byte, error) {
	on := r.Clone(r.Context())
	on.RequestURI, on.URL.Scheme, on.URL.Host = "", g.cloud.Scheme, g.cloud.Host // the signature is over r.Host
	on.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := http.DefaultTransport.RoundTrip(on)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

// callName is what a call is: an action, or what is done to which sort of object.
func callName(r *http.Request, body []byte) string {
	form, _ := url.ParseQuery(string(body))
	_, target, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return cmp.Or(target, form.Get("Action"), r.Method+" "+path.Base(path.Dir(r.URL.Path)))
}

// journey is something that the binary does to a cloud.
type journey struct {
	name   string
	before func(*lab) // what was there
	args   func(*lab) []string
}

var journeys = []journey{
	{"launch", func(*lab) {}, func(l *lab) []string { return l.up() }},
	{"deploy", func(l *lab) { l.must(l.up()...); l.edit("web/page", "one", "two") }, func(l *lab) []string { return l.up() }},
	{"configure", func(l *lab) { l.must(l.up()...); l.edit("beansprout.yaml", "MODE: one", "MODE: two") }, func(l *lab) []string { return l.up() }},
	{"down", func(l *lab) { l.must(l.up()...) }, func(l *lab) []string { return l.down() }},
}

// transition is long enough for a second run to meet what the first one began.
const transition = 300 * time.Millisecond

func (j journey) begin(t testing.TB) (*lab, *gate) {
	l := newLab(t, localcloud.Config{CreateTime: transition, UpdateTime: transition, TerminateTime: transition})
	g := newGate(t, l.cloud)
	l.through(g.URL)
	j.before(l)
	return l, g
}

// TestKilledAnywhere kills the binary at every call of every journey, before it is sent,
// before it is answered, and before the answer is acted on, and runs it again: then the cloud
// holds what it holds without the kill. A sample, unless it is a soak.
func TestKilledAnywhere(t *testing.T) {
	needEngine(t)
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			calls, want := j.undisturbed(t)
			t.Logf("%d calls, %d points: %v", len(calls), len(calls)*len(moments), calls)
			for i := range len(calls) * len(moments) {
				if !soak() && i%7 != len(j.name)%7 {
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
	l.must(j.args(l)...)
	return g.names, l.holdings()
}

// patience is far below the 60 seconds for which a dead holder's lease lasts elsewhere.
const patience = 40 * time.Second

func (j journey) killed(t *testing.T, at int, when moment, want string) {
	l, g := j.begin(t)
	g.arm(at, when)
	first := l.run(l.command(j.args(l)), g.hold)
	if at := g.struck(); at == "" {
		t.Logf("it came to its end before: %v", first)
	}
	g.arm(0, "")
	again := append(j.args(l), "--timeout", patience.String())
	last := l.run(l.command(again), nil)
	if last.code != 0 {
		t.Logf("the first run after the kill: %v", last)
		last = l.run(l.command(again), nil)
	}
	if last.code != 0 {
		t.Fatalf("killed, and run again twice: %v", last)
	}
	if got := l.holdings(); got != want {
		t.Errorf("%v\nafter the kill the cloud holds other things (-) than without (+):\n%s", last, difference(got, want))
	}
}

// difference returns the lines that only one of the texts has.
func difference(got, want string) string {
	var b strings.Builder
	for _, side := range []struct{ sign, these, others string }{{"-", got, want}, {"+", want, got}} {
		for line := range strings.Lines(side.these) {
			if strings.Count(side.these, line) != strings.Count(side.others, line) {
				b.WriteString(side.sign + line)
			}
		}
	}
	return b.String()
}
