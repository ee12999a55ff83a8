package builder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"beansprout/test/must"
)

// symlink makes a link in the context of s.
func symlink(t *testing.T, s Source, target, name string) {
	t.Helper()
	must.Succeed(t, os.Symlink(target, filepath.Join(s.Context, name)))
}

// fingerprintOf returns a fingerprint that has to be one.
func fingerprintOf(t *testing.T, b *Builder, s Source) string {
	t.Helper()
	r, err := b.fingerprint(t.Context(), s, b.baseDigests(s, anonymous))
	if err != nil || len(r.ID) != 40 {
		t.Fatalf("fingerprint = %+v, %v", r, err)
	}
	return r.ID
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
		{"an attribute", func(s *Source) error { return unix.Setxattr(path(s, "a"), "user.color", []byte("red"), 0) }, true, false},
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

// TestTheFingerprintSeesWhatTheEngineSees has the engine copy a context whose ignore file is
// nasty and compares what arrives with what counts for the fingerprint.
func TestTheFingerprintSeesWhatTheEngineSees(t *testing.T) {
	b := connect(t)
	for _, test := range []struct{ name, dockerfile, common, own string }{
		{name: "nothing is ignored"},
		{name: "all but one", common: "*\n!a\n"},
		{name: "all but one, deep", common: "**\n!dir/sub/keep\n"},
		{name: "a directory but a file in it", common: "dir\n!dir/keep\n"},
		{name: "what is in a directory but something deep in it", common: "dir/*\n!dir/sub/keep\n"},
		{name: "an exception with a wildcard", common: "dir\n!dir/*/keep\n"},
		{name: "an exception before what it is one of", common: "!a\na\n"},
		{name: "an exception of an exception", common: "*.log\n!x.log\nx.*\n"},
		{name: "any depth", common: "**/*.log\n!dir/x.log\n"},
		{name: "one level, two levels", common: "*/keep\n*/*/x.log\n"},
		{name: "comments and blanks", common: "# a\n\n   \n  a  \n #dir\n"},
		{name: "a byte order mark", common: "\xef\xbb\xbfa\n"},
		{name: "line ends of Windows", common: "a\r\ndir/keep\r\n"},
		{name: "slashes and dots", common: "/a\n./dir/keep/\ndir//sub/../sub/x.log\n../up\n"},
		{name: "the whole directory by its dot", common: ".\n"},
		{name: "classes, question marks, escapes", common: "[x-z].log\n?\n\\*star\n"},
		{name: "a link", common: "link\n"},
		{name: "what a link leads to", common: "dir/sub\n"},
		{name: "the Dockerfile and the ignore file", common: "Dockerfile*\n.dockerignore\n"},
		{name: "an ignore file of the Dockerfile's own", common: "a\n", own: "dir\n"},
		{name: "an empty one of its own", common: "a\n", own: "\n"},
		{name: "one beside a Dockerfile in a directory", dockerfile: "docker/App", common: "a\n", own: "dir\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "Dockerfile"
			if test.dockerfile != "" {
				name = test.dockerfile
			}
			files := map[string]string{name: "FROM scratch\nCOPY . /all/\n", "a": "a", "*star": "*", "x.log": "x", "dir/keep": "k", "dir/x.log": "x", "dir/sub/keep": "k", "dir/sub/x.log": "x", "other/dir/keep": "k", "#dir": "d"}
			if test.common != "" {
				files[".dockerignore"] = test.common
			}
			if test.own != "" {
				files[name+".dockerignore"] = test.own
			}
			s := newSource(t, b, files)
			s.Dockerfile = test.dockerfile
			symlink(t, s, "dir/sub", "link")
			buildAs(t, b, s, s.Name)
			var copied []string
			for path := range savedFiles(t, b, s) {
				if path, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), "all/"); ok {
					copied = append(copied, path)
				}
			}
			slices.Sort(copied)
			scanned := countedIn(t, b, s)
			if !slices.Equal(copied, scanned) {
				t.Errorf("the engine copied %q, the fingerprint is of %q", copied, scanned)
			}
		})
	}
}

// countedIn returns the paths of the context that change the fingerprint when their mode changes,
// or where a link leads.
func countedIn(t *testing.T, b *Builder, s Source) (counted []string) {
	t.Helper()
	before := fingerprintOf(t, b, s)
	err := filepath.WalkDir(s.Context, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == s.Context {
			return err
		}
		change := func() error { return os.Chmod(path, 0o700) }
		undo := func() error { return os.Chmod(path, 0o755) }
		if target, err := os.Readlink(path); err == nil {
			change = func() error { return errors.Join(os.Remove(path), os.Symlink("elsewhere", path)) }
			undo = func() error { return errors.Join(os.Remove(path), os.Symlink(target, path)) }
		}
		if err := change(); err != nil {
			return err
		}
		if fingerprintOf(t, b, s) != before {
			name, _ := filepath.Rel(s.Context, path)
			counted = append(counted, name)
		}
		return undo()
	})
	if err != nil || fingerprintOf(t, b, s) != before {
		t.Fatalf("the context has changed: %v", err)
	}
	slices.Sort(counted)
	return counted
}

// rewrite changes what a file holds and nothing else that BuildKit looks at.
func rewrite(t *testing.T, path, content string) {
	t.Helper()
	info, err := os.Stat(path)
	must.Succeed(t, err)
	must.Write(t, path, content)
	must.Succeed(t, os.Chtimes(path, time.Time{}, info.ModTime()))
}

func TestBuildUsesNoStaleFiles(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{
		"Dockerfile":    "FROM scratch\nCOPY . /src/\nENV A=1\n",
		".dockerignore": "Dockerfile\n",
		"a":             "x1",
	})
	path := filepath.Join(s.Context, "a")
	build := func(want string) {
		t.Helper()
		mustBuild(t, b, shelf, Options{}, s)
		if got := savedFiles(t, b, s)["src/a"]; got != want {
			t.Errorf("the image has %q, not %q", got, want)
		}
		removeImages(t, b, s.Name)
	}
	build("x1")
	rewrite(t, path, "x2")
	build("x2")
	rewrite(t, path, "x3")
	fingerprintOf(t, b, s) // seen and not built
	rewrite(t, path, "x2")
	shelf.clear()
	build("x2")
	rewrite(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\nCOPY a /src/b\nENV A=1")
	mustBuild(t, b, shelf, Options{}, s)
	if got := savedFiles(t, b, s); got["src/b"] != "x2" {
		t.Errorf("an ignored Dockerfile is stale: %q", got)
	}
}
