package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"beansprout/cmd/beansprout/config"
)

func TestExitCodes(t *testing.T) {
	failure := errors.New("it failed")
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"failure", failure, 1},
		{"failure with a hint", hint(failure, "try again"), 1},
		{"no time left", fmt.Errorf("deploy: %w", context.DeadlineExceeded), 1},
		{"usage", usageErrorf("there is no verb %q", "x"), 2},
		{"usage with a hint, wrapped", fmt.Errorf("x: %w", hint(usageErrorf("%w", failure), "see --help")), 2},
		{"configuration", fmt.Errorf("x: %w", &config.Error{Problems: []error{failure}}), 2},
		{"interrupted", fmt.Errorf("deploy: %w", context.Canceled), 130},
		{"interrupted with a hint", hint(context.Canceled, "run it again"), 130},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestErrorsAreRenderedForTheirReader(t *testing.T) {
	failure := errors.New("AccessDenied")
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"an error", fmt.Errorf("create environment %q: %w", "shop", failure), "error: create environment \"shop\": AccessDenied\n"},
		{"a hint", hint(failure, "check the %s", "rights"), "error: AccessDenied\nhint: check the rights\n"},
		{"hints within", hint(fmt.Errorf("up: %w", hint(failure, "inner")), "outer"), "error: up: AccessDenied\nhint: outer\nhint: inner\n"},
		{"the same hint twice", errors.Join(hint(failure, "a"), hint(failure, "a"), hint(failure, "b")), "error: AccessDenied\n  AccessDenied\n  AccessDenied\nhint: a\nhint: b\n"},
		{"lines", errors.New("RUN failed:\r\n\tno such file\nexit code 1\n"), "error: RUN failed:\n      no such file\n  exit code 1\n"},
		{"configuration", usageErrorf("%w", &config.Error{Problems: []error{errors.New("f:1:1: a"), errors.New("f:2:1: b")}}), "error: f:1:1: a\n  f:2:1: b\n"},
		{"interrupted", fmt.Errorf("wait for environment %q: %w", "shop", context.Canceled), "interrupted: wait for environment \"shop\"\n"},
		{"interrupted, no more", context.Canceled, "interrupted\n"},
		{"interrupted, more", hint(fmt.Errorf("%w while it waited", context.Canceled), "again"), "interrupted: context canceled while it waited\nhint: again\n"},
		{"hostile", hint(errors.New("branch \x1b[31mx\u202e\x07"), "say \x1b]0;t\x07it\nnow"), "error: branch x\nhint: say it now\n"},
	} {
		if got := render(c.err); got != c.want {
			t.Errorf("%s: got\n%q\nwant\n%q", c.name, got, c.want)
		}
	}
}

func TestAHintedErrorIsStillItself(t *testing.T) {
	failure := errors.New("it failed")
	err := hint(usageErrorf("x: %w", failure), "try again")
	if !errors.Is(err, failure) || err.Error() != "x: it failed" {
		t.Errorf("got %v", err)
	}
}

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
	"\u202eevil\u2066x\u2069\u200f":      "evilx",
	"a\u2028b\u2029c":                    "a b c",
	"a\xffb\xc3":                         "a\ufffdb\ufffd",
	"\x1b[31\x1b[0m":                     "31",
	"\x1b\x1b[[31mx":                     " 31mx",
	"100% --flag <b>&amp; \"q\" 'q' `q`": "100% --flag <b>&amp; \"q\" 'q' `q`",
}

func TestSanitizedTextSteersNoTerminal(t *testing.T) {
	for s, want := range hostile {
		if got := sanitize(s); got != want {
			t.Errorf("sanitize(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestSanitizedLinesKeepTheirBreaks(t *testing.T) {
	for s, want := range map[string]string{
		"":                        "",
		"a\r\nb\rc\n\nd\n":        "a\nb\nc\n\nd\n",
		"\tindented \x1b[1mbold":  "    indented bold",
		"\x1b]0;one\ntwo\x07 end": "0;one\ntwo  end",
	} {
		if got := sanitizeLines(s); got != want {
			t.Errorf("sanitizeLines(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, line := range append(strings.Split(sanitizeLines(s), "\n"), sanitize(s)) {
			unsafe := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
			if !utf8.ValidString(line) || strings.ContainsFunc(line, unsafe) {
				t.Errorf("%q became %q", s, line)
			}
		}
	})
}

// TestEveryErrorOfTheBuilderComesWithAdvice reads which there are.
func TestEveryErrorOfTheBuilderComesWithAdvice(t *testing.T) {
	errors, err := os.ReadFile("../../builder/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile("explain.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t(Err\w+) += errors\.New`).FindAllStringSubmatch(string(errors), -1)
	if len(names) < 10 {
		t.Fatalf("only %d errors found", len(names))
	}
	for _, name := range names {
		if !strings.Contains(string(told), "{builder."+name[1]+", ") {
			t.Errorf("nothing is said about what to do when it is builder.%s", name[1])
		}
	}
}
