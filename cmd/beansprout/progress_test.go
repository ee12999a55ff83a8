package main

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
)

// clock is a clock that is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(seconds float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Duration(seconds * float64(time.Second)))
}

func TestPlainTalkIsALineForEachEvent(t *testing.T) {
	var out bytes.Buffer
	c := &clock{}
	p := newProgress(&out, c.now)
	build := p.step("build web")
	c.pass(3.14)
	build.log("#5 CACHED")
	p.say("application %q did not exist and was created", "shop")
	launch := p.step("launch shop-login")
	c.pass(9.2)
	build.done("done")
	c.pass(100)
	launch.fail(errors.New("environment is Red\nand more of it"))
	p.close()
	c.pass(10000)
	p.say("told after the end")
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

func TestPlainTalkHasOnlyPrintableLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, (&clock{}).now)
	s := p.step("build \x1b[2Jw\u202eeb\n")
	s.log("10%\r20%\r\n\x1b[31mred\x1b[0m\n\n  \nlast\x07\xff  ")
	s.done("o\r\nk")
	p.say("feature %s\nnext\n", "\x1b]0;title\x07x")
	want := `[  0.0s] build web
[  0.0s] build web : 10%
[  0.0s] build web : 20%
[  0.0s] build web : red
[  0.0s] build web : last �
[  0.0s] build web : o  k
[  0.0s] feature x
[  0.0s] next
`
	if got := out.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestAStepEndsOnce(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, (&clock{}).now)
	s := p.step("build")
	s.done("done")
	s.log("late")
	s.fail(errors.New("late"))
	s.done("late")
	if got := out.String(); strings.Contains(got, "late") {
		t.Errorf("got %q", got)
	}
}

func TestStepsSideBySideWriteWholeLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := p.step(fmt.Sprintf("step %d", i))
			for range 50 {
				s.log("a line")
				p.say("a word")
			}
			s.done("done")
		})
	}
	wg.Wait()
	p.close()
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

func TestAFileIsNoTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := newProgress(f, (&clock{}).now)
	p.step("build").done("done")
	p.close()
	got, err := os.ReadFile(f.Name())
	if want := "[  0.0s] build\n[  0.0s] build: done\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestCloseTwice(t *testing.T) {
	var out bytes.Buffer
	for _, p := range []*progress{newProgress(&out, nil), newTalk(&out, nil, func() (int, int) { return 80, 24 })} {
		p.step("build")
		p.close()
		p.close()
	}
}
