package bench

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

	"beansprout/test/lab"
	"beansprout/test/must"
)

func TestMain(m *testing.M) { lab.Main(m) }

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
	unit                string
	measured, reference []float64
	limit               float64 // of measured, as a multiple of reference
	absolute            bool    // the limit is no multiple
}

func newTable(title, measured, reference string) *table {
	return &table{title: title, columns: [2]string{measured, reference}, rows: map[string]*row{}}
}

func (t *table) row(name, unit string, limit float64) *row {
	r, ok := t.rows[name]
	if !ok {
		r = &row{unit: unit, limit: limit}
		t.rows[name], t.names = r, append(t.names, name)
	}
	return r
}

// times adds one round of a comparison in seconds.
func (t *table) times(name string, limit float64, measured, reference time.Duration) {
	t.compares(name, "s", limit, measured.Seconds(), reference.Seconds())
}

// compares adds one round of a comparison.
func (t *table) compares(name, unit string, limit, measured, reference float64) {
	r := t.row(name, unit, limit)
	r.measured, r.reference = append(r.measured, measured), append(r.reference, reference)
}

// counts adds one round of a figure that has a limit of its own, whatever the reference is.
func (t *table) counts(name, unit string, limit, measured float64, reference ...float64) {
	r := t.row(name, unit, limit)
	r.measured, r.reference, r.absolute = append(r.measured, measured), append(r.reference, reference...), true
}

// says adds one round of a figure that has no limit.
func (t *table) says(name, unit string, measured float64) {
	t.counts(name, unit, math.Inf(1), measured)
}

// print says for each row whether it is within its limit.
func (t *table) print() {
	fmt.Printf("\n### %s\n\n%s\n\n", t.title, machine(len(t.rows[t.names[0]].measured)))
	fmt.Printf("| | %s | %s | ratio | limit | |\n|---|---|---|---|---|---|\n", t.columns[0], t.columns[1])
	for _, name := range t.names {
		fmt.Println("| " + name + " | " + t.rows[name].String() + " |")
	}
}

func (r *row) String() string {
	measured := median(r.measured)
	reference, ratio, limit, compared := "", "", figure(r.limit)+" "+r.unit, measured
	if len(r.reference) > 0 {
		reference = figure(median(r.reference)) + " " + r.unit
		ratio = fmt.Sprintf("%.3f", measured/median(r.reference))
	}
	if !r.absolute {
		limit, compared = fmt.Sprintf("%.3g", r.limit), measured/median(r.reference)
	}
	verdict := "PASS"
	switch {
	case math.IsInf(r.limit, 1):
		limit, verdict = "", ""
	case compared > r.limit:
		verdict = "**over**"
	}
	return strings.Join([]string{figure(measured) + " " + r.unit, reference, ratio, limit, verdict}, " | ")
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
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.TrimSpace(string(out)), rounds, lab.LoadAverage())
}

// timed says how long f takes.
func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	start := time.Now()
	must.Succeed(b, f())
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
