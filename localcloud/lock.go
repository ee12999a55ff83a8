package localcloud

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const lockFile = "lock"

// ErrInUse is reported if another process holds the directory.
var ErrInUse = errors.New("is running already")

// lock takes the directory's lock. The kernel releases it when the process ends in any way.
func lock(dir string) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the local cloud: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("the local cloud in %s %w, as process %s", dir, ErrInUse, holder(f)), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the local cloud: %w", err), f.Close())
	}
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // only for a message: a cloud on a full disk can be reset
	}
	return f.Close, nil
}

// holder returns the process id in the lock file, if it can be read.
func holder(f *os.File) string {
	pid, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil || len(pid) == 0 {
		return "?"
	}
	return strings.TrimSpace(string(pid))
}
