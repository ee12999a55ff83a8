package terminal

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// terminal emulates the control sequences that screen uses. It notes all others in understood.
type terminal struct {
	mu         sync.Mutex
	columns    int
	rows       [][]rune
	row, col   int
	hidden     bool
	understood bool
}

func newTerminal(columns int) *terminal {
	return &terminal{columns: columns, rows: [][]rune{nil}, understood: true}
}

func (t *terminal) size() (int, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.columns, 24
}

var control = regexp.MustCompile(`^\x1b\[(\??)([0-9]*)([A-Za-z])`)

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := string(p); s != ""; {
		if m := control.FindStringSubmatch(s); m != nil {
			t.obey(m[1]+m[3], m[2])
			s = s[len(m[0]):]
			continue
		}
		r := []rune(s)[0]
		t.print(r)
		s = s[len(string(r)):]
	}
	return len(p), nil
}

func (t *terminal) obey(command, argument string) {
	n, _ := strconv.Atoi(argument)
	switch {
	case command == "A":
		t.row = max(t.row-n, 0)
	case command == "J" && argument == "":
		t.rows = t.rows[:t.row+1]
		t.rows[t.row] = t.rows[t.row][:min(t.col, len(t.rows[t.row]))]
	case command == "K" && argument == "":
		t.rows[t.row] = t.rows[t.row][:min(t.col, len(t.rows[t.row]))]
	case command == "?l" && n == 25:
		t.hidden = true
	case command == "?h" && n == 25:
		t.hidden = false
	default:
		t.understood = false
	}
}

func (t *terminal) print(r rune) {
	if r == '\n' {
		t.row, t.col = t.row+1, 0
		if t.row == len(t.rows) {
			t.rows = append(t.rows, nil)
		}
		return
	}
	if r == '\r' {
		t.col = 0
		return
	}
	if r < ' ' || r == 0x7f || t.col >= t.columns {
		t.understood = false
		return
	}
	row := t.rows[t.row]
	for len(row) <= t.col {
		row = append(row, ' ')
	}
	row[t.col] = r
	t.rows[t.row], t.col = row, t.col+1
}

// narrow makes the window narrower and wraps its lines.
func (t *terminal) narrow(columns int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rows [][]rune
	for _, row := range t.rows {
		for len(row) > columns {
			rows, row = append(rows, row[:columns:columns]), row[columns:]
		}
		rows = append(rows, row)
	}
	t.rows, t.columns, t.row = rows, columns, len(rows)-1
}

// shows fails the test unless the terminal shows these lines, where * is any frame of the spinner.
func (t *terminal) shows(tb testing.TB, want ...string) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	var got []string
	for _, row := range t.rows {
		got = append(got, strings.TrimRight(strings.Map(func(r rune) rune {
			if strings.ContainsRune(string(spinner[:]), r) {
				return '*'
			}
			return r
		}, string(row)), " "))
	}
	want = append(want, "") // where the cursor is
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		tb.Errorf("shown is\n%s\nwant\n%s", g, w)
	}
	if !t.understood {
		tb.Error("the terminal got a sequence that it does not understand")
	}
}

func TestRunningStepsAreDrawnBelowTheLinesThatStay(t *testing.T) {
	term, c := newTerminal(80), &clock{}
	p := newProgress(term, nil, c.now, term.size)
	defer p.Close()
	p.Say("hello")
	web := p.Step("build web")
	proxy := p.Step("build proxy")
	c.advance(1.5)
	web.Log("#5 RUN make\x1b[1A")
	p.Say("a word")
	term.shows(t, "[  0.0s] hello", "[  1.5s] a word", "* build web 1.5s: #5 RUN make", "* build proxy 1.5s")
	c.advance(1)
	web.Done("done")
	term.shows(t, "[  0.0s] hello", "[  1.5s] a word", "[  2.5s] build web: done", "* build proxy 2.5s")
	proxy.Log("one")
	proxy.Log("two")
	proxy.Fail(errors.New("exit code 1\nmore"))
	last := []string{"[  0.0s] hello", "[  1.5s] a word", "[  2.5s] build web: done",
		"[  2.5s] build proxy: one", "[  2.5s] build proxy: two", "[  2.5s] build proxy: failed: exit code 1"}
	term.shows(t, last...)
	if term.hidden {
		t.Error("the cursor is hidden although no step runs")
	}
}

