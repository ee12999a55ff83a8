package fingerprint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/must"
)

// fingerprintOf returns a fingerprint that has to be one.
func fingerprintOf(t *testing.T, s Source) string {
	t.Helper()
	r, err := Of(t.Context(), s, nil)
	if err != nil || len(r.ID) != 40 {
		t.Fatalf("fingerprint = %+v, %v", r, err)
	}
	return r.ID
}

func TestTheFingerprintOfACloneIsTheSame(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\nCOPY . /\n")
	must.Write(t, filepath.Join(s.Context, ".dockerignore"), ".git\n")
	must.Write(t, filepath.Join(s.Context, "dir/a"), "a")
	symlink(t, "dir", filepath.Join(s.Context, "link"))
	clone := s
	clone.Context = filepath.Join(t.TempDir(), "clone")
	for _, line := range []string{"git init -q .", "git add .", "git -c user.name=t -c user.email=t@example.com commit -qm test", "git clone -q . " + clone.Context} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir = s.Context
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if a, b := fingerprintOf(t, s), fingerprintOf(t, clone); a != b {
		t.Errorf("here %s, in the clone %s", a, b)
	}
}

func TestTheFingerprintChangesWithABaseImageAndThePlatform(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM --platform=$BUILDPLATFORM node AS x\nFROM nginx\nCOPY --from=x /a /a\n")
	with := func(platform, node, nginx string) string {
		s.Platform = platform
		r, err := Of(t.Context(), s, func(_ context.Context, ref, platform string) (string, error) {
			return map[string]string{"node linux/amd64": node, "nginx linux/amd64": nginx, "nginx linux/arm64": nginx}[ref+" "+platform], nil
		})
		if r.ID == "" || err != nil {
			t.Fatal(r, err)
		}
		return r.ID
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
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	if with("linux/amd64", "", "") == with("linux/arm64", "", "") {
		t.Error("without base images the platform does not count")
	}
}

func TestAttributesOfTheSystemDoNotCount(t *testing.T) {
	for name, want := range map[string]bool{"security.capability": true, "user.color": true, "security.selinux": false, "system.posix_acl_access": false} {
		if counts(name) != want {
			t.Errorf("%s counts: %t", name, !want)
		}
	}
}

func TestTheFingerprintSeparatesValues(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	seen := map[string]map[string]string{}
	for _, args := range []map[string]string{{}, {"A": "BC"}, {"AB": "C"}, {"A": "", "BC": ""}, {"A": "B", "C": ""}} {
		s.Args = args
		id := fingerprintOf(t, s)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have the same fingerprint", args, other)
		}
		seen[id] = args
	}
}

func TestThereIsNoFingerprintOfUnknownContent(t *testing.T) {
	gone := func(context.Context, string, string) (string, error) { return "", errors.New("no such image") }
	for _, test := range []struct{ name, dockerfile, note string }{
		{"a URL", "FROM scratch\nADD https://example.com/a /a\n", `is built each time: ADD https://example.com/a: what goes in is not known before the build`},
		{"a base image that is nowhere", "FROM gone:1\n", `is built each time: base image "gone:1": what goes in is not known before the build: no such image`},
		{"another syntax", "# syntax=example.com/own\nFROM scratch\n", "is built each time: what goes in is not known before the build"},
		{"what only the engine may understand", "FROM scratch\nTELEPORT a b\n", ""},
		{"a file that can't be read", "FROM scratch\n", `is built each time, because "withheld" can't be read (resource temporarily unavailable); the line "withheld" in .dockerignore would leave it out`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
			must.Write(t, filepath.Join(s.Context, "Dockerfile"), test.dockerfile)
			if strings.Contains(test.note, "withheld") {
				must.Write(t, filepath.Join(s.Context, "withheld"), "a")
				withhold(t, filepath.Join(s.Context, "withheld"))
			}
			r, err := Of(t.Context(), s, gone)
			if r.ID != "" || err != nil || strings.Join(r.Notes, "\n") != test.note {
				t.Errorf("fingerprint = %+v, %v", r, err)
			}
		})
	}
}

func TestAnInvalidPatternIsNamed(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	for pattern, want := range map[string]string{"[": `"[": syntax error in pattern`, "!": `"!": illegal exclusion pattern: "!"`} {
		must.Write(t, filepath.Join(s.Context, ".dockerignore"), "a\n"+pattern+"\n")
		if r, err := Of(t.Context(), s, nil); r.ID != "" || err == nil || err.Error() != ".dockerignore: "+want {
			t.Errorf("%s: %+v, %v", pattern, r, err)
		}
	}
}

func TestAnIgnoreFileThatCannotBeReadIsRefused(t *testing.T) {
	for reason, place := range map[string]func(path string) error{
		"is outside its directory, or a link leads out of it": func(path string) error { return os.Symlink("/etc/passwd", path) },
		"is a pipe, not a regular file":                       func(path string) error { return syscall.Mkfifo(path, 0o644) },
	} {
		s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
		must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
		must.Succeed(t, place(filepath.Join(s.Context, ".dockerignore")))
		r, err := Of(t.Context(), s, nil)
		for _, err := range []error{err, Check(t.Context(), s)} {
			if r.ID != "" || !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), ".dockerignore: "+reason) {
				t.Errorf("%+v, %v", r, err)
			}
		}
	}
}

func TestAnUnreadableFileThatIsIgnoredDoesNotCount(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
	must.Write(t, filepath.Join(s.Context, ".dockerignore"), "withheld\n")
	must.Write(t, filepath.Join(s.Context, "withheld"), "a")
	withhold(t, filepath.Join(s.Context, "withheld"))
	fingerprintOf(t, s)
}

// BenchmarkFingerprint reads a context of 5,000 files and 100 MB: one that nothing is
// remembered of, and one that has not changed since.
func BenchmarkFingerprint(b *testing.B) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	dir := b.TempDir()
	content := make([]byte, 20<<10)
	for i := range 5000 {
		_, _ = rand.Read(content)
		path := filepath.Join(dir, fmt.Sprintf("dir%d/sub%d", i%50, i%7), fmt.Sprint(i))
		must.Succeed(b, os.MkdirAll(filepath.Dir(path), 0o755))
		must.Succeed(b, os.WriteFile(path, content, 0o644))
	}
	must.Succeed(b, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o644))
	time.Sleep(timestampGranularity)
	fingerprint := func(b *testing.B) {
		if r, err := Of(b.Context(), Source{Context: dir, BuildPlatform: "linux/amd64"}, nil); r.ID == "" || err != nil {
			b.Fatal(r, err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			_ = os.RemoveAll(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "beansprout"))
			b.StartTimer()
			fingerprint(b)
		}
	})
	b.Run("warm", func(b *testing.B) {
		fingerprint(b)
		for b.Loop() {
			fingerprint(b)
		}
	})
}
