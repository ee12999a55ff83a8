package builder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// symlink makes a link in the context of s.
func symlink(t *testing.T, s Source, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(s.Context, name)); err != nil {
		t.Fatal(err)
	}
}

// fingerprintOf returns a fingerprint that has to be one.
func fingerprintOf(t *testing.T, b *Builder, s Source) string {
	t.Helper()
	id, _, notes, err := b.fingerprint(t.Context(), s, b.bases(s, anonymous))
	if err != nil || len(id) != 40 {
		t.Fatalf("fingerprint = %q, %q, %v", id, notes, err)
	}
	return id
}

// TestTheFingerprintChangesWithWhatGoesIn changes one thing at a time. What makes the engine
// build again has to make another fingerprint, too; an engine that has the context from before
// overlooks the mode of a directory and attributes.
func TestTheFingerprintChangesWithWhatGoesIn(t *testing.T) {
	b := connect(t)
	path := func(s *Source, name string) string { return filepath.Join(s.Context, name) }
	for _, test := range []struct {
		name    string
		change  func(s *Source) error
		changes bool // the fingerprint
		builds  bool // the engine
	}{
		{"nothing", func(s *Source) error { return nil }, false, false},
		{"content", func(s *Source) error { return os.WriteFile(path(s, "a"), []byte("A"), 0o755) }, true, true},
		{"mode", func(s *Source) error { return os.Chmod(path(s, "a"), 0o700) }, true, true},
		{"mode of a directory", func(s *Source) error { return os.Chmod(path(s, "dir"), 0o700) }, true, false},
		{"mode of the context", func(s *Source) error { return os.Chmod(s.Context, 0o700) }, false, false},
		{"set-user-id bit", func(s *Source) error { return os.Chmod(path(s, "a"), 0o755|os.ModeSetuid) }, true, true},
		{"sticky bit", func(s *Source) error { return os.Chmod(path(s, "dir"), 0o755|os.ModeSticky) }, true, false},
		{"name", func(s *Source) error { return os.Rename(path(s, "a"), path(s, "b")) }, true, true},
		{"directory", func(s *Source) error { return os.Rename(path(s, "a"), path(s, "dir/a")) }, true, true},
		{"an empty directory", func(s *Source) error { return os.Mkdir(path(s, "empty"), 0o755) }, true, true},
		{"a file less", func(s *Source) error { return os.Remove(path(s, "a")) }, true, true},
		{"target of a link", func(s *Source) error {
			return errors.Join(os.Remove(path(s, "link")), os.Symlink("dir", path(s, "link")))
		}, true, true},
		{"a file instead of a link to it", func(s *Source) error {
			return errors.Join(os.Remove(path(s, "link")), os.WriteFile(path(s, "link"), []byte("a"), 0o755))
		}, true, true},
		{"a hard link instead of an equal file", func(s *Source) error {
			return errors.Join(os.Remove(path(s, "same")), os.Link(path(s, "a"), path(s, "same")))
		}, false, false},
		{"an attribute", func(s *Source) error { return syscall.Setxattr(path(s, "a"), "user.color", []byte("red"), 0) }, true, false},
		{"time", func(s *Source) error { return os.Chtimes(path(s, "a"), time.Time{}, time.Unix(1e9, 0)) }, false, false},
		{"owner", func(s *Source) error { return os.Lchown(path(s, "a"), os.Getuid(), os.Getgid()+os.Geteuid()) }, false, false},
		{"an ignored file", func(s *Source) error { return os.WriteFile(path(s, "ignored/b"), []byte("b"), 0o755) }, false, false},
		{"an argument", func(s *Source) error { s.Args = map[string]string{"VALUE": "2"}; return nil }, true, true},
		{"an argument that nothing uses", func(s *Source) error { s.Args = map[string]string{"OTHER": "2"}; return nil }, true, false},
		{"target", func(s *Source) error { s.Target = "first"; return nil }, true, true},
		{"the Dockerfile", func(s *Source) error {
			return os.WriteFile(path(s, "Dockerfile"), []byte("FROM scratch AS first\nARG VALUE=1\nENV VALUE=$VALUE\nCOPY . /all\nFROM first\nCOPY dir /z\n"), 0o755)
		}, true, true},
		{"a comment in the Dockerfile", func(s *Source) error {
			f, err := os.OpenFile(path(s, "Dockerfile"), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("# done\n")
			}
			return errors.Join(err, f.Close())
		}, true, false},
		{"network", func(s *Source) error { s.Network = "none"; return nil }, true, false},
		{"secrets", func(s *Source) error { s.Secrets = []Secret{{ID: "key", Env: "HOME"}}; return nil }, true, false},
		{"where a secret comes from", func(s *Source) error { s.Secrets = []Secret{{ID: "token", Env: "HOME"}}; return nil }, false, false},
		{"labels", func(s *Source) error { s.Labels = map[string]string{"revision": "2"}; return nil }, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSource(t, b, map[string]string{
				"Dockerfile":    "FROM scratch AS first\nARG VALUE=1\nENV VALUE=$VALUE\nCOPY . /all\nFROM first\nCOPY dir /b\n",
				".dockerignore": "ignored\nDockerfile\n",
				"a":             "a", "same": "a", "dir/c": "c", "ignored/b": "a",
			})
			s.Secrets = []Secret{{ID: "token", Env: "PATH"}}
			symlink(t, s, "a", "link")
			before, image := fingerprintOf(t, b, s), buildAs(t, b, s, s.Name)
			if err := test.change(&s); errors.Is(err, syscall.ENOTSUP) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			if changes := fingerprintOf(t, b, s) != before; changes != test.changes {
				t.Errorf("the fingerprint changes: %t", changes)
			}
			if builds := buildAs(t, b, s, s.Name) != image; builds != test.builds {
				t.Errorf("the engine builds: %t", builds)
			}
		})
	}
}

