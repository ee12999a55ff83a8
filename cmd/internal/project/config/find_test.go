package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"beansprout/test/must"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	must.Succeed(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must.Succeed(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestFindLooksHereAndAbove(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, Name), "application: shop\n")
	write(t, filepath.Join(root, "near", Name), "application: near\n")
	write(t, filepath.Join(root, "near", "a", "b", "x"), "")
	for dir, want := range map[string]string{
		"":         Name,
		"near":     "near/" + Name,
		"near/a/b": "near/" + Name,
	} {
		got, ok, err := Find(filepath.Join(root, dir))
		if err != nil || !ok || got != filepath.Join(root, want) {
			t.Errorf("Find(%q) = %q, %v, %v; want %q", dir, got, ok, err, want)
		}
	}
}

func TestFindKeepsShortPathsShort(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, Name), "")
	t.Chdir(root)
	if got, ok, err := Find("."); err != nil || !ok || got != Name {
		t.Errorf("got %q, %v, %v; want %q", got, ok, err, Name)
	}
}

func TestFindWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	if got, ok, err := Find(dir); ok || err != nil {
		t.Errorf("got %q, %v, %v; is there a %s in the system's temporary directory?", got, ok, err, Name)
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	root := t.TempDir()
	path := func(dir string) string { return filepath.Join(root, dir, Name) }
	must.Succeed(t, os.MkdirAll(path("directory"), 0o700))
	for _, dir := range []string{"link", "pipe", "loop"} {
		must.Succeed(t, os.Mkdir(filepath.Join(root, dir), 0o700))
	}
	err := errors.Join(
		os.Symlink("nowhere", path("link")),
		os.Symlink(Name, path("loop")),
		syscall.Mkfifo(path("pipe"), 0o600),
	)
	must.Succeed(t, err)
	for dir, want := range map[string]string{
		"directory": "is a directory, not a file",
		"link":      "no such file or directory",
		"loop":      "too many levels of symbolic links",
		"pipe":      "is a pipe, not a regular file",
	} {
		c, err := Nearest(t.Context(), filepath.Join(root, dir))
		refused(t, c != nil, err, path(dir)+": "+want)
		c, err = Load(t.Context(), path(dir))
		refused(t, c != nil, err, path(dir)+": "+want)
	}
}

func refused(t *testing.T, ok bool, err error, want string) {
	t.Helper()
	var e *Error
	if ok || !errors.As(err, &e) || err.Error() != want {
		t.Errorf("got %v, %T %v; want an *Error %s", ok, err, err, want)
	}
}

func TestAnUnreadableFileIsRefused(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, "application: shop\n")
	must.Succeed(t, os.Chmod(path, 0))
	c, err := Nearest(t.Context(), filepath.Dir(path))
	refused(t, c != nil, err, path+": permission denied")
}

func TestFindWantsADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "")
	_, ok, err := Find(path)
	refused(t, ok, err, path+": is not a directory")
	_, ok, err = Find(path + "s")
	refused(t, ok, err, path+"s: no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v doesn't wrap fs.ErrNotExist", err)
	}
}

func TestAHugeFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, strings.Repeat("#\n", 1<<20))
	c, err := Load(t.Context(), path)
	refused(t, c != nil, err, path+": is larger than 64 kB")
}

func TestALinkMayLeadOutOnlyWhereTheFileIsNamed(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "other.yaml")
	write(t, outside, "application: shop\nenvironment: {platform: x}\n")
	path := filepath.Join(t.TempDir(), Name)
	must.Succeed(t, os.Symlink(outside, path))
	c, err := Nearest(t.Context(), filepath.Dir(path))
	refused(t, c != nil, err, path+": is outside its directory, or a link leads out of it")
	if _, err := Load(t.Context(), path); err != nil {
		t.Errorf("named: %v", err)
	}
}
