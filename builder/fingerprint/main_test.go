package fingerprint

import (
	"log"
	"os"
	"syscall"
	"testing"

	"beansprout/test/must"
)

// TestMain keeps what the tests remember of files out of the user's cache.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		log.Fatal(err)
	}
	_ = os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	must.Succeed(t, os.Symlink(target, path))
}

// withhold takes a lease on a file, so that not even root can open it without waiting.
func withhold(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must.Succeed(t, err)
	t.Cleanup(func() { _ = f.Close() })
	const setLease = 1024 // F_SETLEASE
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setLease, syscall.F_WRLCK); errno != 0 {
		t.Fatal(errno)
	}
}
