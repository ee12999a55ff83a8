package builder

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLinesSplitsAtLineEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"newlines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"an empty line", []string{"a\n\nb\n"}, []string{"a", "", "b"}},
		{"no newline at the end", []string{"a\nb"}, []string{"a", "b"}},
		{"a line in pieces", []string{"a", "b", "\nc\n"}, []string{"ab", "c"}},
		{"carriage return and newline", []string{"a\r\nb\r\n"}, []string{"a", "b"}},
		{"carriage return and newline in pieces", []string{"a\r", "\nb\r", "\n"}, []string{"a", "b"}},
		{"a progress bar", []string{"1%\r2%\r", "\r3%\nend\n"}, []string{"1%", "2%", "3%", "end"}},
		{"colours", []string{"\x1b[1;31mred\x1b[0m\n"}, []string{"red"}},
		{"text that turns around", []string{"a\u202eb\n"}, []string{"a\u202eb"}},
		{"a window title", []string{"\x1b]0;title\x07a\n"}, []string{"a"}},
		{"a line that is too long", []string{strings.Repeat("x", maxLine+1) + "\n"}, []string{strings.Repeat("x", maxLine), "x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			l := &lines{emit: func(line string) { got = append(got, line) }}
			for _, w := range test.writes {
				_, _ = l.Write([]byte(w))
			}
			l.flush()
			if !slices.Equal(got, test.want) {
				t.Errorf("lines = %q, want %q", got, test.want)
			}
		})
	}
}

func TestTailIsTheLastLines(t *testing.T) {
	l := &lines{emit: func(string) {}}
	_, _ = l.Write([]byte(strings.Repeat("early\n", 5) + strings.Repeat("late\n", tailLines)))
	if got, want := l.tail(), strings.TrimSuffix(strings.Repeat("late\n", tailLines), "\n"); got != want {
		t.Errorf("tail = %q, want %q", got, want)
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\n\x1b[2J\x9b\xff\u202eb\n"), 3)
	f.Add([]byte("\x1b\x1b[31m[0m\u009b2J\x00"), 1)
	f.Add([]byte(strings.Repeat("é", maxLine)), 7)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		l := &lines{emit: func(line string) {
			if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || len(line) > 3*maxLine {
				t.Errorf("line %q", line)
			}
			if again := clean(line); again != line {
				t.Errorf("clean(%q) = %q", line, again)
			}
		}}
		cut = min(max(cut, 0), len(data))
		_, _ = l.Write(data[:cut])
		_, _ = l.Write(data[cut:])
		l.flush()
	})
}
