package envfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/must"
)

var whole = Deploy{
	Outcome: "created", URL: "https://shop-login-x.eu-central-1.elasticbeanstalk.com:8443", Commit: "0123456789abcdef+dirty",
	Environment: "shop-login-x", Expires: time.Date(2026, 12, 5, 6, 9, 14, 5, time.FixedZone("", 3600)),
}

const wholeLines = `BEANSPROUT_OUTCOME=created
BEANSPROUT_URL=https://shop-login-x.eu-central-1.elasticbeanstalk.com:8443
BEANSPROUT_COMMIT=0123456789abcdef+dirty
BEANSPROUT_ENVIRONMENT=shop-login-x
BEANSPROUT_EXPIRES=2026-12-05T05:09:14Z
`

const failedLines = "BEANSPROUT_OUTCOME=failed\nBEANSPROUT_URL=\nBEANSPROUT_COMMIT=\nBEANSPROUT_ENVIRONMENT=\nBEANSPROUT_EXPIRES=\n"

// TestEachReaderReadsTheSame reads the lines as a shell does, and as GitLab (app/services/ci's
// ParseDotenvArtifactService) and GitHub's runner (FileCommandManager) do. The tests of package templates
// have Java's Properties read them.
func TestEachReaderReadsTheSame(t *testing.T) {
	t.Parallel()
	for _, want := range []string{wholeLines, failedLines} {
		d := Deploy{Outcome: Failed}
		if want == wholeLines {
			d = whole
		}
		lines, err := d.Lines()
		if err != nil || lines != want {
			t.Errorf("got %s, %v", lines, err)
		}
		path := filepath.Join(t.TempDir(), "beansprout.env")
		must.Write(t, path, lines)
		shell := exec.Command("sh", "-euc", `. "$0"; for n in OUTCOME URL COMMIT ENVIRONMENT EXPIRES; do eval "echo BEANSPROUT_$n=\$BEANSPROUT_$n"; done`, path)
		shell.Env = append(os.Environ(), "BEANSPROUT_URL=of-an-earlier-deploy")
		if read, err := shell.Output(); err != nil || string(read) != want {
			t.Errorf("a shell reads %s, %v", read, err)
		}
		gitlab, github := "", ""
		for line := range strings.Lines(lines) {
			scanned := regexp.MustCompile(`^(.*?)=(.*)\n$`).FindStringSubmatch(line)
			gitlab += strings.TrimSpace(scanned[1]) + "=" + strings.TrimSpace(scanned[2]) + "\n"
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if strings.Contains(name, "<<") {
				t.Errorf("GitHub reads a heredoc: %s", line)
			}
			github += name + "=" + value + "\n"
		}
		if gitlab != want || github != want {
			t.Errorf("GitLab reads %s, GitHub %s", gitlab, github)
		}
	}
}

// TestAValueThatIsMoreIsRefused tries every character of ASCII and some others, in every value.
func TestAValueThatIsMoreIsRefused(t *testing.T) {
	t.Parallel()
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	others := []string{"é", "\u2028", "\u202e", "\u00a0", "\xff", "\r\n", "a\nBEANSPROUT_URL="}
	for char := range rune(128) {
		others = append(others, string(char))
	}
	for _, other := range others {
		value := "a" + other + "b"
		taken := len(other) == 1 && strings.Contains(letters+"._:/+-", other)
		for i, d := range []Deploy{{Outcome: value}, {URL: value}, {Commit: value}, {Environment: value}} {
			if lines, err := d.Lines(); (err == nil) != taken {
				t.Errorf("%d: %q became %q, %v", i, value, lines, err)
			}
		}
	}
}

// TestOnlyAFileOfADeployIsReplaced opens what must stay as it is, and what may go.
func TestOnlyAFileOfADeployIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must.Write(t, at("settings"), "PASSWORD=x\n")
	must.Write(t, at("mixed"), wholeLines+"PASSWORD=x\n")
	must.Write(t, at("blank"), "\n")
	must.Write(t, at("huge"), strings.Repeat(wholeLines, 1000))
	must.Succeed(t, os.Symlink(at("settings"), at("link")))
	must.Succeed(t, os.Symlink(at("nowhere"), at("dangling")))
	must.Succeed(t, syscall.Mkfifo(at("pipe"), 0o600))
	for name, problem := range map[string]string{
		"settings": "no deploy has written", "mixed": "no deploy has written", "blank": "no deploy has written", "huge": "larger than",
		"link": "is a link", "dangling": "is a link", "pipe": "is a pipe", ".": "is a directory", "settings/x": "not a directory",
		"missing/x": "no such file or directory",
	} {
		if _, err := Open(t.Context(), at(name)); err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), ".beansprout") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := must.Read(t, at("settings")); left != "PASSWORD=x\n" {
		t.Errorf("what stays has changed: %s", left)
	}
	must.Write(t, at("empty"), "")
	must.Write(t, at("earlier"), wholeLines)
	for _, name := range []string{"empty", "earlier", "new"} {
		f, err := Open(t.Context(), at(name))
		must.Succeed(t, err)
		if _, err := os.Stat(at(name)); err == nil {
			t.Errorf("%s: an unfinished deploy has a file", name)
		}
		must.Succeed(t, f.Write(Deploy{Outcome: Failed}))
		if text := must.Read(t, at(name)); text != failedLines {
			t.Errorf("%s: got %s", name, text)
		}
	}
	if err := (&File{path: at("new")}).Write(Deploy{URL: "x;id"}); err == nil || must.Read(t, at("new")) != failedLines {
		t.Errorf("a value that is refused was written: %v", err)
	}
	must.Succeed(t, os.Mkdir(at("directory"), 0o700))
	if err := (&File{path: at("directory")}).Write(whole); err == nil {
		t.Error("a directory was replaced")
	}
	if drafts, _ := filepath.Glob(at(".beansprout*")); len(drafts) != 0 {
		t.Errorf("left: %q", drafts)
	}
}

// TestAFileOfTheCIIsAppendedTo opens $GITHUB_OUTPUT under its name and through a link.
func TestAFileOfTheCIIsAppendedTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	output, link := filepath.Join(dir, "output"), filepath.Join(dir, "link")
	must.Succeed(t, os.Symlink(output, link))
	for i, before := range []string{"", "a=b\n", "a=b", wholeLines} {
		must.Write(t, output, before)
		want := before
		if before == "a=b" {
			want += "\n"
		}
		f, err := Open(t.Context(), []string{output, link}[i%2], "", filepath.Join(dir, "missing"), output)
		must.Succeed(t, err)
		if text := must.Read(t, output); text != before {
			t.Errorf("Open left %s", text)
		}
		must.Succeed(t, f.Write(whole))
		if text := must.Read(t, output); text != want+wholeLines {
			t.Errorf("got %s", text)
		}
	}
	must.Succeed(t, os.Chmod(output, 0))
	if _, err := Open(t.Context(), output, output); err == nil && os.Getuid() != 0 {
		t.Error("a file that can't be written was opened")
	}
}

func ExampleDeploy_Lines() {
	lines, _ := Deploy{Outcome: "superseded", Commit: "1a2b3c4", Environment: "shop-login-x"}.Lines()
	fmt.Print(lines)
	// Output:
	// BEANSPROUT_OUTCOME=superseded
	// BEANSPROUT_URL=
	// BEANSPROUT_COMMIT=1a2b3c4
	// BEANSPROUT_ENVIRONMENT=shop-login-x
	// BEANSPROUT_EXPIRES=
}
