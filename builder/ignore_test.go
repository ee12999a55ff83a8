package builder

import (
	"slices"
	"strings"
	"testing"
)

// TestTheFingerprintSeesWhatTheEngineSees has the engine copy a context whose ignore file is
// nasty and compares what arrives with what was scanned.
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
			in, err := b.ingredients(s)
			if err != nil {
				t.Fatal(err)
			}
			found, err := scan(t.Context(), s.Context, in.excludes, nil)
			if err != nil {
				t.Fatal(err)
			}
			var scanned []string
			for _, f := range found.files {
				scanned = append(scanned, f.path)
			}
			if !slices.Equal(copied, scanned) {
				t.Errorf("the engine copied %q, scanned were %q", copied, scanned)
			}
		})
	}
}
