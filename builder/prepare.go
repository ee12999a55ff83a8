package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// grace is how long a cancelled command may take to end by itself, and how long
	// one that has ended may leave its output open: a build daemon that it started
	// inherits that and stays.
	grace = 2 * time.Second
	// lockPoll is the time between two attempts at a lock that somebody else holds.
	lockPoll = 100 * time.Millisecond
)

// preparations returns, for each source, what runs its command. Sources that share the
// directory and the command share the run, which is logged under the first one's name.
// Different commands of one directory run in the order of the sources, and one that fails
// fails those behind it.
func (w *work) preparations(ctx context.Context, sources []Source) []func() error {
	type command struct{ dir, line string }
	once := map[command]func() error{}
	last := map[string]func() error{} // by directory
	all := make([]func() error, len(sources))
	hidden := newMask(allSecrets(sources))
	for i, s := range sources {
		c := command{s.Dir, s.Prepare}
		if once[c] == nil {
			before := last[s.Dir]
			once[c] = sync.OnceValue(func() error {
				if before != nil && s.Prepare != "" {
					if err := before(); err != nil {
						return err
					}
				}
				return w.prepare(ctx, s, hidden)
			})
			if s.Prepare != "" {
				last[s.Dir] = once[c]
			}
		}
		all[i] = once[c]
	}
	return all
}

// Prepare runs a command that makes something else than an image, as Source.Prepare is run:
// by a shell, alone in its directory. What it prints goes to log, and a failure is a
// *BuildError without an image.
func Prepare(ctx context.Context, dir, command string, log func(line string)) error {
	w := &work{log: func(_, _, line string) { log(line) }}
	return w.prepare(ctx, Source{Dir: dir, Prepare: command}, mask{})
}

func allSecrets(sources []Source) (all []Secret) {
	for _, s := range sources {
		all = append(all, s.Secrets...)
	}
	return all
}

// prepare runs the application's own build, alone in its directory. What is secret in the
// images may be in its environment.
func (w *work) prepare(ctx context.Context, s Source, hidden mask) (err error) {
	if s.Prepare == "" {
		return nil
	}
	command := hidden.hide(s.Prepare)
	stage := w.begin(s.Name, stepPrepare, "prepare: "+command)
	defer func() { stage.end(ctx, err) }()
	unlock, err := lock(ctx, s.Dir, stage.say)
	if err != nil {
		return &BuildError{Image: s.Name, Step: "prepare", Err: err}
	}
	defer unlock()
	stage.log("$ " + command)
	out := &lines{emit: stage.say, mask: hidden}
	err = run(ctx, s, out)
	out.flush()
	if err == nil {
		return nil
	}
	failed := &BuildError{Image: s.Name, Step: fmt.Sprintf("prepare %q", command), Output: out.tail(), Err: err}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		failed.ExitCode = max(exit.ExitCode(), 0) // a signal has none
	}
	return failed
}

// run runs the command in a process group of its own, so that a cancellation
// reaches everything that it started. The kernel ends the shell if we are killed; it goes by
// the thread that started it, which therefore must not end before.
func run(ctx context.Context, s Source, out *lines) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", s.Prepare)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever did not heed the first signal
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// lock waits until it holds the lock on dir itself, which leaves no file behind.
func lock(ctx context.Context, dir string, log func(string)) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, missing(ErrNoContext, dir, err)
	}
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			if err != nil { // some network file systems have no locks
				log(fmt.Sprintf("goes on without a lock on %s: %v", dir, err))
			}
			return func() { _ = f.Close() }, nil
		}
		if !waiting {
			log("waiting for another build in " + dir)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}
