package visible

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"beansprout/pattern"
)

// sequence matches what controls a terminal: CSI, and OSC and its like if they end. A sequence that does
// not end is no match, so that the text after it stays.
var sequence = pattern.New("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)|\x1b[ -/]*[0-~]")

// WithoutSequences returns s without the sequences that control a terminal. Control characters that are
// part of none stay.
func WithoutSequences(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) { // with which each begins
		return s
	}
	return sequence.ReplaceAllString(s, "")
}

// Line returns at most limit characters of s, which others may have written, as one line: without control
// characters, and with one space for each run of white space. Invisible characters stay; Text shows them.
func Line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, WithoutSequences(s))
	return Cut(strings.Join(strings.Fields(s), " "), limit)
}

// Ellipsis ends what Cut has shortened.
const Ellipsis = "…"

// Cut returns s, shortened with an ellipsis if it has more than limit characters.
func Cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	return string([]rune(s)[:limit-1]) + Ellipsis
}

// FirstLine returns s up to its first line break.
func FirstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// Lines returns s, which others may have written, with its lines and tabs: without sequences that control a
// terminal and other control characters, and with the characters that mislead a reader as Text shows them.
func Lines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return Text(strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, WithoutSequences(s)))
}
