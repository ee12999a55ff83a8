package checkout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"beansprout/test/must"
)

// trap returns a program and the file that is there once the program has run.
func trap(t *testing.T) (program, sprung string) {
	t.Helper()
	dir := t.TempDir()
	program, sprung = filepath.Join(dir, "program"), filepath.Join(dir, "sprung")
	must.Succeed(t, os.WriteFile(program, []byte("#!/bin/sh\ntouch "+sprung+"\nexit 1\n"), 0o700))
	return program, sprung
}

func TestConfigurationOfARepositoryRunsNothing(t *testing.T) {
	root := repository(t)
	program, sprung := trap(t)
	for _, key := range []string{"core.fsmonitor", "core.pager", "pager.log", "core.sshCommand", "core.askPass", "gpg.program", "gpg.ssh.program", "diff.external", "core.editor", "alias.log"} {
		run(t, root, "config", key, program)
	}
	run(t, root, "config", "log.showSignature", "true")
	sign(t, root)
	read(t, root, none)
	if _, err := os.Stat(sprung); err == nil {
		t.Error("a program that the repository's configuration names has run")
	}
}

// sign gives HEAD a signature, which git would ask gpg about.
func sign(t *testing.T, root string) {
	t.Helper()
	commit := run(t, root, "cat-file", "commit", "HEAD")
	head, message, _ := strings.Cut(commit, "\n\n")
	path := filepath.Join(t.TempDir(), "commit")
	signed := head + "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n" + message + "\n"
	must.Succeed(t, os.WriteFile(path, []byte(signed), 0o600))
	run(t, root, "update-ref", "HEAD", run(t, root, "hash-object", "-t", "commit", "-w", path))
}

func TestAPartialCloneFetchesNothing(t *testing.T) {
	root := repository(t)
	commit := run(t, root, "rev-parse", "HEAD")
	program, sprung := trap(t)
	for key, value := range map[string]string{
		"core.repositoryFormatVersion": "1",
		"extensions.partialClone":      "origin",
		"remote.origin.promisor":       "true",
		"remote.origin.url":            "ssh://example.invalid/x",
		"core.sshCommand":              program,
		"protocol.allow":               "always",
		"protocol.ssh.allow":           "always",
	} {
		run(t, root, "config", key, value)
	}
	must.Succeed(t, os.Remove(filepath.Join(root, ".git", "objects", commit[:2], commit[2:])))
	if _, err := Read(t.Context(), root, none); err == nil {
		t.Error("the missing commit was read")
	}
	if _, err := os.Stat(sprung); err == nil {
		t.Error("git has fetched")
	}
}

func TestAuthorsAreOneReadableLine(t *testing.T) {
	for name, want := range map[string]string{
		"Ann O'Nym":                "Ann O'Nym",
		"  김  철수\t":                "김 철수",
		"a\x1b[31mb\x07\nc":        "a [31mb c",
		"a\u202eb\u2066c\u2028d":   "a b c d",
		"a\u009bb\xffc":            "a b�c",
		strings.Repeat("ü", 101):   strings.Repeat("ü", 99) + "…",
		"\x00\u202e":               "",
		"<script>@here & \"x\"":    "<script>@here & \"x\"",
		strings.Repeat("a b ", 99): strings.Repeat("a b ", 24) + "a b…",
	} {
		if got := person(name); got != want {
			t.Errorf("person(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestAHugeAuthorIsCut(t *testing.T) {
	root := repository(t)
	head, _, _ := strings.Cut(run(t, root, "cat-file", "commit", "HEAD"), "author")
	path := filepath.Join(t.TempDir(), "commit")
	name := strings.Repeat("x", 1<<20)
	must.Succeed(t, os.WriteFile(path, []byte(head+"author "+name+" <x@example.com> 1 +0000\ncommitter x <x@example.com> 1 +0000\n\nx\n"), 0o600))
	commit := run(t, root, "hash-object", "-t", "commit", "-w", "--literally", path)
	run(t, root, "update-ref", "HEAD", commit)
	if got := read(t, root, none); got.Commit != commit || utf8.RuneCountInString(got.Author) != 100 {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add("refs/heads/main\n", strings.Repeat("a", 40)+"\x00Ann\x00ann@example.com\n")
	f.Add("refs/heads/x\ny\n", strings.Repeat("b", 64)+"\x00\x00ann@example.com\n")
	f.Add("", "")
	f.Add("refs/remotes/origin/x\n", "not a hash\x00\x1b[31m\x00\n")
	f.Fuzz(func(t *testing.T, ref, last string) {
		h, err := parseHead(ref, last)
		if err != nil {
			return
		}
		if h.commit != "" && !hash.MatchString(h.commit) {
			t.Errorf("commit %q", h.commit)
		}
		if !utf8.ValidString(h.author) || strings.ContainsFunc(h.author, unicode.IsControl) || utf8.RuneCountInString(h.author) > 100 {
			t.Errorf("author %q", h.author)
		}
	})
}
