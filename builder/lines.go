package builder

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLine   = 4096 // bytes; what is longer becomes several lines
	tailLines = 20
)

// lines cuts what a program prints into lines fit for anybody's terminal, and
// remembers the last ones. A carriage return ends a line as a newline does, so
// that a progress bar is printed under itself instead of over itself.
type lines struct {
	emit     func(line string)
	mask     mask
	rest     []byte // of a line that has not ended
	returned bool   // the last line ended in a carriage return
	last     []string
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			l.add(p)
			break
		}
		l.add(p[:i])
		l.end(p[i] == '\r')
		p = p[i+1:]
	}
	return n, nil
}

func (l *lines) add(p []byte) {
	for len(l.rest)+len(p) > maxLine {
		room := maxLine - len(l.rest)
		l.rest = append(l.rest, p[:room]...)
		l.split()
		p = p[room:]
	}
	l.rest = append(l.rest, p...)
}

// split prints a line that is too long, up to where a secret may have begun.
func (l *lines) split() {
	text := l.mask.hide(string(l.rest))
	end := len(text) - max(l.mask.longest-1, 0)
	l.rest = append(l.rest[:0], text[:max(end, 0)]...)
	l.flush()
	l.rest = append(l.rest, text[max(end, 0):]...)
}

// end takes the newline after a carriage return for a part of the same line end.
func (l *lines) end(carriageReturn bool) {
	if len(l.rest) > 0 || !carriageReturn && !l.returned {
		l.print()
	}
	l.returned = carriageReturn
}

// flush prints a line that has not been ended.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.print()
	}
}

func (l *lines) print() {
	line := l.mask.hide(clean(string(l.rest)))
	l.rest = l.rest[:0]
	if len(l.last) == tailLines {
		l.last = l.last[1:]
	}
	l.last = append(l.last, line)
	l.emit(line)
}

// tail returns the last lines.
func (l *lines) tail() string {
	return strings.Trim(strings.Join(l.last, "\n"), "\n")
}

// escapes are the control sequences of terminals: CSI, the strings that end in BEL or
// ST, and those of one character (ECMA-48, section 5).
var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])`)

// clean returns line without anything that does more to a terminal than print.
func clean(line string) string {
	if strings.IndexByte(line, 0x1b) >= 0 {
		line = escapes.ReplaceAllString(line, "")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n':
			return ' '
		case r == utf8.RuneError:
			return '\uFFFD'
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, line)
}
