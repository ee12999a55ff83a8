package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// tailLines is how much of a step's log is shown when it fails on a terminal.
const tailLines = 20

// progress is the talk on standard error. To a terminal it draws the steps that run as
// lines that change, below the lines that stay; elsewhere each event is a line that stays.
// Every line that stays begins with the time since the start. It may be used by several
// goroutines at a time.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	now     func() time.Time
	started time.Time
	screen  *screen // nil unless it draws
	running []*step
	lent    bool     // the terminal, to somebody else who draws
	held    []string // lines that stay, told since
}

// newProgress starts the talk on w; now is time.Now if it is nil. It draws where w is a
// terminal that can move its cursor, and no CI is reading along.
func newProgress(w io.Writer, now func() time.Time) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !drawable(os.Getenv) {
		return newTalk(w, now, nil)
	}
	return newTalk(w, now, func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil || columns < 1 || rows < 1 {
			return 80, 24
		}
		return columns, rows
	})
}

// drawable says whether a terminal is one to draw on.
func drawable(getenv func(string) string) bool {
	kind := getenv("TERM")
	return kind != "" && kind != "dumb" && getenv("CI") == ""
}

// newTalk starts the talk on a terminal of the size that size returns, or without one.
func newTalk(w io.Writer, now func() time.Time, size func() (columns, rows int)) *progress {
	if now == nil {
		now = time.Now
	}
	p := &progress{w: w, now: now, started: now()}
	if size != nil {
		p.screen = &screen{size: size, stop: make(chan struct{}), stopped: make(chan struct{})}
		go p.animate(p.screen)
	}
	return p
}

// say tells a sentence.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(fmt.Sprintf(format, args...))
}

// step begins something that takes a while.
func (p *progress) step(name string) *step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &step{p: p, name: sanitize(name), started: p.now()}
	p.running = append(p.running, s)
	if p.screen == nil {
		p.print(s.name)
	} else {
		p.draw(nil)
	}
	return s
}

// close takes the drawing away and gives the terminal back. What is told afterwards is
// told in plain lines. It may be called more than once.
func (p *progress) close() {
	p.mu.Lock()
	screen := p.screen
	if screen != nil {
		p.running = nil
		p.lent = false
		p.draw(nil)
		p.screen = nil
		close(screen.stop)
	}
	p.mu.Unlock()
	if screen != nil {
		<-screen.stopped
	}
}

// terminal returns what lends the terminal to somebody else who draws, until giveBack is
// called. What is told meanwhile stands below afterwards. It is nil where nothing is drawn.
func (p *progress) terminal() func() (f *os.File, giveBack func()) {
	f, ok := p.w.(*os.File)
	if p.screen == nil || !ok {
		return nil
	}
	return func() (*os.File, func()) {
		p.lend()
		return f, p.takeBack
	}
}

func (p *progress) lend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.lent = true
}

func (p *progress) takeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent = false
	p.draw(nil)
}

// print writes lines that stay. The caller holds the lock.
func (p *progress) print(text string) {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(sanitizeLines(text), "\n"), "\n") {
		lines = append(lines, fmt.Sprintf("[%5.1fs] %s", p.now().Sub(p.started).Seconds(), strings.TrimRight(line, " ")))
	}
	p.draw(lines)
}

// draw writes lines that stay, and on a terminal the steps that run below them. The caller
// holds the lock. An error is nobody's business: the talk is not what the program is for.
func (p *progress) draw(lines []string) {
	if p.held = append(p.held, lines...); p.lent {
		return
	}
	lines, p.held = p.held, nil
	var b bytes.Buffer
	if p.screen == nil {
		for _, line := range lines {
			b.WriteString(line + "\n")
		}
	} else {
		p.screen.draw(&b, lines, p.running, p.now())
	}
	_, _ = p.w.Write(b.Bytes())
}

// erase takes the drawing away. The caller holds the lock.
func (p *progress) erase() {
	if p.screen != nil {
		var b bytes.Buffer
		p.screen.draw(&b, nil, nil, p.now())
		_, _ = p.w.Write(b.Bytes())
	}
}

// step is something that takes a while. It ends once: what is told of it later is dropped.
type step struct {
	p       *progress
	name    string
	started time.Time
	tail    []string // the last lines of its log
	ended   bool
}

// log tells one line, or several, of what happens in the step.
func (s *step) log(line string) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.ended {
		return
	}
	for line := range strings.SplitSeq(sanitizeLines(line), "\n") {
		if line = strings.TrimRight(line, " "); line == "" {
			continue
		}
		s.tail = append(s.tail[max(0, len(s.tail)-tailLines+1):], line)
		if s.p.screen == nil {
			s.p.print(s.name + ": " + line)
		}
	}
}

// done ends the step well.
func (s *step) done(outcome string) { s.end(outcome, false) }

// fail ends the step badly. On a terminal the end of its log is shown, which till then was
// seen in passing only.
func (s *step) fail(err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	s.end("failed: "+first, true)
}

func (s *step) end(outcome string, failed bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	s.p.running = slices.DeleteFunc(s.p.running, func(other *step) bool { return other == s })
	if failed && s.p.screen != nil {
		for _, line := range s.tail {
			s.p.print(s.name + ": " + line)
		}
	}
	s.p.print(s.name + ": " + sanitize(outcome))
}
