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
