package files

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/must"
)

// playground is a directory with all kinds of things in it, and a file outside of it.
func playground(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	in := func(name string) string { return filepath.Join(dir, name) }
	socket, err := net.Listen("unix", in("socket"))
	must.Succeed(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	err = errors.Join(
		os.WriteFile(outside, []byte("outside"), 0o600),
		os.MkdirAll(in("dir/sub"), 0o700),
		os.WriteFile(in("dir/file"), []byte("four"), 0o600),
		os.WriteFile(in("sparse"), nil, 0o600),
		os.Truncate(in("sparse"), 1<<40),
		syscall.Mkfifo(in("pipe"), 0o600),
		os.Symlink("pipe", in("to-pipe")),
		os.Symlink("/dev/zero", in("to-zero")),
		os.Symlink("../dir/./sub/../file", in("dir/inside")),
		os.Symlink(outside, in("out")),
		os.Symlink("../"+filepath.Base(filepath.Dir(outside))+"/outside", in("relative-out")),
		os.Symlink(filepath.Dir(outside), in("dir-out")),
		os.Symlink("loop", in("loop")),
		os.Symlink("nowhere", in("dangling")),
	)
	must.Succeed(t, err)
	return dir
}

func TestOnlyRegularFilesOfTheDirectoryAreRead(t *testing.T) {
	dir := playground(t)
	const leads = "is outside its directory, or a link leads out of it"
	for name, want := range map[string]string{
		"dir/file":        "",
		"dir/inside":      "",
		"dir/../dir/file": "",
		"sparse":          "is larger than 1 MB",
		"dir":             "is a directory, not a file",
		".":               "is a directory, not a file",
		"pipe":            "is a pipe, not a regular file",
		"to-pipe":         "is a pipe, not a regular file",
		"socket":          "is a socket, not a regular file",
		"loop":            "too many levels of symbolic links",
		"to-zero":         leads,
		"out":             leads,
		"relative-out":    leads,
		"dir-out/outside": leads,
		"../x":            leads,
		"/etc/passwd":     leads,
		"nothing":         "no such file or directory",
		"dangling":        "no such file or directory",
		"dir/file/x":      "not a directory",
	} {
		text, err := ReadIn(t.Context(), dir, name, Text)
		if want == "" && (err != nil || string(text) != "four") || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %q, %v, want %q", name, text, err, want)
		}
		if errors.Is(err, fs.ErrNotExist) != (want == "no such file or directory") {
			t.Errorf("%s: %v is ErrNotExist or should be", name, err)
		}
	}
	if _, err := ReadIn(t.Context(), filepath.Join(dir, "gone"), "x", Text); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}

func TestWithoutARootAFileMayBeAnywhere(t *testing.T) {
	dir := playground(t)
	for name, want := range map[string]string{
		"out": "", "dir-out/outside": "",
		"to-zero": "is a device, not a regular file", "pipe": "is a pipe", "sparse": "is larger than 500 kB",
	} {
		text, err := Read(t.Context(), nil, filepath.Join(dir, name), Secret)
		if want == "" && (err != nil || string(text) != "outside") || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %q, %v, want %q", name, text, err, want)
		}
	}
	if text, err := Read(t.Context(), nil, "/proc/self/cmdline", Text); err != nil || len(text) == 0 {
		t.Errorf("a file that says it is empty: %q, %v", text, err)
	}
}

func TestAFileThatGrowsIsReadToItsLimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "grows")
	must.Succeed(t, os.WriteFile(name, make([]byte, 10), 0o600))
	for grown, want := range map[int64]string{10: "", 11: "is larger than 0 kB"} {
		f, err := Open(t.Context(), nil, name, 10)
		if err == nil {
			err = os.Truncate(name, grown)
		}
		must.Succeed(t, err)
		text, err := readAll(t.Context(), f, 10)
		if want == "" && (err != nil || len(text) != 10) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("grown to %d: %d bytes, %v", grown, len(text), err)
		}
		_ = os.Truncate(name, 10)
	}
}

// TestTheTargetOfANameMayChange swaps a file for a pipe and for a link that leads out, over and
// over. Whatever is caught, no Read hangs, and none returns what is outside.
func TestTheTargetOfANameMayChange(t *testing.T) {
	dir := playground(t)
	root, err := os.OpenRoot(dir)
	must.Succeed(t, err)
	defer root.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for _, target := range []string{"dir/file", "pipe", "out", "dir"} {
				_ = os.Symlink(target, filepath.Join(dir, "new"))
				_ = os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "changing"))
			}
		}
	}()
	for ctx.Err() == nil {
		text, err := Read(t.Context(), root, "changing", Text)
		if err == nil && !bytes.Equal(text, []byte("four")) {
			t.Fatalf("read %q", text)
		}
	}
	<-done
}

// TestAnEndlessReadEndsWithItsContext reads the kernel's log, a regular file that waits for
// more at its end.
func TestAnEndlessReadEndsWithItsContext(t *testing.T) {
	f, err := os.OpenFile("/proc/kmsg", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("the kernel's log can't be read: %v", err)
	}
	f.Close()
	over := errors.New("the time is over")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second/10, over)
	defer cancel()
	started := time.Now()
	if _, err := Read(ctx, nil, "/proc/kmsg", 1<<30); !errors.Is(err, over) || time.Since(started) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(started))
	}
	if _, err := Open(ctx, nil, "/proc/kmsg", 1<<30); !errors.Is(err, over) {
		t.Errorf("opened after the end: %v", err)
	}
}

// slow is a disk that does not answer before it is released.
type slow chan struct{}

func (s slow) Read(p []byte) (int, error) { <-s; p[0] = 'x'; return 1, nil }

func TestADeadDiskIsNotWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("over")
	time.AfterFunc(time.Second/20, func() { cancel(over) })
	disk := slow(make(chan struct{}))
	p := []byte("mine")
	if n, err := Limit(ctx, disk, 10).Read(p); n != 0 || !errors.Is(err, over) {
		t.Errorf("%d, %v", n, err)
	}
	close(disk)
	time.Sleep(time.Second / 20)
	if string(p) != "mine" {
		t.Errorf("the late answer was written to the caller's buffer: %q", p)
	}
}
