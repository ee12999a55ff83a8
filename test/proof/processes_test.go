package proof

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

func TestMain(m *testing.M) { lab.Main(m) }

// TestEveryOrderOfProcesses is TestEveryOrderOfUpsAndRemovals with the program itself: each operation
// is a process with a way of its own to the cloud, on which its calls wait for their turn. Processes are
// stopped by a signal while they wait for an answer, and so are the renewals of their leases; when they
// continue, they have the answer of before.
func TestEveryOrderOfProcesses(t *testing.T) {
	orders, atOnce := 12, 4
	switch {
	case soak():
		orders, atOnce = 400, 16
	case testing.Short():
		t.Skip("builds the program")
	case raced:
		orders = 4
	}
	lab.Provide(t)
	seed := seedOf(t)
	began, calls, removals, ended := time.Now(), 0, 0, map[string]int{}
	f := newField(t, localcloud.Config{Offset: -6 * days, CreateTime: 20 * time.Millisecond, UpdateTime: 20 * time.Millisecond, TerminateTime: 20 * time.Millisecond})
	all := make([]*order, orders)
	each(orders, atOnce, func(i int) { all[i] = newProcesses(f, seed, i) })
	f.advance(6 * days) // to the processes' own time
	each(orders, atOnce, func(i int) {
		if !t.Failed() {
			all[i].run()
			all[i].check()
		}
	})
	for _, o := range all {
		calls, removals = calls+o.granted, removals+o.judged
		for _, op := range o.operations {
			kind, _, _ := strings.Cut(op.name, " ")
			ended[fmt.Sprint(kind, " ", op.err == nil)]++
		}
	}
	t.Logf("%d orders of %d calls in %v: %d removals by sweeps, %v", orders, calls, time.Since(began).Round(time.Second), removals, ended)
	if soak() && removals < orders/12 && !t.Failed() {
		t.Error("that proves little")
	}
}

// newProcesses is newOrder whose operations are processes.
func newProcesses(f *field, seed uint64, number int) *order {
	o := openOrder(f, seed, number)
	o.choose(
		o.runs("sweep", "--live", "--json", "--yes"), o.runs("up", "--feature", feature, "--json"), o.runs("up", "--feature", feature, "--json"),
		o.runs("down", "--feature", feature, "--json", "--yes"), o.runs("sweep", "--live", "--json", "--yes"),
		o.runs("extend", "--feature", feature, "--by", "1d"), o.runs("keep", "--feature", feature), o.runs("restore", "--feature", feature),
	)
	return o
}

// runs returns what makes an operation that is a process with these arguments.
func (o *order) runs(verb string, args ...string) func(int) *operation {
	return func(n int) *operation {
		op := &operation{name: fmt.Sprint(verb, " ", n)}
		cmd := o.command(n, append([]string{verb}, args...))
		op.do = func(ctx context.Context, _ *envs.Manager) ([]envs.Receipt, error) { return o.execute(ctx, op, cmd) }
		return op
	}
}

// command returns a command in a directory of its own, with its own content to deploy.
func (o *order) command(n int, args []string) *exec.Cmd {
	o.Helper()
	dir := o.TempDir()
	const settings = "application: %s\nartifact: app.jar\nenvironment: {platform: %s, check: {path: /}}\nexpire: {after: 5d, least: 1d, restore_for: 10d}\n"
	must.Succeed(o, os.WriteFile(filepath.Join(dir, "beansprout.yaml"), fmt.Appendf(nil, settings, o.application, platform), 0o600))
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	_, err := z.Create(fmt.Sprint("content-", n))
	must.Succeed(o, errors.Join(err, z.Close(), os.WriteFile(filepath.Join(dir, "app.jar"), jar.Bytes(), 0o600)))
	cmd := exec.Command("beansprout", append([]string{"--local"}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "DOCKER_HOST=unix:///nowhere",
		"GIT_COMMIT=" + strings.Repeat(fmt.Sprintf("%x", n+1), 40),
	}
	return cmd
}

// execute runs a process to its end, with its calls waiting for their turn.
func (o *order) execute(ctx context.Context, op *operation, cmd *exec.Cmd) ([]envs.Receipt, error) {
	running, err := localcloud.Status(o.dir)
	if err != nil {
		return nil, err
	}
	way := httptest.NewServer(through{actor{o.wire, op.name, func(c call) error { return o.wait(op, c) }}, o.cloud.Endpoint()})
	defer way.Close()
	cmd.Env = append(cmd.Env, "BEANSPROUT_LOCAL_DIR="+lab.Detour(o, running, way.URL))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	o.mu.Lock() // no call finds it without its process
	err = cmd.Start()
	op.process, op.by = cmd.Process, "" // what a process that has ended leaves is not in force
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err = cmd.Wait(); err != nil {
		err = said(stderr.String())
	}
	return receiptsIn(stdout.Bytes()), err
}

// stop stops a process for a while.
func (op *operation) stop(pause time.Duration) {
	_ = op.process.Signal(syscall.SIGSTOP)
	time.AfterFunc(pause, func() { _ = op.process.Signal(syscall.SIGCONT) })
}

// inTheWay are the beginnings of what the program says where others are at work on the same feature.
var inTheWay = []string{
	"has no environment", "is protected", "being removed", "it lives", "nothing that could be restored", "by now", "at work", "superseded", "has gone",
}

// said returns the error of a process that has printed this.
func said(text string) error {
	for _, words := range inTheWay {
		if _, end, found := strings.Cut(text, "error: "); found && strings.Contains(end, words) {
			return fmt.Errorf("%w: %s", errInTheWay, text)
		}
	}
	return errors.New(text)
}

// receiptsIn returns the receipts in what a process has printed: one, or those of decisions.
func receiptsIn(text []byte) (all []envs.Receipt) {
	var one envs.Receipt
	if json.Unmarshal(text, &one) == nil && len(one.Removed) > 0 {
		return []envs.Receipt{one}
	}
	var decisions []struct{ Receipt *envs.Receipt }
	_ = json.Unmarshal(text, &decisions)
	for _, d := range decisions {
		if d.Receipt != nil {
			all = append(all, *d.Receipt)
		}
	}
	return all
}

// through is an actor's way to the cloud for another process.
type through struct {
	actor
	cloud string
}

func (t through) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	cloud, _ := url.Parse(t.cloud)
	on := r.Clone(r.Context())
	on.RequestURI, on.URL.Scheme, on.URL.Host = "", cloud.Scheme, cloud.Host // the signature is over r.Host
	on.Body = io.NopCloser(bytes.NewReader(body))
	send := t.Do
	if strings.HasPrefix(r.URL.Path, "/_") { // the question whether the cloud runs is no call
		send = t.wire.transport.RoundTrip
	}
	answer, err := send(on)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}
