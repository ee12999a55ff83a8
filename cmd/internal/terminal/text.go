package terminal

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"beansprout/pattern"
	"beansprout/visible"
)

// Sanitize returns s as one line that cannot control a terminal. Invisible characters are written
// as escapes.
func Sanitize(s string) string {
	s = visible.WithoutSequences(strings.ToValidUTF8(s, "\ufffd"))
	return visible.Text(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}

// SanitizeLines is Sanitize for text of several lines. A carriage return ends a line, so that no
// text overwrites the text before it.
func SanitizeLines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Sanitize(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// Cut returns line, shortened with an ellipsis if it takes more than the given columns.
func Cut(line string, columns int) string {
	if columnsOf(line) <= columns {
		return line
	}
	used := 0
	for i, r := range line {
		if used += columnsOf(string(r)); used > columns-1 {
			return line[:i] + "…"
		}
	}
	return line
}

// Wrap breaks text between words into lines of at most so many columns. A longer word has a line of its own.
func Wrap(text string, columns int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case columnsOf(line)+1+columnsOf(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// columnsOf returns how many columns a terminal needs for s, roughly.
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

// isJamoOfASyllable reports whether r is a Korean vowel or final, which a terminal draws into the
// syllable of the consonant before it. File systems such as macOS's decompose syllables into these.
func isJamoOfASyllable(r rune) bool { return 0x1160 <= r && r <= 0x11ff }

// LocalTime returns t in the local time zone, and "" for the zero time.
func LocalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.RFC3339)
}

var utcTime = pattern.New(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// LocalTimes returns text with its UTC times, such as those in reasons, in the local time zone.
func LocalTimes(text string) string {
	return utcTime.ReplaceAllStringFunc(text, func(utc string) string {
		t, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			return utc
		}
		return LocalTime(t)
	})
}
