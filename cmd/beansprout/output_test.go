package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestTablesAreAlignedByColumnsOfTheTerminal(t *testing.T) {
	var b bytes.Buffer
	err := printTable(&b, [][]string{
		{"FEATURE", "OWNER", "URL"},
		{"login", "Kim", "http://a"},
		{"로그인", "", "http://b"},
		{"\u1105\u1169\u1100\u1173", "e\u0301ve", "http://c"}, // Korean as macOS writes it
		{"a\tb\x1b[31m\u202e", "😀", "http://d"},
		{strings.Repeat("가", 40), "x", strings.Repeat("u", 100)},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for line := range strings.Lines(b.String()) {
		before, _, found := strings.Cut(line, "http")
		if !found {
			before, _, found = strings.Cut(line, "uuu")
		}
		if !found {
			before, _, _ = strings.Cut(line, "URL")
		}
		if at < 0 {
			at = columnsOf(before)
		}
		if columnsOf(before) != at || at > widest+20 {
			t.Errorf("the last column begins at %d, not at %d: %q", columnsOf(before), at, line)
		}
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "\t") || strings.Contains(b.String(), "\u202e") {
		t.Errorf("something can steer the terminal: %q", b.String())
	}
}

func TestJSONSteersNoTerminalAndLosesNothing(t *testing.T) {
	hostile := "\x00\x1b[31m\u009b31m\x7f\u202eab\u2066\u2028\"<&>'\\로그인"
	var b bytes.Buffer
	if err := printJSON(&b, map[string]string{hostile: hostile}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	}); i >= 0 {
		t.Errorf("%q has %q", b.String(), b.String()[i:])
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got[hostile] != hostile {
		t.Errorf("read back: %q, %v", got, err)
	}
	b.Reset()
	if err := printJSONLine(&b, map[string]string{"a": "b\nc"}); err != nil || b.String() != `{"a":"b\nc"}`+"\n" {
		t.Errorf("a line: %q, %v", b.String(), err)
	}
}

func TestSpansOfAnyLengthAreSaid(t *testing.T) {
	for d, want := range map[time.Duration]string{
		59 * time.Second: "59s", 47 * time.Hour: "47h", 60 * time.Hour: "3d", 59 * time.Hour: "2d", math.MaxInt64: "106752d",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %s, want %s", d, got, want)
		}
	}
}
