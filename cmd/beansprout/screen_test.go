package main

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

// terminal is what a terminal would show: it obeys what the screen uses, and notes all else.
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

// narrow makes the window narrower, and wraps what stands in it.
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

// shows fails unless the terminal shows the lines; the spinner may stand anywhere.
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
		tb.Error("the terminal got something that it doesn't understand")
	}
}

func TestRunningStepsAreDrawnBelowWhatStays(t *testing.T) {
	term, c := newTerminal(80), &clock{}
	p := newTalk(term, c.now, term.size)
	defer p.close()
	p.say("hello")
	web := p.step("build web")
	proxy := p.step("build proxy")
	c.pass(1.5)
	web.log("#5 RUN make\x1b[1A")
	p.say("a word")
	term.shows(t, "[  0.0s] hello", "[  1.5s] a word", "* build web 1.5s: #5 RUN make", "* build proxy 1.5s")
	c.pass(1)
	web.done("done")
	term.shows(t, "[  0.0s] hello", "[  1.5s] a word", "[  2.5s] build web: done", "* build proxy 2.5s")
	proxy.log("one")
	proxy.log("two")
	proxy.fail(errors.New("exit code 1\nmore"))
	last := []string{"[  0.0s] hello", "[  1.5s] a word", "[  2.5s] build web: done",
		"[  2.5s] build proxy: one", "[  2.5s] build proxy: two", "[  2.5s] build proxy: failed: exit code 1"}
	term.shows(t, last...)
	if term.hidden {
		t.Error("the cursor is hidden where nothing is drawn")
	}
}

func TestCloseGivesTheTerminalBack(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, (&clock{}).now, term.size)
	s := p.step("build")
	term.shows(t, "* build 0.0s")
	if !term.hidden {
		t.Error("the cursor is shown while steps are drawn")
	}
	p.close()
	term.shows(t)
	if term.hidden {
		t.Error("the cursor is still hidden")
	}
	s.log("late")
	s.done("done")
	term.shows(t, "[  0.0s] build: late", "[  0.0s] build: done")
}

func TestNothingIsDrawnOnALentTerminalAndNothingLost(t *testing.T) {
	term, c := newTerminal(80), &clock{}
	p := newTalk(term, c.now, term.size)
	defer p.close()
	s := p.step("image web")
	p.say("before")
	p.lend()
	term.shows(t, "[  0.0s] before")
	if term.hidden {
		t.Error("the cursor is hidden")
	}
	fmt.Fprintln(term, "somebody else's")
	c.pass(2)
	p.say("meanwhile")
	s.log("#5 RUN make")
	p.step("other").done("done")
	term.shows(t, "[  0.0s] before", "somebody else's")
	p.takeBack()
	term.shows(t, "[  0.0s] before", "somebody else's", "[  2.0s] meanwhile", "[  2.0s] other: done", "* image web 2.0s: #5 RUN make")
	p.lend()
	p.say("at the end")
	p.close()
	term.shows(t, "[  0.0s] before", "somebody else's", "[  2.0s] meanwhile", "[  2.0s] other: done", "[  2.0s] at the end")
}

func TestWhatIsTypedLeavesNothingBehind(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, (&clock{}).now, term.size)
	p.step("build")
	fmt.Fprint(term, "^C")
	p.close()
	term.shows(t)
}

func TestTheSpinnerTurns(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, nil, term.size)
	defer p.close()
	p.step("build")
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
	t.Error("it stands still")
}

func TestAFailureShowsTheEndOfALongLog(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, (&clock{}).now, term.size)
	defer p.close()
	s := p.step("build")
	var want []string
	for i := range 3 * tailLines {
		s.log(fmt.Sprint("line ", i))
		want = append(want, fmt.Sprintf("[  0.0s] build: line %d", i))
	}
	s.fail(errors.New("no"))
	term.shows(t, append(want[2*tailLines:], "[  0.0s] build: failed: no")...)
}

// redraw does what the next tick would.
func redraw(p *progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(nil)
}

func TestLinesFitTheWindow(t *testing.T) {
	term := newTerminal(20)
	p := newTalk(term, (&clock{}).now, term.size)
	defer p.close()
	s := p.step("build")
	s.log(strings.Repeat("x", 200))
	redraw(p)
	term.shows(t, "* build 0.0s: xxxx…")
}

func TestANarrowerWindowLeavesNothingBehind(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, (&clock{}).now, term.size)
	defer p.close()
	p.say("hello")
	web := p.step("build web")
	web.log(strings.Repeat("x", 60))
	p.step("build proxy")
	redraw(p)
	p.mu.Lock()
	term.narrow(30)
	p.mu.Unlock()
	redraw(p)
	term.shows(t, "[  0.0s] hello", "* build web 0.0s: xxxxxxxxxx…", "* build proxy 0.0s")
}

func TestOnlyAsManyStepsAsFitAreDrawn(t *testing.T) {
	term := newTerminal(80)
	p := newTalk(term, (&clock{}).now, func() (int, int) { return 80, 4 })
	defer p.close()
	var steps []*step
	for i := range 5 {
		steps = append(steps, p.step(fmt.Sprint("step ", i)))
	}
	term.shows(t, "* step 0 0.0s", "* step 1 0.0s", "  and 3 more")
	steps[0].done("done")
	steps[3].done("done")
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

func TestWhereItDraws(t *testing.T) {
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
