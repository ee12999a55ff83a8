package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beansprout/test/lab"
	"beansprout/test/must"
)

func TestMain(m *testing.M) { lab.Main(m) }

// bench drives the real binary, as make bench has built it, against a local cloud of its own.
type bench struct {
	*testing.B
	dir string
	env []string
}

func newBench(b *testing.B) *bench {
	ports, err := lab.FreePorts(2)
	must.Succeed(b, err)
	dir := b.TempDir()
	must.Succeed(b, os.CopyFS(filepath.Join(dir, "hello"), os.DirFS("../../examples/hello")))
	t := &bench{b, dir, append(os.Environ(),
		"BEANSPROUT_LOCAL_DIR="+filepath.Join(dir, "cloud"), "BEANSPROUT_LOCAL_PORT="+ports[0], "BEANSPROUT_LOCAL_URL_PORT="+ports[1])}
	b.Cleanup(func() { t.run("local", "reset") })
	t.run("local", "start")
	return t
}

func (b *bench) run(args ...string) time.Duration {
	binary, err := filepath.Abs("../../bin/beansprout")
	must.Succeed(b, err)
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = filepath.Join(b.dir, "hello"), b.env
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("beansprout %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return time.Since(start)
}

func (b *bench) up() time.Duration { return b.run("--local", "up", "--feature", "bench") }

// touch changes one file of the application.
func (b *bench) touch(i int) {
	f, err := os.OpenFile(filepath.Join(b.dir, "hello", "web", "main.go"), os.O_APPEND|os.O_WRONLY, 0)
	must.Succeed(b, err)
	defer f.Close()
	_, err = fmt.Fprintf(f, "\nfunc init() { if len(%q) == 0 { panic(%d) } }\n", time.Now(), i)
	must.Succeed(b, err)
}

// BenchmarkUp measures whole runs on examples/hello: launched, unchanged, and redeployed after
// a change of one source file, side by side. The figure that counts is their ratio.
func BenchmarkUp(b *testing.B) {
	t := newBench(b)
	var launched, unchanged, redeployed time.Duration
	for i := range b.N {
		launched += t.up()
		unchanged += t.up()
		t.touch(i)
		redeployed += t.up()
		t.run("--local", "down", "--purge", "bench")
	}
	seconds := func(d time.Duration) float64 { return d.Seconds() / float64(b.N) }
	b.ReportMetric(seconds(launched), "s/launched")
	b.ReportMetric(seconds(unchanged), "s/unchanged")
	b.ReportMetric(seconds(redeployed), "s/redeployed")
	b.ReportMetric(float64(redeployed)/float64(unchanged), "redeployed/unchanged")
}
