package visible

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestALineIsOneAndShort(t *testing.T) {
	for _, tt := range []struct {
		s     string
		limit int
		want  string
	}{
		{" plain  text\t", 20, "plain text"},
		{"a\r\nb\u2028c\u2029d\u0085e\x00f\x7fg", 20, "a b c d e f g"},
		{"the \x1b[31mred\x1b[0m \x1b]0;title\x07line", 20, "the red line"},
		{"\x1b]0;never ends", 20, "0;never ends"},
		{"a\xffb\ufffdc", 20, "a b c"},
		{"로그인", 3, "로그인"},
		{"로그인 ", 2, "로…"},
		{"login", 1, "…"},
		{"login", 0, ""},
		{"login", -1, ""},
		{"a\u200bb", 9, "a\u200bb"},
	} {
		if got := Line(tt.s, tt.limit); got != tt.want {
			t.Errorf("Line(%q, %d) = %q, want %q", tt.s, tt.limit, got, tt.want)
		}
	}
}

func TestTheFirstLineEndsAtTheFirstBreak(t *testing.T) {
	for s, want := range map[string]string{"": "", "one": "one", "one\ntwo\nthree": "one", "\ntwo": ""} {
		if got := FirstLine(s); got != want {
			t.Errorf("FirstLine(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[31m\xff\u2028b", 7)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := Line(s, limit)
		if utf8.RuneCountInString(got) > max(limit, 0) || strings.ContainsFunc(got, unicode.IsControl) || Line(got, limit) != got {
			t.Errorf("Line(%q, %d) = %q", s, limit, got)
		}
	})
}