func TestTheFingerprintOfACloneIsTheSame(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	s := Source{Name: "test", Context: t.TempDir()}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\nCOPY . /\n")
	write(t, filepath.Join(s.Context, ".dockerignore"), ".git\n")
	write(t, filepath.Join(s.Context, "dir/a"), "a")
	symlink(t, s, "dir", "link")
	clone := s
	clone.Context = filepath.Join(t.TempDir(), "clone")
	for _, line := range []string{"git init -q .", "git add .", "git -c user.name=t -c user.email=t@example.com commit -qm test", "git clone -q . " + clone.Context} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir = s.Context
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if a, b := fingerprintOf(t, b, s), fingerprintOf(t, b, clone); a != b {
		t.Errorf("here %s, in the clone %s", a, b)
	}
}

func TestTheFingerprintChangesWithABaseImageAndThePlatform(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	s := Source{Name: "test", Context: t.TempDir()}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM --platform=$BUILDPLATFORM node AS x\nFROM nginx\nCOPY --from=x /a /a\n")
	with := func(platform, node, nginx string) string {
		s.Platform = platform
		id, _, _, err := b.fingerprint(t.Context(), s, func(_ context.Context, ref, platform string) (string, error) {
			return map[string]string{"node linux/amd64": node, "nginx linux/amd64": nginx, "nginx linux/arm64": nginx}[ref+" "+platform], nil
		})
		if id == "" || err != nil {
			t.Fatal(id, err)
		}
		return id
	}
	plain := with("", "1", "1")
	if same := with("linux/x86_64", "1", "1"); same != plain {
		t.Errorf("%s with the engine's own platform, %s without", same, plain)
	}
	seen := []string{plain}
	for _, other := range []string{with("", "2", "1"), with("", "1", "2"), with("linux/arm64", "1", "1")} {
		if slices.Contains(seen, other) {
			t.Errorf("%s again", other)
		}
		seen = append(seen, other)
	}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	if with("linux/amd64", "", "") == with("linux/arm64", "", "") {
		t.Error("without base images the platform does not count")
	}
}

