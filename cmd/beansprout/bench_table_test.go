package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// table is what a benchmark prints, as docs/performance.md has it: the medians of figures that
// were measured side by side.
type table struct {
	title   string
	columns [2]string // whose figures stand side by side
	names   []string  // of the rows, in order
	rows    map[string]*row
}

// row is one comparison.
type row struct {
	unit         string
	ours, theirs []float64
	most         float64 // ours may be at most so many times theirs
	absolute     bool    // or so much
}

func newTable(title, ours, theirs string) *table {
	return &table{title: title, columns: [2]string{ours, theirs}, rows: map[string]*row{}}
}

func (t *table) row(name, unit string, most float64) *row {
	r, ok := t.rows[name]
	if !ok {
		r = &row{unit: unit, most: most}
		t.rows[name], t.names = r, append(t.names, name)
	}
	return r
}

// times adds one round of a comparison in seconds.
func (t *table) times(name string, most float64, ours, theirs time.Duration) {
	t.compares(name, "s", most, ours.Seconds(), theirs.Seconds())
}

// compares adds one round of a comparison.
func (t *table) compares(name, unit string, most, ours, theirs float64) {
	r := t.row(name, unit, most)
	r.ours, r.theirs = append(r.ours, ours), append(r.theirs, theirs)
}

// counts adds one round of a figure that has a limit of its own, whatever theirs are.
func (t *table) counts(name, unit string, most, ours float64, theirs ...float64) {
	r := t.row(name, unit, most)
	r.ours, r.theirs, r.absolute = append(r.ours, ours), append(r.theirs, theirs...), true
}

// says adds one round of a figure that has no limit.
func (t *table) says(name, unit string, ours float64) { t.counts(name, unit, math.Inf(1), ours) }

// print says for each row whether it is within its limit.
func (t *table) print() {
	fmt.Printf("\n### %s\n\n%s\n\n", t.title, machine(len(t.rows[t.names[0]].ours)))
	fmt.Printf("| | %s | %s | ratio | limit | |\n|---|---|---|---|---|---|\n", t.columns[0], t.columns[1])
	for _, name := range t.names {
		fmt.Println("| " + name + " | " + t.rows[name].String() + " |")
	}
}

func (r *row) String() string {
	ours := median(r.ours)
	theirs, ratio, limit, compared := "", "", figure(r.most)+" "+r.unit, ours
	if len(r.theirs) > 0 {
		theirs = figure(median(r.theirs)) + " " + r.unit
		ratio = fmt.Sprintf("%.3f", ours/median(r.theirs))
	}
	if !r.absolute {
		limit, compared = fmt.Sprintf("%.3g", r.most), ours/median(r.theirs)
	}
	verdict := "PASS"
	switch {
	case math.IsInf(r.most, 1):
		limit, verdict = "", ""
	case compared > r.most:
		verdict = "**over**"
	}
	return strings.Join([]string{figure(ours) + " " + r.unit, theirs, ratio, limit, verdict}, " | ")
}

func figure(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

// machine says what the figures were measured on, in so many rounds.
func machine(rounds int) string {
	out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").Output()
	if err != nil {
		out = []byte("unknown")
	}
	return fmt.Sprintf("%d cores (%s/%s), Docker Engine %s, medians of %d, load %s at the end.",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.TrimSpace(string(out)), rounds, loadAverage())
}

// timed says how long f takes.
func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// shell runs a program whose output only matters when it fails.
func shell(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// tool finds a program that a benchmark compares with, and skips the benchmark without it.
// Wrappers such as pyenv's would count against it.
func tool(b *testing.B, name string, known ...string) string {
	b.Helper()
	for _, path := range known {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if out, err := exec.Command("pyenv", "which", name).Output(); err == nil {
		return strings.TrimSpace(string(out))
	}
	path, err := exec.LookPath(name)
	if err != nil {
		b.Skipf("there is no %s to compare with", name)
	}
	return path
}
