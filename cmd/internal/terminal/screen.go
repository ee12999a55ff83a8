package terminal

import (
	"bytes"
	"fmt"
	"time"
)

const (
	frameTime  = 100 * time.Millisecond
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	eraseBelow = "\x1b[J"
	eraseRight = "\x1b[K"
)

var spinner = [...]rune{'⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'}

// screen is the part of a terminal that is redrawn.
type screen struct {
	size          func() (columns, rows int)
	stop, stopped chan struct{}
	frame         int
	drawn         []int // the columns of each line on the screen
	cursorHidden  bool
}

// animate redraws the running steps every frameTime until the screen is stopped.
func (p *Progress) animate(s *screen) {
	defer close(s.stopped)
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		if p.screen != nil && len(p.running) > 0 {
			s.frame++
			p.draw(nil)
		}
		p.mu.Unlock()
	}
}

// draw writes to b what replaces the lines drawn before with lines that stay and, below them, the
// lines of the running steps. It asks for the size each time, because the window may have changed.
func (s *screen) draw(b *bytes.Buffer, lines []string, running []*Step, now time.Time) {
	columns, rows := s.size()
	live := s.live(running, columns, rows, now)
	up := s.height(columns)
	if up > 0 {
		fmt.Fprintf(b, "\r\x1b[%dA", up) // the terminal has echoed what was typed, such as ^C
	}
	if len(lines) > 0 || up > len(live) {
		b.WriteString(eraseBelow)
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	s.drawn = s.drawn[:0]
	for _, line := range live {
		b.WriteString(line + eraseRight + "\n")
		s.drawn = append(s.drawn, columnsOf(line))
	}
	s.cursor(b)
}

// height returns how many rows the lines drawn before take in a window of that many columns. A
// window that has become narrower has wrapped them.
func (s *screen) height(columns int) int {
	rows := 0
	for _, n := range s.drawn {
		rows += max(1, (n+columns-1)/columns)
	}
	return rows
}

// live returns the lines of the running steps, as many as fit into the window.
func (s *screen) live(running []*Step, columns, rows int, now time.Time) []string {
	most := max(rows-1, 1)
	var lines []string
	for i, step := range running {
		if i == most-1 && len(running) > most {
			return append(lines, fit(fmt.Sprintf("  and %d more", len(running)-i), columns))
		}
		lines = append(lines, step.live(s.frame, columns, now))
	}
	return lines
}

// live returns the line of a running step, at most columns wide.
func (s *Step) live(frame, columns int, now time.Time) string {
	line := fmt.Sprintf("%c %s %.1fs", spinner[frame%len(spinner)], s.name, now.Sub(s.started).Seconds())
	if len(s.tail) > 0 {
		line += ": " + s.tail[len(s.tail)-1]
	}
	return fit(line, columns)
}

// cursor hides the cursor while running steps are on the screen.
func (s *screen) cursor(b *bytes.Buffer) {
	if hide := len(s.drawn) > 0; hide != s.cursorHidden {
		s.cursorHidden = hide
		b.WriteString(map[bool]string{true: hideCursor, false: showCursor}[hide])
	}
}

// fit cuts a line so that it leaves the last column free: terminals differ in where the cursor is
// after that column.
func fit(line string, columns int) string { return Cut(line, columns-1) }
