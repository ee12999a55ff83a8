package builder

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"beansprout/mask"
	"beansprout/pattern"
)

const (
	maxLine   = 4096 // bytes; what is longer becomes several lines
	tailLines = 20
)

// lines splits the output of a program into lines that are safe to print, and keeps the last ones. A
// carriage return ends a line as a newline does, so each state of a progress bar is a line.
type lines struct {
	emit     func(line string)
	mask     mask.Mask
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

// split prints a line that is too long, except for the end, where a secret may begin.
func (l *lines) split() {
	text := l.mask.Hide(string(l.rest))
	end := len(text) - max(l.mask.Longest()-1, 0)
	l.rest = append(l.rest[:0], text[:max(end, 0)]...)
	l.flush()
	l.rest = append(l.rest, text[max(end, 0):]...)
}

// end ends a line. A newline after a carriage return belongs to the same end.
func (l *lines) end(carriageReturn bool) {
	if len(l.rest) > 0 || !carriageReturn && !l.returned {
		l.print()
	}
	l.returned = carriageReturn
}

// flush prints the rest of the output, which has no line end.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.print()
	}
}

func (l *lines) print() {
	line := masked(l.mask, string(l.rest))
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

// escapes matches the control sequences of terminals: CSI, strings that end in BEL or ST, and
// sequences of one character (ECMA-48, section 5).
var escapes = pattern.New(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])`)

// clean returns line without control characters. Characters that change the direction of writing
// stay: whatever shows the line must make them visible.
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
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, line)
}

// minSecretLength is in bytes. A shorter secret is not hidden, because it would match everywhere.
const minSecretLength = 4

// withSecrets returns a mask that also hides the secrets and the build arguments of the sources that
// are secret by their names.
func withSecrets(m mask.Mask, secrets map[string][]byte, sources ...Source) mask.Mask {
	var named, arguments []string
	for _, secret := range secrets {
		named = append(named, string(secret))
	}
	for _, s := range sources {
		for name, value := range s.Args {
			arguments = append(arguments, mask.Variable(name, value)...)
		}
	}
	return m.With(minSecretLength, named...).With(mask.MinSecret, arguments...)
}

// withArgs returns a mask that also hides build arguments that are secret by their names, and the
// credentials of proxies.
func withArgs(m mask.Mask, args map[string]*string) mask.Mask {
	var secrets []string
	for name, value := range args {
		secrets = append(secrets, mask.Variable(name, *value)...)
	}
	return m.With(mask.MinSecret, secrets...)
}

// masked returns text without secrets and control characters. It hides secrets twice: control
// characters may be a part of a secret, or stand between its letters.
func masked(m mask.Mask, text string) string { return m.Hide(clean(m.Hide(text))) }
