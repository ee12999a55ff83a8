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

	"beansprout/builder/fingerprint"
	"beansprout/mask"
)

const (
	// stopTimeout is how long a cancelled command has to end, and how long the output of an ended
	// command may stay open: a build daemon that it started keeps it open.
	stopTimeout = 2 * time.Second
	// lockPollInterval is the time between two attempts to take a lock.
	lockPollInterval = 100 * time.Millisecond
)

// preparations returns, for each source, a function that runs its command. Sources with the same
// directory and command share one run, which is logged under the name of the first. The commands of
// one directory run in the order of the sources. If one fails, so do those after it.
func (w *work) preparations(ctx context.Context, sources []Source) []func() error {
	type command struct{ dir, line string }
	once := map[command]func() error{}
	last := map[string]func() error{} // by directory
	all := make([]func() error, len(sources))
	hidden := withSecrets(w.mask, readableSecrets(ctx, sources), sources...)
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

// Prepare runs a command as Source.Prepare is run: by a shell, alone in its directory. log gets its
// output. The error is a *BuildError without an image. hidden is applied to both.
func Prepare(ctx context.Context, dir, command string, hidden mask.Mask, log func(line string)) error {
	w := &work{log: func(_, _, line string) { log(line) }}
	return w.prepare(ctx, Source{Dir: dir, Prepare: command}, hidden)
}

// prepare runs the command of a source, alone in its directory.
func (w *work) prepare(ctx context.Context, s Source, hidden mask.Mask) error {
	if s.Prepare == "" {
		return nil
	}
	if err := w.mayMake(ctx); err != nil {
		return err
	}
	command := hidden.Hide(s.Prepare)
	log := w.log.of(s.Name, stepPrepare)
	unlock, err := lock(ctx, s.Dir, log)
	if err != nil {
		return &BuildError{Image: s.Name, Step: "prepare", Err: err}
	}
	defer unlock()
	log("$ " + command)
	out := &lines{emit: log, mask: hidden}
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

// run runs the command in its own process group, so that a cancellation ends all its processes. Linux
// kills the shell when the thread that started it ends, so the thread is locked.
func run(ctx context.Context, s Source, out *lines) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", s.Prepare)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	cmd.SysProcAttr = ownGroup()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what ignores SIGTERM
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// lock waits for the lock on the directory itself, so that no lock file is left.
func lock(ctx context.Context, dir string, log func(string)) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fingerprint.OpenError(ErrNoContext, dir, err)
	}
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			if err != nil { // some network file systems have no locks
				log(fmt.Sprintf("continues without a lock on %s: %v", dir, err))
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
		case <-time.After(lockPollInterval):
		}
	}
}
