// Package house checks the module as a whole: what imports what, where files are, how large they
// are, and which words they use.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

const root = "../.."

// goFiles returns the Go files of the module, by their slash-separated paths in it.
func goFiles(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		_, moduleErr := os.Stat(filepath.Join(name, "go.mod"))
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || moduleErr == nil) {
			return filepath.SkipDir
		}
		if filepath.Ext(name) == ".go" {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(name, filepath.FromSlash(root+"/"))))
		}
		return nil
	})
	must.Succeed(t, err)
	if len(names) < 200 {
		t.Fatalf("only %d files were found", len(names))
	}
	return names
}

// isProduct reports whether a file is neither a test's nor the local cloud's.
func isProduct(name string) bool {
	return !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "test/") && !strings.HasPrefix(name, "localcloud/")
}

func parse(t *testing.T, name string, mode parser.Mode) (*ast.File, *token.FileSet) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, mode)
	must.Succeed(t, err)
	return f, fset
}

// tracked returns the files that git knows, and skips the test where there is no repository.
func tracked(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("this is no git repository")
	}
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestTheRootHasNoMoreThanItNeeds(t *testing.T) {
	want := []string{
		".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Jenkinsfile", "LICENSE", "Makefile", "README.md", "builder", "cmd", "compose", "daemon", "dockerrun", "docs", "envs", "examples", "files",
		"go.mod", "go.sum", "janitor", "localcloud", "mask", "notify", "pattern", "release", "spelling", "templates", "test", "visible",
	}
	var got []string
	for _, name := range tracked(t) {
		first, _, _ := strings.Cut(name, "/")
		got = append(got, first)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("the root has %q, want %q", got, want)
	}
}

func TestNoFileIsLarge(t *testing.T) {
	for _, name := range tracked(t) {
		info, err := os.Lstat(filepath.Join(root, name))
		if err == nil && info.Size() > 1_000_000 { // a deleted file is tracked until the next commit
			t.Errorf("%s has %d bytes, want at most 1 MB", name, info.Size())
		}
	}
}

// tooLong are the files that still have more than 400 lines: the list only gets shorter.
var tooLong = []string{"envs/destination_test.go"}

func TestNoGoFileIsLong(t *testing.T) {
	for _, name := range goFiles(t) {
		if lines := strings.Count(must.Read(t, filepath.Join(root, name)), "\n"); lines > 400 && !slices.Contains(tooLong, name) {
			t.Errorf("%s has %d lines, want at most 400", name, lines)
		}
	}
}

// repositoryFile matches the names of files that are in the repository and not in the binary.
var repositoryFile = regexp.MustCompile(`\b(docs|templates|examples)/|README`)

// Users have the binary, and not always the repository.
func TestNoMessageNamesAFileOfTheRepository(t *testing.T) {
	for _, name := range goFiles(t) {
		if !isProduct(name) || !strings.HasPrefix(name, "cmd/") {
			continue
		}
		f, fset := parse(t, name, parser.SkipObjectResolution)
		ast.Inspect(f, func(n ast.Node) bool {
			if _, ok := n.(*ast.ImportSpec); ok {
				return false
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && repositoryFile.MatchString(l.Value) {
				t.Errorf("%s:%d: %s", name, fset.Position(l.Pos()).Line, l.Value)
			}
			return true
		})
	}
}
