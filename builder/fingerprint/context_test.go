package fingerprint

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tonistiigi/fsutil/types"

	"beansprout/test/must"
)

func TestTheEngineSeesFilesWithoutTheirOwners(t *testing.T) {
	dir := t.TempDir()
	must.Write(t, filepath.Join(dir, "a"), "a")
	if os.Getuid() == 0 {
		must.Succeed(t, os.Chown(filepath.Join(dir, "a"), 1234, 1234))
	}
	files, err := tree{dir: dir, unreadable: func(path string, err error) { t.Error(path, err) }}.filter(nil)
	must.Succeed(t, err)
	seen := 0
	err = files.Walk(t.Context(), "", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if s := info.Sys().(*types.Stat); s.Uid != 0 || s.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", path, s.Uid, s.Gid)
		}
		seen++
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%d files seen: %v", seen, err)
	}
}

func TestTheWalkContinuesAfterARemovedFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		must.Write(t, filepath.Join(dir, name), name)
	}
	files, err := tree{dir: dir}.filter(nil)
	must.Succeed(t, err)
	var seen []string
	err = files.Walk(t.Context(), "", func(path string, _ fs.DirEntry, err error) error {
		seen = append(seen, path)
		return errors.Join(err, os.RemoveAll(filepath.Join(dir, "b")))
	})
	if err != nil || !slices.Equal(seen, []string{"a", "c"}) {
		t.Errorf("seen %q, %v", seen, err)
	}
}

func TestOpenFileDoesNotWaitForAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	must.Succeed(t, syscall.Mkfifo(path, 0o644))
	if f, err := openFile(path); !errors.Is(err, errNotAFile) {
		t.Errorf("opened %v, %v", f, err)
	}
}

// TestAnUnreadableDirectoryIsNamed runs as a user that is not root.
func TestAnUnreadableDirectoryIsNamed(t *testing.T) {
	if os.Getuid() == 0 {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	for _, name := range []string{"a", "ignored/a", "secret/a", "z"} {
		must.Write(t, filepath.Join(dir, name), name)
	}
	for _, name := range []string{"ignored", "secret"} {
		must.Succeed(t, os.Chmod(filepath.Join(dir, name), 0))
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, name), 0o700) })
	}
	found, err := scan(t.Context(), dir, []string{"ignored"}, nil)
	if err != nil || len(found.unreadable) != 1 || !errors.Is(found.unreadable["secret"], fs.ErrPermission) {
		t.Errorf("unreadable %v, %v", found.unreadable, err)
	}
	if last := found.files[len(found.files)-1].path; last != "z" {
		t.Errorf("the scan ended at %s", last)
	}
}
