package checkout

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beansprout/test/must"
)

var born = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func none(string) string { return "" }

// repository makes a git checkout with one commit on the branch "main".
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "init", "--quiet", "--initial-branch=main")
	record(t, dir, "Ann O'Nym")
	return dir
}

func record(t *testing.T, dir, author string) string {
	t.Helper()
	run(t, dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--allow-empty", "--message=x", "--author="+author+" <ann@example.com>")
	return run(t, dir, "rev-parse", "HEAD")
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_COMMITTER_DATE="+born.Format(time.RFC3339))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, dir string, getenv func(string) string) Checkout {
	t.Helper()
	c, err := Read(t.Context(), dir, getenv)
	must.Succeed(t, err)
	return c
}

func TestACheckoutOnABranch(t *testing.T) {
	root := repository(t)
	below := filepath.Join(root, "a", "b")
	must.Succeed(t, os.MkdirAll(below, 0o700))
	want := Checkout{Branch: "main", Commit: run(t, root, "rev-parse", "HEAD"), Subject: "x", Author: "Ann O'Nym", Email: "ann@example.com", Committed: born, Root: root}
	for _, dir := range []string{root, below} {
		if got := read(t, dir, none); got != want {
			t.Errorf("%s: got %+v, want %+v", dir, got, want)
		}
	}
}

func TestNamesOfBranchesAreExact(t *testing.T) {
	root := repository(t)
	for _, name := range []string{"feature/login", "한국", "heads/main", "-x", "a;rm$(x)`y`\"z\"|&", "origin/x", strings.Repeat("x", 200)} {
		run(t, root, "update-ref", "refs/heads/"+name, "HEAD")
		run(t, root, "symbolic-ref", "HEAD", "refs/heads/"+name)
		if got := read(t, root, none).Branch; got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
}

func TestADetachedHeadHasNoBranch(t *testing.T) {
	root := repository(t)
	run(t, root, "checkout", "--quiet", "--detach")
	if got := read(t, root, none); got.Branch != "" || got.Commit == "" {
		t.Errorf("got %+v", got)
	}
	ci := vars{"CHANGE_BRANCH": "feature/x", "BRANCH_NAME": "PR-1"}
	if got := read(t, root, ci.get).Branch; got != "feature/x" {
		t.Errorf("got %q", got)
	}
}

func TestACheckoutWithoutACommitHasABranch(t *testing.T) {
	root := t.TempDir()
	run(t, root, "init", "--quiet", "--initial-branch=fresh")
	ci := vars{"GIT_COMMIT": strings.Repeat("a", 40), "CHANGE_AUTHOR": "bob"}
	if got, want := read(t, root, ci.get), (Checkout{Branch: "fresh", Root: root}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestGitKnowsBetterWhatIsBuilt(t *testing.T) {
	root := repository(t)
	ci := vars{"BRANCH_NAME": "feature", "CHANGE_AUTHOR": "bob", "BUILD_URL": "https://ci.example.com/1"}
	want := Checkout{Branch: "feature", Pushed: true, Commit: run(t, root, "rev-parse", "HEAD"), Subject: "x", Author: "Ann O'Nym", Email: "ann@example.com", Committed: born, BuildURL: "https://ci.example.com/1", Root: root}
	if got := read(t, root, ci.get); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWithoutACheckoutTheVariablesCount(t *testing.T) {
	dir := t.TempDir()
	if got := read(t, dir, none); got != (Checkout{}) {
		t.Errorf("got %+v; is the system's temporary directory in a git checkout?", got)
	}
	ci := vars{"BRANCH_NAME": "feature", "GIT_COMMIT": "ABCDEF0", "CHANGE_AUTHOR": "bob"}
	if got, want := read(t, dir, ci.get), (Checkout{Branch: "feature", Pushed: true, Commit: "abcdef0", Author: "bob"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestALinkedWorktreeIsACheckout(t *testing.T) {
	root := repository(t)
	linked := filepath.Join(t.TempDir(), "linked")
	run(t, root, "worktree", "add", "--quiet", "-b", "other", linked)
	if got := read(t, linked, none); got.Branch != "other" || got.Root != linked {
		t.Errorf("got %+v", got)
	}
}

func TestACheckoutOfAnotherUserIsRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	root := repository(t)
	for _, path := range []string{root, filepath.Join(root, ".git")} {
		must.Succeed(t, os.Chown(path, 12345, 12345))
	}
	if got := read(t, root, none); got.Branch != "main" || got.Commit == "" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatSurroundsGitIsIgnored(t *testing.T) {
	root, other := repository(t), repository(t)
	run(t, other, "checkout", "--quiet", "-b", "other")
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	t.Setenv("GIT_INDEX_FILE", "/nonexistent")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "bad")
	t.Setenv("GIT_CONFIG_VALUE_0", "")
	home := t.TempDir()
	t.Setenv("HOME", home)
	must.Succeed(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[broken\n"), 0o600))
	if got := read(t, root, none); got.Branch != "main" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutGitTheVariablesCount(t *testing.T) {
	root := repository(t)
	t.Setenv("PATH", t.TempDir())
	got, err := Read(t.Context(), root, vars{"BRANCH_NAME": "feature"}.get)
	if !errors.Is(err, ErrNoGit) {
		t.Errorf("got %v, want ErrNoGit", err)
	}
	if got != (Checkout{Branch: "feature", Pushed: true, Root: root}) {
		t.Errorf("got %+v", got)
	}
	if _, err := Read(t.Context(), t.TempDir(), none); err != nil {
		t.Errorf("a directory that is no checkout needs no git: %v", err)
	}
}

func TestABrokenCheckoutIsAnError(t *testing.T) {
	root := repository(t)
	must.Succeed(t, os.WriteFile(filepath.Join(root, ".git", "HEAD"), []byte("garbage\n"), 0o600))
	got, err := Read(t.Context(), root, vars{"BRANCH_NAME": "feature"}.get)
	if err == nil || !strings.Contains(err.Error(), "not a git repository") || got.Branch != "feature" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	if _, err := Read(t.Context(), filepath.Join(t.TempDir(), "x"), none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	root := repository(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, root, none); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestGitSpeaksTheLanguageThatIsUnderstood(t *testing.T) {
	got := plainEnvironment([]string{"PATH=/bin", "LC_ALL=ko_KR.UTF-8", "LC_MESSAGES=de_DE", "LANGUAGE=fr", "GIT_DIR=/x"})
	if got[0] != "PATH=/bin" || got[1] != "LC_ALL=C" {
		t.Errorf("got %q", got)
	}
}

func TestOutputOfGitIsCapped(t *testing.T) {
	var c capped
	for range 3 {
		if n, err := c.Write(make([]byte, maxOutput/2+1)); n != maxOutput/2+1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if c.Len() != maxOutput {
		t.Errorf("kept %d bytes, want %d", c.Len(), maxOutput)
	}
}

func TestTheSourceHasNoCredentials(t *testing.T) {
	root := repository(t)
	run(t, root, "remote", "add", "origin", "https://user:hunter2@git.example.com/team/shop.git")
	if got := read(t, root, none).Source; got != "https://git.example.com/team/shop.git" {
		t.Errorf("source = %q", got)
	}
	for remote, want := range map[string]string{
		"https://token@git.example.com/shop?private_token=x#y": "https://git.example.com/shop",
		"git@git.example.com:team/shop.git":                    "ssh://git.example.com/team/shop.git",
		"git.example.com:/team/shop.git":                       "ssh://git.example.com/team/shop.git",
		"ssh://git:pass@git.example.com:2222/team/shop.git":    "ssh://git.example.com:2222/team/shop.git",
		"https://git.example.com/\x1b[31m":                     "",
		"/srv/git/shop.git":                                    "",
		"../shop":                                              "",
		"file:///srv/git/shop.git":                             "",
		"ext::sh -c touch% /tmp/x":                             "",
		"":                                                     "",
		"https://" + strings.Repeat("x", 3000):                 "",
	} {
		if got := source(remote); got != want {
			t.Errorf("source(%q) = %q, want %q", remote, got, want)
		}
	}
}
