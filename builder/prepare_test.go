package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"beansprout/test/must"
)

// prepareAll runs the commands of the sources side by side and returns the first error.
func prepareAll(ctx context.Context, log *record, sources ...Source) error {
	errs := make([]error, len(sources))
	var wg sync.WaitGroup
	for i, run := range (&work{log: Log(log.log).serialized()}).preparations(ctx, sources) {
		wg.Go(func() { errs[i] = run() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestPrepareRunsInItsDirectoryWithTheEnvironment(t *testing.T) {
	t.Setenv("BUILDER_TEST_VALUE", "inherited")
	log, dir := &record{}, t.TempDir()
	s := Source{Name: "web", Dir: dir, Prepare: `echo "$BUILDER_TEST_VALUE" > made; echo out; echo err >&2`}
	must.Succeed(t, prepareAll(t.Context(), log, s))
	if made, _ := os.ReadFile(filepath.Join(dir, "made")); string(made) != "inherited\n" {
		t.Errorf("made = %q", made)
	}
	if want := "prepare: out\nprepare: err\n"; !strings.HasSuffix(log.String(), want) {
		t.Errorf("log = %q, want the end %q", log, want)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files in the directory: %v, want only what the command made", left)
	}
}

func TestPrepareRunsOnceForSourcesThatShareIt(t *testing.T) {
	log, dir := &record{}, t.TempDir()
	web := Source{Name: "web", Dir: dir, Prepare: "echo run >> runs"}
	proxy, other := web, web
	proxy.Name, other.Name = "proxy", "other"
	other.Prepare = "echo another >> runs"
	must.Succeed(t, prepareAll(t.Context(), log, web, proxy, other))
	runs, _ := os.ReadFile(filepath.Join(dir, "runs"))
	if n := strings.Count(string(runs), "run\n"); n != 1 || !strings.Contains(string(runs), "another\n") {
		t.Errorf("runs = %q", runs)
	}
}

func TestPreparesOfOneDirectoryNeverRunInParallel(t *testing.T) {
	log, dir := &record{}, t.TempDir()
	alone := "mkdir alone || exit 9; sleep 0.05; rmdir alone; : "
	err := prepareAll(t.Context(), log,
		Source{Name: "a", Dir: dir, Prepare: alone + "a"}, Source{Name: "b", Dir: dir, Prepare: alone + "b"}, Source{Name: "c", Dir: dir, Prepare: alone + "c"})
	must.Succeed(t, err)
}

func TestPrepareShowsWhatFailed(t *testing.T) {
	s := Source{Name: "web", Dir: t.TempDir(), Prepare: "echo first; echo last >&2; exit 3"}
	err := prepareAll(t.Context(), &record{}, s)
	var failed *BuildError
	if !errors.As(err, &failed) || failed.Image != "web" || failed.ExitCode != 3 || failed.Output != "first\nlast" {
		t.Fatalf("error = %#v", err)
	}
	if want := "build image \"web\": prepare \"echo first; echo last >&2; exit 3\": exit code 3\n    first\n    last"; err.Error() != want {
		t.Errorf("error = %q, want %q", err, want)
	}
}

func TestPrepareInADirectoryThatIsNotThere(t *testing.T) {
	err := prepareAll(t.Context(), &record{}, Source{Name: "web", Dir: "/gone/away", Prepare: "true"})
	if !errors.Is(err, ErrNoContext) || !strings.Contains(err.Error(), "/gone/away") {
		t.Errorf("error = %v", err)
	}
}

func TestPrepareDoesNotWaitForADaemonThatItStarted(t *testing.T) {
	dir := t.TempDir()
	s := Source{Name: "web", Dir: dir, Prepare: "sleep 300 & echo $! > pid"}
	if err := prepareAll(t.Context(), &record{}, s); err != nil {
		t.Error(err)
	}
	pid := pidIn(t, dir)
	if !alive(pid) {
		t.Error("the daemon was killed")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestCancellingPrepareKillsAllItsProcesses(t *testing.T) {
	dir := t.TempDir()
	s := Source{Name: "web", Dir: dir, Prepare: `sh -c 'trap "" TERM; echo $$ > pid.new; mv pid.new pid; sleep 300; sleep 300' & wait`}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		registry := func(context.Context) (Registry, error) { return Registry{}, nil }
		_, err := (&Builder{}).Build(ctx, []Source{s}, registry, Options{})
		result <- err
	}()
	must.Wait(t, "the command", func() bool {
		_, err := os.Stat(filepath.Join(dir, "pid"))
		return err == nil
	})
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	pid := pidIn(t, dir)
	must.Wait(t, "the end of the child that ignores SIGTERM", func() bool { return !alive(pid) })
}

func TestPrepareWaitsForTheLockOnItsDirectory(t *testing.T) {
	log, dir := &record{}, t.TempDir()
	other, err := os.Open(dir)
	must.Succeed(t, err)
	defer other.Close()
	must.Succeed(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithCancel(t.Context())
	impatient := make(chan error, 1)
	go func() { impatient <- prepareAll(ctx, log, Source{Name: "web", Dir: dir, Prepare: "touch ran"}) }()
	log.await(t, "waiting for another build in "+dir)
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	patient := make(chan error, 1)
	go func() { patient <- prepareAll(t.Context(), log, Source{Name: "web", Dir: dir, Prepare: "true"}) }()
	_ = other.Close()
	must.Succeed(t, <-patient)
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the command ran without the lock")
	}
}

func pidIn(t *testing.T, dir string) int {
	t.Helper()
	data := must.Read(t, filepath.Join(dir, "pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(data))
	must.Succeed(t, err)
	return pid
}

// alive reports whether the process runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	var state string
	if status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")); err == nil {
		_, state, _ = strings.Cut(string(status), ") ")
	}
	return !strings.HasPrefix(state, "Z")
}
