package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"beansprout/test/must"
)

func TestTablesAlignByTerminalColumns(t *testing.T) {
	var b bytes.Buffer
	err := PrintTable(&b, [][]string{
		{"FEATURE", "OWNER", "URL"},
		{"login", "Kim", "http://a"},
		{"로그인", "", "http://b"},
		{"\u1105\u1169\u1100\u1173", "e\u0301ve", "http://c"}, // Korean as macOS writes it
		{"a\tb\x1b[31m\u202e", "😀", "http://d"},
		{strings.Repeat("가", 40), "x", strings.Repeat("u", 100)},
	})
	must.Succeed(t, err)
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
		if columnsOf(before) != at || at > MaxCellColumns+20 {
			t.Errorf("the last column begins at %d, not at %d: %q", columnsOf(before), at, line)
		}
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "\t") || strings.Contains(b.String(), "\u202e") || !strings.Contains(b.String(), `a b\u202e`) {
		t.Errorf("the table can control the terminal: %q", b.String())
	}
}

func TestJSONDoesNotControlATerminalAndReadsBackTheSame(t *testing.T) {
	hostile := "\x00\x1b[31m\u009b31m\x7f\u202eab\u2066\u200b\u00ad\ufeff\U000e0041\u3164\u2028\"<&>'\\로그인"
	var b bytes.Buffer
	must.Succeed(t, PrintJSON(&b, map[string]string{hostile: hostile}))
	if i := strings.IndexFunc(b.String(), func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point))
	}); i >= 0 {
		t.Errorf("%q has %q", b.String(), b.String()[i:])
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got[hostile] != hostile {
		t.Errorf("read back: %q, %v", got, err)
	}
	b.Reset()
	if err := PrintJSONLine(&b, map[string]string{"a": "b\nc"}); err != nil || b.String() != `{"a":"b\nc"}`+"\n" {
		t.Errorf("PrintJSONLine prints %q, %v", b.String(), err)
	}
}

func TestAListIsPrintedAsASliceIs(t *testing.T) {
	type item struct {
		Name string   `json:"name"`
		Of   []string `json:"of"`
	}
	all := []item{{"a<\u200b", []string{"b", "c"}}, {"d", nil}, {"e", []string{}}}
	for n := range len(all) + 1 {
		var list, slice strings.Builder
		if err := errors.Join(PrintJSONList(&list, slices.Values(all[:n])), PrintJSON(&slice, all[:n])); err != nil {
			t.Fatal(err)
		}
		if list.String() != slice.String() {
			t.Errorf("%d items: got\n%s\nwant\n%s", n, list.String(), slice.String())
		}
	}
}
