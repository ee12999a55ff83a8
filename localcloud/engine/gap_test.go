package engine

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// seen is one answer that a client got.
type seen struct {
	asked, answered time.Time
	status          int
	version         string
}

// hammer sends requests of many clients to a URL until stop is called, which returns their answers.
// await returns when one of them has got a version.
func hammer(t *testing.T, get func(path string) (int, string)) (await func(version string), stop func() []seen) {
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var mu sync.Mutex
	var all []seen
	for range 16 {
		clients.Go(func() {
			for ctx.Err() == nil {
				s := seen{asked: time.Now()}
				var text string
				s.status, text = get("/")
				s.answered = time.Now()
				if s.status == http.StatusOK {
					s.version, _, _ = strings.Cut(strings.TrimPrefix(text, "version="), " ")
				}
				mu.Lock()
				all = append(all, s)
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	saw := func(version string) bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.ContainsFunc(all, func(s seen) bool { return s.version == version })
	}
	await = func(version string) {
		for !saw(version) && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}
	return await, func() []seen {
		cancel()
		clients.Wait()
		return all
	}
}

func TestGapAnswers503BetweenTwoVersions(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Gap: true})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	var together atomic.Bool
	watched := watchGenerations(t, e, &together)
	await, stop := hammer(t, get)
	await("v1")
	if err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(object{"command": []string{"late=300ms"}}))); err != nil {
		t.Fatal(err)
	}
	await("v2")
	all := stop()
	watched()
	if together.Load() {
		t.Error("two generations ran side by side")
	}
	count, closed, reopened := tally(t, all)
	for _, what := range []string{"v1", "gap", "v2"} {
		if count[what] == 0 {
			t.Errorf("no client saw %s: %v", what, count)
		}
	}
	for _, s := range all {
		if s.version == "v1" && s.asked.After(closed) || s.version == "" && s.asked.After(reopened) {
			t.Fatalf("a client saw %d %q, asked %s after the gap began and %s after it ended", s.status, s.version, s.asked.Sub(closed), s.asked.Sub(reopened))
		}
	}
	t.Logf("answers: %v", count)
}

// tally counts the answers, and returns when the first 503 and the first v2 had arrived.
func tally(t *testing.T, all []seen) (count map[string]int, closed, reopened time.Time) {
	count = map[string]int{}
	for _, s := range all {
		switch {
		case s.status == http.StatusServiceUnavailable:
			count["gap"]++
			closed = first(closed, s.answered)
		case s.version == "v2":
			count["v2"]++
			reopened = first(reopened, s.answered)
		case s.version == "v1":
			count["v1"]++
		case s.status == http.StatusBadGateway: // it was in flight when the containers stopped
			count["cut"]++
		default:
			t.Errorf("a client saw %d %q", s.status, s.version)
		}
	}
	return count, closed, reopened
}

func first(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// watchGenerations checks all the time whether containers of two generations exist at once.
func watchGenerations(t *testing.T, e *Engine, together *atomic.Bool) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for ctx.Err() == nil {
			generations := map[string]bool{}
			for _, name := range things(t, e) {
				if kind, rest, _ := strings.Cut(name, " "); kind == "network" {
					generations[rest] = true
				}
			}
			if len(generations) > 1 {
				together.Store(true)
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		watcher.Wait()
	}
}

func TestNothingAnswersAfterAFailureInTheGap(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Gap: true})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	before := strings.Join(things(t, e), " ")
	refuse := func(d Deployment, down bool) {
		t.Helper()
		var failure *Failure
		if err := e.Deploy(t.Context(), d); !errors.As(err, &failure) || failure.Down() != down {
			t.Errorf("got %v, want a failure with Down() = %v", err, down)
		}
	}
	refuse(deploymentOf("v2", zipOf(t, documentName, `{"containerDefinitions":[]}`)), false)
	want(t, get, "/", 200, "version=v1")
	if after := strings.Join(things(t, e), " "); after != before {
		t.Errorf("there are %q, want %q", after, before)
	}
	refuse(deploymentWith(t, "v2", web(object{"command": []string{"exit=1"}})), true)
	want(t, get, "/", 503, "did not come up", "about to give up")
	if left := things(t, e); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
}

func TestUnchangedDeploymentMakesNoGap(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Gap: true})
	for range 2 {
		if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
			t.Fatal(err)
		}
	}
	now, _ := e.site("e-abcdefghij").current()
	if made := strings.Join(things(t, e), " "); !strings.Contains(made, now) || strings.Count(made, "container ") != 1 {
		t.Errorf("there are %q, want one container of generation %s", made, now)
	}
	second := newTestEngine(t, Config{Cloud: e.Cloud, Dir: e.Dir, Gap: true})
	if err := second.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	if adopted, _ := second.site("e-abcdefghij").current(); adopted != now {
		t.Errorf("generation %s was started beside %s", adopted, now)
	}
}

func TestGapAfterTheLocalCloudsOwnPage(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Gap: true})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentOf("", nil)); err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		started <- e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"command": []string{"late=700ms"}})))
	}()
	eventually(t, "the page is gone", func() bool {
		status, text := get("/")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "was stopped")
	})
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
}

func TestWithoutGapNoFailureTakesTheURLDown(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	for _, down := range []bool{true, false} { // there is no generation before the first one
		var failure *Failure
		err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(object{"command": []string{"exit=1"}})))
		if !errors.As(err, &failure) || failure.Down() != down {
			t.Errorf("got %v, want a failure with Down() = %v", err, down)
		}
		if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	e.site("e-abcdefghij").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Errorf("the URL answers %d", w.Code)
	}
}
