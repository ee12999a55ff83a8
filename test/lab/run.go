package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// Exit codes of the program.
const (
	ExitFailed      = 1
	ExitInterrupted = 130
)

// Ended is what came of one run of the binary.
type Ended struct {
	args           []string
	Code           int // -1: killed
	Stdout, Stderr string
	Took           time.Duration
}

// String returns the run with all that it printed.
func (r Ended) String() string {
	return fmt.Sprintf("beansprout %s: exit code %d after %.1f s\n%s%s", strings.Join(r.args, " "), r.Code, r.Took.Seconds(), r.Stdout, r.Stderr)
}

// Command returns a command that runs the binary with --local in the application's directory.
// Variables are NAME=VALUE.
func (l *Lab) Command(args []string, variables ...string) *exec.Cmd {
	cmd := exec.Command("beansprout", append([]string{"--local"}, args...)...)
	cmd.Dir = l.Dir
	for name, value := range l.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, variables...)
	return cmd
}

// Run runs a Command to its end. It passes the process to started, unless that is nil.
func (l *Lab) Run(cmd *exec.Cmd, started func(*os.Process)) Ended {
	l.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	must.Succeed(l, cmd.Start())
	if started != nil {
		started(cmd.Process)
	}
	defer time.AfterFunc(l.Limit, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) }).Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		l.Fatal(err)
	}
	return Ended{cmd.Args[2:], cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// Must runs the binary, and fails the test unless that succeeds.
func (l *Lab) Must(args ...string) Ended {
	l.Helper()
	r := l.Run(l.Command(args), nil)
	if r.Code != 0 {
		l.Fatalf("%v", r)
	}
	return r
}

// Up returns the arguments that deploy the feature.
func (l *Lab) Up(args ...string) []string { return slices.Concat([]string{"up"}, l.UpArgs, args) }

// Down returns the arguments that remove the feature's environment and all that belongs to it.
func (l *Lab) Down(args ...string) []string {
	return slices.Concat([]string{"down", "--purge"}, l.UpArgs, args)
}

// Soak reports whether tests are to run at full length.
func Soak() bool { return os.Getenv("BEANSPROUT_SOAK") == "1" }

// Logged returns the requests in the cloud's log on disk, which holds more of them than Cloud.Calls.
func (l *Lab) Logged() []localcloud.Entry {
	l.Helper()
	var all []localcloud.Entry
	for _, name := range []string{"requests.log.1", "requests.log"} {
		f, err := os.Open(filepath.Join(l.Home, name))
		if os.IsNotExist(err) {
			continue
		}
		must.Succeed(l, err)
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var e localcloud.Entry
			must.Succeed(l, json.Unmarshal(lines.Bytes(), &e))
			all = append(all, e)
		}
	}
	return all
}

// LoadAverage is the load of the machine, which all measured times depend on.
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
