package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/test/must"
)

// clock stands still until advance is called.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(seconds float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Duration(seconds * float64(time.Second)))
}

func TestPlainProgressPrintsOneLinePerEvent(t *testing.T) {
	var out bytes.Buffer
	c := &clock{}
	p := newProgress(&out, nil, c.now, nil)
	build := p.Step("build web")
	c.advance(3.14)
	build.Log("#5 CACHED")
	p.Say("application %q did not exist and was created", "shop")
	launch := p.Step("launch shop-login")
	c.advance(9.2)
	build.Done("done")
	c.advance(100)
	launch.Fail(errors.New("environment is Red\nand more of it"))
	p.Close()
	c.advance(10000)
	p.Say("told after the end")
	want := `[  0.0s] build web
[  3.1s] build web: #5 CACHED
[  3.1s] application "shop" did not exist and was created
[  3.1s] launch shop-login
[ 12.3s] build web: done
[112.3s] launch shop-login: failed: environment is Red
[10112.3s] told after the end
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlainProgressPrintsOnlyPrintableLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, nil, (&clock{}).now, nil)
	s := p.Step("build \x1b[2Jweb\u202e\n")
	s.Log("10%\r20%\r\n\x1b[31mred\x1b[0m\n\n  \nlast\x07\xff  ")
	s.Done("o\r\nk")
	p.Say("feature %s\nnext\n", "\x1b]0;title\x07x")
	want := `[  0.0s] build web\u202e
[  0.0s] build web\u202e : 10%
[  0.0s] build web\u202e : 20%
[  0.0s] build web\u202e : red
[  0.0s] build web\u202e : last �
[  0.0s] build web\u202e : o  k
[  0.0s] feature x
[  0.0s] next
`
	if got := out.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestAStepEndsOnce(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, nil, (&clock{}).now, nil)
	s := p.Step("build")
	s.Done("done")
	s.Log("late")
	s.Fail(errors.New("late"))
	s.Done("late")
	if got := out.String(); strings.Contains(got, "late") {
		t.Errorf("got %q", got)
	}
}

func TestConcurrentStepsWriteWholeLines(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := p.Step(fmt.Sprintf("step %d", i))
			for range 50 {
				s.Log("a line")
				p.Say("a word")
			}
			s.Done("done")
		})
	}
	wg.Wait()
	p.Close()
	whole := regexp.MustCompile(`^\[ *[0-9.]+s\] (a word|step \d|step \d: (a line|done))$`)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 8*102 {
		t.Errorf("got %d lines", len(lines))
	}
	for _, line := range lines {
		if !whole.MatchString(line) {
			t.Errorf("got %q", line)
		}
	}
}

func TestProgressDoesNotDrawOnAFile(t *testing.T) {
	t.Setenv("TERM", "xterm")
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	must.Succeed(t, err)
	defer f.Close()
	p := newProgress(f, nil, (&clock{}).now, nil)
	p.Step("build").Done("done")
	p.Close()
	got, err := os.ReadFile(f.Name())
	if want := "[  0.0s] build\n[  0.0s] build: done\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestProgressMayBeClosedTwice(t *testing.T) {
	var out bytes.Buffer
	for _, p := range []*Progress{NewProgress(&out, nil), newProgress(&out, nil, time.Now, func() (int, int) { return 80, 24 })} {
		p.Step("build")
		p.Close()
		p.Close()
	}
}

func TestEventsFindTheirStepByName(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, nil, (&clock{}).now, nil)
	for _, e := range []struct {
		kind, step, text string
		err              error
	}{
		{"note", "", "100% of it", nil},
		{"warning", "", "it is slow", nil},
		{"begin", "build\tweb", "", nil},
		{"begin", "launch", "", nil},
		{"line", "build\tweb", "#5 CACHED", nil},
		{"end", "launch", "", errors.New("it is Red\nmore")},
		{"end", "build\tweb", "done", nil},
		{"line", "gone", "late", nil},
	} {
		p.Event(e.kind, e.step, e.text, e.err)
	}
	want := `[  0.0s] 100% of it
[  0.0s] warning: it is slow
[  0.0s] build web
[  0.0s] launch
[  0.0s] build web: #5 CACHED
[  0.0s] launch: failed: it is Red
[  0.0s] build web: done
[  0.0s] gone: late
`
	if got := out.String(); got != want || len(p.running) > 0 {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
