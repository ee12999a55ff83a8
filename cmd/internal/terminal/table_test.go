package terminal

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"beansprout/test/must"
)

const address = "http://shop-login-25m3k7jfbh.ap-northeast-2.elasticbeanstalk.com"

func listed() [][]string {
	return [][]string{
		{"FEATURE", "STATUS", "HEALTH", "COMMIT", "OWNER", "AGE", "EXPIRES", "URL"},
		{"feature/a-name-that-is-rather-long", "Ready", "Green", "4edaafb9ae93", "Kimberley Smith-Jones", "20s", "in 5d", address},
		{"로그인-화면을-다시-만든다", "Updating", "Grey", "ad1698457f70", "Kim", "3d", "over", address},
	}
}

// drawn returns a table as a terminal of that many columns shows it.
func drawn(rows [][]string, window int) string {
	for _, row := range rows {
		for i, c := range row {
			row[i] = cell(c, i == len(row)-1)
		}
	}
	t := table{rows: rows, widths: widths(rows), window: window}
	t.fit()
	var b strings.Builder
	for i, row := range rows {
		b.WriteString(t.line(row, i == 0))
	}
	return b.String()
}

func TestATableFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for window := 74; window <= 220; window++ {
		text := drawn(listed(), window)
		for line := range strings.Lines(text) {
			if n := columnsOf(strings.TrimSuffix(line, "\n")); n > window {
				t.Errorf("at %d columns a line has %d: %s", window, n, line)
			}
		}
		if strings.Count(text, address) != 2 || !strings.Contains(text, "feature/a-n") || !strings.Contains(text, "in 5d") || !strings.Contains(text, "Updating") {
			t.Errorf("at %d columns something important is missing:\n%s", window, text)
		}
	}
	narrow := drawn(listed(), 80)
	if !strings.Contains(narrow, "Kimbe…  20s  in 5d\n  "+address+"\n") {
		t.Errorf("the least important columns are not the first that are shortened:\n%s", narrow)
	}
}

func TestNothingIsCutOrPaintedInAPipe(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	must.Succeed(t, PrintTable(&b, listed()))
	if text := b.String(); !strings.Contains(text, "Kimberley Smith-Jones  20s") || strings.Contains(text, "\x1b") || strings.Contains(text, "\n  http") {
		t.Errorf("the table is\n%q", text)
	}
	read, write, err := os.Pipe()
	must.Succeed(t, err)
	defer read.Close()
	defer write.Close()
	for _, w := range []*Touched{{Writer: Answers{write}}, {Writer: &b}} {
		if Columns(w) != 0 || PaletteOf(w).Paint(Red, "x") != "x" {
			t.Errorf("%v is taken for a terminal", w.Writer)
		}
	}
}

func TestColorsAreForTerminalsThatKnowThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{"TERM": "xterm"}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false},
		{map[string]string{"TERM": "dumb"}, false},
		{map[string]string{}, false},
	} {
		if got := colorful(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %v", tt.env, got)
		}
	}
	p := Palette{colorful: true}
	if got := p.Paint(Red, "x") + p.Paint("", "y") + p.Paint(Red, ""); got != "\x1b[31mx\x1b[0my" {
		t.Errorf("painted: %q", got)
	}
}