func TestAttributesOfTheSystemDoNotCount(t *testing.T) {
	for name, want := range map[string]bool{"security.capability": true, "user.color": true, "security.selinux": false, "system.posix_acl_access": false} {
		if travels(name) != want {
			t.Errorf("%s counts: %t", name, !want)
		}
	}
}

func TestTheFingerprintTellsValuesApartThatReadTheSameInARow(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	s := Source{Name: "test", Context: t.TempDir()}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	seen := map[string]map[string]string{}
	for _, args := range []map[string]string{{}, {"A": "BC"}, {"AB": "C"}, {"A": "", "BC": ""}, {"A": "B", "C": ""}} {
		s.Args = args
		id := fingerprintOf(t, b, s)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have the same fingerprint", args, other)
		}
		seen[id] = args
	}
}

func TestThereIsNoFingerprintOfWhatCantBeTold(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	gone := func(context.Context, string, string) (string, error) { return "", errors.New("no such image") }
	for _, test := range []struct{ name, dockerfile, note string }{
		{"a URL", "FROM scratch\nADD https://example.com/a /a\n", `is built each time: ADD https://example.com/a: what goes in is not known before the build`},
		{"a base image that is nowhere", "FROM gone:1\n", `is built each time: base image "gone:1": what goes in is not known before the build: no such image`},
		{"another syntax", "# syntax=example.com/own\nFROM scratch\n", "is built each time: what goes in is not known before the build"},
		{"what only the engine may understand", "FROM scratch\nTELEPORT a b\n", ""},
		{"a file that can't be read", "FROM scratch\n", `is built each time, because "withheld" can't be read (resource temporarily unavailable); the line "withheld" in .dockerignore would leave it out`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Source{Name: "test", Context: t.TempDir()}
			write(t, filepath.Join(s.Context, "Dockerfile"), test.dockerfile)
			if strings.Contains(test.note, "withheld") {
				write(t, filepath.Join(s.Context, "withheld"), "a")
				withhold(t, filepath.Join(s.Context, "withheld"))
			}
			id, _, notes, err := b.fingerprint(t.Context(), s, gone)
			if id != "" || err != nil || strings.Join(notes, "\n") != test.note {
				t.Errorf("fingerprint = %q, %q, %v", id, notes, err)
			}
		})
	}
}

func TestAPatternThatIsNoneIsNamed(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	s := Source{Name: "test", Context: t.TempDir()}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	for pattern, want := range map[string]string{"[": `"[": syntax error in pattern`, "!": `"!": illegal exclusion pattern: "!"`} {
		write(t, filepath.Join(s.Context, ".dockerignore"), "a\n"+pattern+"\n")
		if id, _, _, err := b.fingerprint(t.Context(), s, nil); id != "" || err == nil || err.Error() != `build image "test": .dockerignore: `+want {
			t.Errorf("%s: %q, %v", pattern, id, err)
		}
	}
}

func TestAnIgnoreFileThatTheEngineDoesWithoutIsSaid(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	for reason, place := range map[string]func(path string) error{
		"path escapes from parent": func(path string) error { return os.Symlink("/etc/passwd", path) },
		"not a file":               func(path string) error { return syscall.Mkfifo(path, 0o644) },
	} {
		s := Source{Name: "test", Context: t.TempDir()}
		write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
		if err := place(filepath.Join(s.Context, ".dockerignore")); err != nil {
			t.Fatal(err)
		}
		id, _, notes, err := b.fingerprint(t.Context(), s, nil)
		if want := "is built each time: .dockerignore: what goes in is not known before the build: " + reason; id != "" || err != nil || !slices.Contains(notes, want) {
			t.Errorf("%q, %q, %v", id, notes, err)
		}
	}
}

func TestAnUnreadableFileThatIsIgnoredDoesNotCount(t *testing.T) {
	b := &Builder{platform: "linux/amd64", now: time.Now}
	s := Source{Name: "test", Context: t.TempDir()}
	write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	write(t, filepath.Join(s.Context, ".dockerignore"), "withheld\n")
	write(t, filepath.Join(s.Context, "withheld"), "a")
	withhold(t, filepath.Join(s.Context, "withheld"))
	fingerprintOf(t, b, s)
}
