package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/test/must"
)

func changed(t *testing.T, root string) []string {
	t.Helper()
	paths, err := Changes(t.Context(), root)
	must.Succeed(t, err)
	return paths
}

// tree is a repository with files, all of them committed.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := repository(t)
	for name, text := range files {
		must.Succeed(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		must.Write(t, filepath.Join(root, name), text)
	}
	run(t, root, "add", ".")
	record(t, root, "Ann")
	return root
}

func TestWhatIsNotCommittedIsAChange(t *testing.T) {
	root := tree(t, map[string]string{"a": "1", "b/c": "1", ".gitignore": "/bin/\n", "한 국": "1"})
	if got := changed(t, root); len(got) != 0 {
		t.Fatalf("nothing has changed, but %q", got)
	}
	for _, c := range []struct {
		name   string
		change func()
		want   []string
	}{
		{"an ignored file", func() { must.Write(t, filepath.Join(mkdir(t, root, "bin"), "x"), "1") }, nil},
		{"an edited file", func() { must.Write(t, filepath.Join(root, "b/c"), "2") }, []string{"b/c"}},
		{"a staged file", func() { run(t, root, "add", ".") }, []string{"b/c"}},
		{"a removed file", func() { os.Remove(filepath.Join(root, "한 국")) }, []string{"b/c", "한 국"}},
		{"a new file", func() { must.Write(t, filepath.Join(mkdir(t, root, "new"), "x y"), "1") }, []string{"b/c", "한 국", "new/"}},
		{"a mode", func() { os.Chmod(filepath.Join(root, "a"), 0o644) }, []string{"a", "b/c", "한 국", "new/"}},
		{"a commit of it all", func() { run(t, root, "add", "."); record(t, root, "Ann") }, nil},
		{"a touched file", func() { os.Chtimes(filepath.Join(root, "a"), time.Now(), time.Now().Add(time.Hour)) }, nil},
	} {
		c.change()
		if got := changed(t, root); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func mkdir(t *testing.T, elements ...string) string {
	t.Helper()
	dir := filepath.Join(elements...)
	must.Succeed(t, os.MkdirAll(dir, 0o700))
	return dir
}

func TestWhatTheUserIgnoresEverywhereIsNoChange(t *testing.T) {
	root := tree(t, map[string]string{"a": "1"})
	must.Write(t, filepath.Join(root, "x.swp"), "1")
	must.Write(t, filepath.Join(root, ".DS_Store"), "1")
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	if got := changed(t, root); len(got) != 2 {
		t.Errorf("got %q", got)
	}
	must.Write(t, filepath.Join(mkdir(t, home, ".config", "git"), "ignore"), "*.swp\n.DS_Store\n")
	if got := changed(t, root); len(got) != 0 {
		t.Errorf("with the file that git reads by itself: got %q", got)
	}
	must.Write(t, filepath.Join(home, `my "ignore"`), "*.swp\n")
	run(t, root, "config", "--file", filepath.Join(home, ".gitconfig"), "core.excludesFile", `~/my "ignore"`)
	if got := changed(t, root); !slices.Equal(got, []string{".DS_Store"}) {
		t.Errorf("with a file that the configuration names: got %q", got)
	}
	must.Write(t, filepath.Join(home, ".gitconfig"), "[broken\n")
	if got := changed(t, root); len(got) != 0 {
		t.Errorf("with a configuration that can't be read: got %q", got)
	}
}

func TestSubmodulesCanHaveChanged(t *testing.T) {
	inner := tree(t, map[string]string{"x": "1"})
	root := tree(t, map[string]string{"a": "1"})
	run(t, root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "file://"+inner, "lib/inner")
	record(t, root, "Ann")
	if got := changed(t, root); len(got) != 0 {
		t.Fatalf("got %q", got)
	}
	must.Write(t, filepath.Join(root, "lib/inner/y"), "1")
	if got := changed(t, root); !slices.Equal(got, []string{"lib/inner/y"}) {
		t.Errorf("a new file: got %q", got)
	}
	run(t, filepath.Join(root, "lib/inner"), "add", ".")
	record(t, filepath.Join(root, "lib/inner"), "Ann")
	if got := changed(t, root); !slices.Equal(got, []string{"lib/inner"}) {
		t.Errorf("another commit: got %q", got)
	}
	run(t, root, "submodule", "--quiet", "deinit", "--force", "lib/inner")
	if got := changed(t, root); len(got) != 0 {
		t.Errorf("not checked out: got %q", got)
	}
}

// TestLookingForChangesRunsNothing springs every trap that a repository's configuration and that of
// its submodules can lay for git status.
func TestLookingForChangesRunsNothing(t *testing.T) {
	inner := tree(t, map[string]string{"x": "1", ".gitattributes": "* filter=evil diff=evil"})
	root := tree(t, map[string]string{"x": "1", "y": "1", ".gitattributes": "* filter=evil diff=evil"})
	run(t, root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "file://"+inner, "inner")
	record(t, root, "Ann")
	program, sprung := trap(t)
	hooks := mkdir(t, root, ".git", "hooks")
	for _, hook := range []string{"post-index-change", "fsmonitor-watchman"} {
		must.Succeed(t, os.Symlink(program, filepath.Join(hooks, hook)))
	}
	for _, dir := range []string{root, filepath.Join(root, "inner")} {
		for _, key := range []string{
			"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.command", "diff.evil.textconv", "diff.external",
			"core.fsmonitor", "core.pager", "pager.status", "core.sshCommand", "alias.status", "core.editor",
		} {
			run(t, dir, "config", key, program)
		}
		run(t, dir, "config", "filter.evil.required", "true")
		run(t, dir, "config", "core.hooksPath", hooks)
		run(t, dir, "config", "status.submoduleSummary", "true")
		os.Chtimes(filepath.Join(dir, "x"), time.Now(), time.Now().Add(time.Hour))
		must.Write(t, filepath.Join(dir, "y"), "2")
	}
	got := changed(t, root)
	if !slices.Equal(got, []string{"inner/y"}) { // the others are filtered
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(sprung); err == nil {
		t.Error("a program that the repository's configuration names has run")
	}
	run(t, root, "config", "filter.a=b.clean", program)
	if _, err := Changes(t.Context(), root); err == nil || !strings.Contains(err.Error(), "can't be switched off") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(sprung); err == nil {
		t.Error("a program that the repository's configuration names has run")
	}
}

func TestAModuleThatIsTheRepositoryItselfEnds(t *testing.T) {
	root := tree(t, map[string]string{".gitmodules": "[submodule \"a\"]\n\tpath = .\n[submodule \"b\"]\n\tpath = ../x\n[submodule \"c\"]\n\tpath = /\n[submodule \"d\"]\n\tpath\n"})
	if got := changed(t, root); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

// TestAnOldGitReadsACheckoutOfAnotherUser has a git that reads safe.directory from files alone,
// and, older still, knows no GIT_CONFIG_GLOBAL.
func TestAnOldGitReadsACheckoutOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	real, err := exec.LookPath("git")
	must.Succeed(t, err)
	root := tree(t, map[string]string{"a": "1"})
	must.Write(t, filepath.Join(root, "b"), "1")
	commit := run(t, root, "rev-parse", "HEAD")
	if out, err := exec.Command("chown", "-R", "12345:12345", root).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	path := os.Getenv("PATH")
	for name, lines := range map[string]string{
		"before 2.38": `for a; do shift; [ "$a" = "safe.directory=*" ] && a=x.y=z; set -- "$@" "$a"; done`,
		"before 2.32": `unset GIT_CONFIG_GLOBAL; for a; do shift; [ "$a" = "safe.directory=*" ] && a=x.y=z; set -- "$@" "$a"; done`,
	} {
		bin := t.TempDir()
		must.Succeed(t, os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\n"+lines+"\nexec "+real+" \"$@\"\n"), 0o700))
		t.Setenv("PATH", bin+":"+path)
		if got := read(t, root, none); got.Branch != "main" || got.Commit != commit {
			t.Errorf("%s: got %+v", name, got)
		}
		if got := changed(t, root); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%s: changes %q", name, got)
		}
	}
}

func TestWhatGitAdvisesIsNotPassedOn(t *testing.T) {
	root := repository(t)
	bin := t.TempDir()
	script := "#!/bin/sh\necho >&2 'warning: x'\necho >&2 \"fatal: detected dubious ownership in repository at 'x'\"\necho >&2 'To add an exception for this directory, call:'\necho >&2\necho >&2 '\tgit config --global --add safe.directory x'\nexit 128\n"
	must.Succeed(t, os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, err := Read(t.Context(), root, none)
	if err == nil || !strings.Contains(err.Error(), "dubious ownership") || strings.Contains(err.Error(), "safe.directory") {
		t.Errorf("got %v", err)
	}
}

func TestGitsConfigurationIsNotLeftBehind(t *testing.T) {
	root := repository(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	read(t, root, none)
	changed(t, root)
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(temp, "nowhere"))
	if _, err := Read(t.Context(), root, none); err == nil || !strings.Contains(err.Error(), "configuration") {
		t.Errorf("got %v", err)
	}
}
