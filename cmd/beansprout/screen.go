package main

import (
	"bytes"
	"fmt"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

const (
	frameTime  = 100 * time.Millisecond
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	eraseBelow = "\x1b[J"
	eraseRight = "\x1b[K"
)

var spinner = [...]rune{'⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'}

// screen is the part of a terminal that is drawn again and again.
type screen struct {
	size          func() (columns, rows int)
	stop, stopped chan struct{}
	frame         int
	drawn         []int // the columns of each line that is drawn now
	hidden        bool  // the cursor
}

// animate draws the steps that run again and again, until the screen is stopped.
func (p *progress) animate(s *screen) {
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

// draw writes what turns the lines drawn before into lines that stay and the lines of the
// running steps. It asks for the size each time, so it copes with a window that changes.
func (s *screen) draw(b *bytes.Buffer, lines []string, running []*step, now time.Time) {
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

// height is how many rows the lines drawn before take up in a window of so many columns:
// one that has become narrower since has wrapped them.
func (s *screen) height(columns int) int {
	rows := 0
	for _, n := range s.drawn {
		rows += max(1, (n+columns-1)/columns)
	}
	return rows
}

// live returns the lines of the running steps, as many as fit.
func (s *screen) live(running []*step, columns, rows int, now time.Time) []string {
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

// live is the line of a running step, in the given columns.
func (s *step) live(frame, columns int, now time.Time) string {
	line := fmt.Sprintf("%c %s %.1fs", spinner[frame%len(spinner)], s.name, now.Sub(s.started).Seconds())
	if len(s.tail) > 0 {
		line += ": " + s.tail[len(s.tail)-1]
	}
	return fit(line, columns)
}

// cursor hides the cursor while something is drawn.
func (s *screen) cursor(b *bytes.Buffer) {
	if hide := len(s.drawn) > 0; hide != s.hidden {
		s.hidden = hide
		b.WriteString(map[bool]string{true: hideCursor, false: showCursor}[hide])
	}
}

// fit cuts a line so that it leaves the last column free: a cursor there is somewhere else
// on every terminal.
func fit(line string, columns int) string { return cut(line, columns-1) }

// columnsOf is how many columns a terminal takes for s, roughly.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), isJamoOfASyllable(r):
		case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// isJamoOfASyllable says whether r is a Korean vowel or final that is drawn into the syllable
// which the consonant before it began: file systems take syllables apart.
func isJamoOfASyllable(r rune) bool { return 0x1160 <= r && r <= 0x11ff }
