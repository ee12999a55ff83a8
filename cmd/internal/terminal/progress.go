// Package terminal prints for people: progress, tables, times, and JSON. Whatever text it is given,
// what it prints cannot control a terminal.
package terminal

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

// tailLines is how many lines of a step's log are shown when the step fails on a terminal.
const tailLines = 20

// Progress tells what the program does while it runs. On a terminal it draws each running step as
// a line that changes, below the lines that stay. Elsewhere each event is a line that stays. Each
// line that stays begins with the seconds since the start. Its methods may be called concurrently.
type Progress struct {
	mu      sync.Mutex
	w       io.Writer
	now     func() time.Time
	started time.Time
	screen  *screen // nil unless it draws
	running []*Step
	hide    func(string) string
}

// NewProgress returns a Progress that writes to w. It draws if w is a terminal that can move its
// cursor and the program does not run in a CI. If hide is not nil, all text passes through it first.
func NewProgress(w io.Writer, hide func(string) string) *Progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !drawable(os.Getenv) {
		return newProgress(w, hide, time.Now, nil)
	}
	return newProgress(w, hide, time.Now, func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil || columns < 1 || rows < 1 {
			return 80, 24
		}
		return columns, rows
	})
}

// drawable reports whether a terminal in this environment can be drawn on.
func drawable(getenv func(string) string) bool {
	kind := getenv("TERM")
	return kind != "" && kind != "dumb" && getenv("CI") == ""
}

// newProgress returns a Progress that draws on a terminal of the given size, or prints lines only
// if size is nil.
func newProgress(w io.Writer, hide func(string) string, now func() time.Time, size func() (columns, rows int)) *Progress {
	if hide == nil {
		hide = func(text string) string { return text }
	}
	p := &Progress{w: w, hide: hide, now: now, started: now()}
	if size != nil {
		p.screen = &screen{size: size, stop: make(chan struct{}), stopped: make(chan struct{})}
		go p.animate(p.screen)
	}
	return p
}

// Say prints a sentence. On a terminal it stands above the running steps.
func (p *Progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(fmt.Sprintf(format, args...))
}

// Step begins a step, which runs until its Done or Fail is called.
func (p *Progress) Step(name string) *Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &Step{p: p, name: Sanitize(p.hide(name)), started: p.now()}
	p.running = append(p.running, s)
	if p.screen == nil {
		p.print(s.name)
	} else {
		p.draw(nil)
	}
	return s
}

// Event draws an event of an operation. The kinds "note" and "warning" print text. "begin" begins
// the named step, "line" adds text to its log, and "end" ends it with text, or with err if that is
// not nil.
func (p *Progress) Event(kind, step, text string, err error) {
	switch kind {
	case "note":
		p.Say("%s", text)
	case "warning":
		p.Say("warning: %s", text)
	case "begin":
		p.Step(step)
	case "line":
		p.find(step).Log(text)
	case "end":
		if s := p.find(step); err != nil {
			s.Fail(err)
		} else {
			s.Done(text)
		}
	}
}

// find returns the running step of that name. Where none runs, as after Close, it returns one that
// prints under that name.
func (p *Progress) find(name string) *Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	name = Sanitize(p.hide(name))
	for _, s := range p.running {
		if s.name == name {
			return s
		}
	}
	return &Step{p: p, name: name, started: p.now()}
}

// Close removes the drawing and shows the cursor again. Later events are printed as plain lines.
// It may be called more than once.
func (p *Progress) Close() {
	p.mu.Lock()
	screen := p.screen
	if screen != nil {
		p.running = nil
		p.draw(nil)
		p.screen = nil
		close(screen.stop)
	}
	p.mu.Unlock()
	if screen != nil {
		<-screen.stopped
	}
}

// print writes lines that stay. The caller holds the lock.
func (p *Progress) print(text string) {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(SanitizeLines(p.hide(text)), "\n"), "\n") {
		lines = append(lines, fmt.Sprintf("[%5.1fs] %s", p.now().Sub(p.started).Seconds(), strings.TrimRight(line, " ")))
	}
	p.draw(lines)
}

// draw writes lines that stay and, on a terminal, the running steps below them. The caller holds
// the lock. A write that fails is ignored: progress must not fail the operation.
func (p *Progress) draw(lines []string) {
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

// Step is a part of an operation that takes a while. It ends once: later calls do nothing.
type Step struct {
	p       *Progress
	name    string
	started time.Time
	tail    []string // the last lines of its log
	ended   bool
}

// Log adds one line or several to the log of the step.
func (s *Step) Log(line string) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.ended {
		return
	}
	for line := range strings.SplitSeq(SanitizeLines(s.p.hide(line)), "\n") {
		if line = strings.TrimRight(line, " "); line == "" {
			continue
		}
		s.tail = append(s.tail[max(0, len(s.tail)-tailLines+1):], line)
		if s.p.screen == nil {
			s.p.print(s.name + ": " + line)
		}
	}
}

// Done ends the step, which has succeeded, with what came of it.
func (s *Step) Done(outcome string) { s.end(outcome, false) }

// Fail ends the step with the first line of err. On a terminal it also prints the end of the
// step's log, of which only one line was visible at a time.
func (s *Step) Fail(err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	s.end("failed: "+first, true)
}

func (s *Step) end(outcome string, failed bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	s.p.running = slices.DeleteFunc(s.p.running, func(other *Step) bool { return other == s })
	if failed && s.p.screen != nil {
		for _, line := range s.tail {
			s.p.print(s.name + ": " + line)
		}
	}
	s.p.print(s.name + ": " + Sanitize(s.p.hide(outcome)))
}