func TestCloseRemovesTheDrawing(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, (&clock{}).now, term.size)
	s := p.Step("build")
	term.shows(t, "* build 0.0s")
	if !term.hidden {
		t.Error("the cursor is shown while steps are drawn")
	}
	p.Close()
	term.shows(t)
	if term.hidden {
		t.Error("the cursor is still hidden")
	}
	s.Log("late")
	s.Done("done")
	term.shows(t, "[  0.0s] build: late", "[  0.0s] build: done")
}

func TestTypedCharactersAreErased(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, (&clock{}).now, term.size)
	p.Step("build")
	fmt.Fprint(term, "^C")
	p.Close()
	term.shows(t)
}

func TestTheSpinnerTurns(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, time.Now, term.size)
	defer p.Close()
	p.Step("build")
	seen := map[string]bool{}
	for range 1000 {
		term.mu.Lock()
		seen[string(term.rows[0][:1])] = true
		term.mu.Unlock()
		if len(seen) == 3 {
			return
		}
		time.Sleep(frameTime / 10)
	}
	t.Error("the spinner does not turn")
}

func TestAFailedStepShowsTheEndOfItsLog(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, (&clock{}).now, term.size)
	defer p.Close()
	s := p.Step("build")
	var want []string
	for i := range 3 * tailLines {
		s.Log(fmt.Sprint("line ", i))
		want = append(want, fmt.Sprintf("[  0.0s] build: line %d", i))
	}
	s.Fail(errors.New("no"))
	term.shows(t, append(want[2*tailLines:], "[  0.0s] build: failed: no")...)
}

// redraw does what the next tick of animate does.
func redraw(p *Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(nil)
}

func TestLinesFitTheWindow(t *testing.T) {
	term := newTerminal(20)
	p := newProgress(term, nil, (&clock{}).now, term.size)
	defer p.Close()
	s := p.Step("build")
	s.Log(strings.Repeat("x", 200))
	redraw(p)
	term.shows(t, "* build 0.0s: xxxx…")
}

func TestANarrowerWindowIsErasedCompletely(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, (&clock{}).now, term.size)
	defer p.Close()
	p.Say("hello")
	web := p.Step("build web")
	web.Log(strings.Repeat("x", 60))
	p.Step("build proxy")
	redraw(p)
	p.mu.Lock()
	term.narrow(30)
	p.mu.Unlock()
	redraw(p)
	term.shows(t, "[  0.0s] hello", "* build web 0.0s: xxxxxxxxxx…", "* build proxy 0.0s")
}

func TestOnlyAsManyStepsAsFitAreDrawn(t *testing.T) {
	term := newTerminal(80)
	p := newProgress(term, nil, (&clock{}).now, func() (int, int) { return 80, 4 })
	defer p.Close()
	var steps []*Step
	for i := range 5 {
		steps = append(steps, p.Step(fmt.Sprint("step ", i)))
	}
	term.shows(t, "* step 0 0.0s", "* step 1 0.0s", "  and 3 more")
	steps[0].Done("done")
	steps[3].Done("done")
	term.shows(t, "[  0.0s] step 0: done", "[  0.0s] step 3: done", "* step 1 0.0s", "* step 2 0.0s", "* step 4 0.0s")
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"abc", 4, "abc"},
		{"abcd", 4, "ab…"},
		{"한국어", 7, "한국어"},
		{"한국어", 6, "한국…"},
		{"한국어", 5, "한…"},
		{"e\u0301e\u0301e\u0301", 4, "e\u0301e\u0301e\u0301"},
		{"abc", 1, "…"},
		{"", 1, ""},
	} {
		if got := fit(c.line, c.columns); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.line, c.columns, got, c.want)
		}
	}
}

func TestDrawable(t *testing.T) {
	for _, c := range []struct {
		term, ci string
		want     bool
	}{
		{"xterm-256color", "", true},
		{"dumb", "", false},
		{"", "", false},
		{"xterm-256color", "true", false},
	} {
		getenv := func(name string) string { return map[string]string{"TERM": c.term, "CI": c.ci}[name] }
		if got := drawable(getenv); got != c.want {
			t.Errorf("TERM=%s CI=%s: got %v, want %v", c.term, c.ci, got, c.want)
		}
	}
}
