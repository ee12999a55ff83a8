package starter

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"beansprout/test/must"
)

// TestAReadOnlyDirectoryIsRefused acts as a user who may not write there: root may anywhere.
func TestAReadOnlyDirectoryIsRefused(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": dockerfile})
	must.Succeed(t, os.Chmod(dir, 0o555))
	for d := filepath.Dir(dir); d != "/"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // as root, the others are the test's own
		if filepath.Dir(d) == os.TempDir() {
			break
		}
	}
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // and not unlocked, so that the thread ends with the test
		must.Succeed(t, unix.Setfsuid(65534))
		defer func() { _ = unix.Setfsuid(0) }()
	}
	err := Write(&Survey{Dir: dir}, Plan{Files: []Output{{"beansprout.yaml", "a"}}}, false)
	if err == nil || !strings.Contains(err.Error(), "permission denied; nothing was written") || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}
