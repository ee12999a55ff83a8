package fingerprint

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

func TestALargeContextSaysWhatMakesItLarge(t *testing.T) {
	files := func(sizes map[string]int64) (files []*file) {
		for p, size := range sizes {
			files = append(files, &file{path: p, size: size})
		}
		return files
	}
	const mb = 1000 * 1000
	for _, test := range []struct {
		name   string
		sizes  map[string]int64
		copies []string
		want   []string
	}{
		{"little enough", map[string]int64{"a": 10 * mb}, nil, nil},
		{"files at the top", map[string]int64{"dump.sql": 80 * mb, "b": 2 * mb, "c": 1 * mb, "d": 4 * mb, "e": 5 * mb, "f": 6 * mb}, []string{"."}, []string{
			"the context has 98MB, which is more than 10MB; the largest in it:",
			"    80MB dump.sql",
		}},
		{"directories of one piece", map[string]int64{"node_modules/big/a": 20 * mb, ".git/objects/pack/a": 30 * mb}, nil, []string{
			"the context has 50MB, which is more than 10MB; the largest in it:",
			"    30MB .git",
			"    20MB node_modules",
		}},
		{"the part that weighs", map[string]int64{"app/data/dump.sql": 20 * mb, "app/main": 1 * mb, "docs/a": 2 * mb, "docs/b": 2 * mb, "docs/c": 2 * mb}, nil, []string{
			"the context has 27MB, which is more than 10MB; the largest in it:",
			"    20MB app/data/dump.sql",
		}},
		{"what the Dockerfile copies", map[string]int64{"target/app.jar": 20 * mb, "target/classes/a": 4 * mb, "assets/a": 5 * mb, "assets/b": 5 * mb}, []string{"target/*.jar", "/assets/"}, []string{
			"the context has 34MB, which is more than 10MB; the largest in it:",
			"    20MB target/app.jar: the Dockerfile copies it",
			"    10MB assets: the Dockerfile copies it",
		}},
	} {
		in := inputs{source: Source{WarnSize: 10 * mb}, ignoreFile: ".dockerignore"}
		in.dockerfile.copies = test.copies
		c := &contents{files: files(test.sizes)}
		if got := c.sizeNotes(in); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%s", test.name, strings.Join(got, "\n"))
		}
		if in.source.WarnSize = 0; len(c.sizeNotes(in)) > 0 {
			t.Errorf("%s: an unwanted warning", test.name)
		}
	}
}

func FuzzIgnoreLine(f *testing.F) {
	for _, name := range []string{"a", "a b", " a", "a ", "#a", "!a", "*", "a?b", "[a]", `a\b`, "a^b", "a\nb", "\xff", "ü", "..a", "a/#b", "a/ b", "(a|b)+$"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !fs.ValidPath(name) || name == "." || len(name) > 100 || strings.Contains(name, "\x00") {
			return
		}
		s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
		must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\n")
		must.Write(t, filepath.Join(s.Context, ".dockerignore"), ignoreLine(name)+"\n")
		must.Write(t, filepath.Join(s.Context, "xy"), "stays")
		must.Write(t, filepath.Join(s.Context, name), "goes")
		in, err := readInputs(t.Context(), s)
		must.Succeed(t, err)
		found, err := scan(t.Context(), s.Context, in.excludes, nil)
		must.Succeed(t, err)
		for _, f := range found.files {
			if f.path == name {
				t.Errorf("the line %q does not ignore %q", ignoreLine(name), name)
			}
		}
	})
}
