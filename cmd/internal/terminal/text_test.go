package terminal

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var hostile = map[string]string{
	"plain":                              "plain",
	"한국어 ü 😀":                            "한국어 ü 😀",
	"\x1b[31;1mred\x1b[0m":               "red",
	"\x1b[?25l\x1b[2J\x1b[1;1Hx":         "x",
	"\x1b]0;title\x07x":                  "x",
	"\x1b]8;;https://evil\x1b\\link":     "link",
	"\x1bP1;2q data\x1b\\x":              "x",
	"\x1b]0;never ends, and more":        "0;never ends, and more",
	"\u009b31mred\u009d0;title\u009c!":   "red!",
	"\x1bcreset \x1b(0 \x1b":             "reset   ",
	"a\x00b\x07c\x7fd\u0085e":            "a b c d e",
	"a\tb\nc\rd":                         "a b c d",
	"\u202eevil\u2066x\u2069\u200f":      `\u202eevil\u2066x\u2069\u200f`,
	"lo\u200bg\u00adin\ufeff\U000e0041":  `lo\u200bg\u00adin\ufeff\U000e0041`,
	"a\u2028b\u2029c":                    "a b c",
	"a\xffb\xc3":                         "a\ufffdb\ufffd",
	"\x1b[31\x1b[0m":                     "31",
	"\x1b\x1b[[31mx":                     " 31mx",
	"100% --flag <b>&amp; \"q\" 'q' `q`": "100% --flag <b>&amp; \"q\" 'q' `q`",
}

func TestSanitizedTextDoesNotControlATerminal(t *testing.T) {
	for s, want := range hostile {
		if got := Sanitize(s); got != want {
			t.Errorf("Sanitize(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestHostileTextDoesNotControlTheScreen(t *testing.T) {
	for s := range hostile {
		term := newTerminal(1 << 10) // so wide that no line is cut: this terminal does not wrap
		p := newProgress(term, nil, time.Now, term.size)
		p.Say("building %s", s)
		step := p.Step("deploy " + s)
		step.Log(s)
		redraw(p)
		step.Fail(errors.New(s))
		p.Close()
		if !term.understood {
			t.Errorf("%q reaches the terminal", s)
		}
	}
}

func TestSanitizedLinesStayLines(t *testing.T) {
	for s, want := range map[string]string{
		"":                        "",
		"a\r\nb\rc\n\nd\n":        "a\nb\nc\n\nd\n",
		"\tindented \x1b[1mbold":  "    indented bold",
		"\x1b]0;one\ntwo\x07 end": "0;one\ntwo  end",
	} {
		if got := SanitizeLines(s); got != want {
			t.Errorf("SanitizeLines(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, line := range append(strings.Split(SanitizeLines(s), "\n"), Sanitize(s)) {
			unsafe := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
			if !utf8.ValidString(line) || strings.ContainsFunc(line, unsafe) {
				t.Errorf("%q became %q", s, line)
			}
		}
	})
}

func TestTimesInReasonsAreShownInTheLocalZone(t *testing.T) {
	defer func(zone *time.Location) { time.Local = zone }(time.Local)
	time.Local = time.FixedZone("", 9*60*60)
	got := LocalTimes("it stays until 2026-01-02T20:00:00Z, 2026-13-02T20:00:00Z and Z")
	if want := "it stays until 2026-01-03T05:00:00+09:00, 2026-13-02T20:00:00Z and Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := LocalTime(time.Time{}); got != "" {
		t.Errorf("LocalTime of the zero time is %q", got)
	}
}
