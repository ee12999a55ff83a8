package house

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"beansprout/test/must"
)

// documents returns the text of README.md and of the documents, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(names) < 5 {
		t.Fatalf("documents: %q, %v", names, err)
	}
	all := map[string]string{}
	for _, name := range append(names, root+"/README.md") {
		all[strings.TrimPrefix(name, root+"/")] = must.Read(t, name)
	}
	return all
}

var update = flag.Bool("update", false, "quote the example in the documents as it is now")

var goBlock = regexp.MustCompile("(?s)(```go\n)(.*?\n)(```)")

// TestDocumentsQuoteTheExample compares each Go block with the example that the tests of envs run.
func TestDocumentsQuoteTheExample(t *testing.T) {
	example := must.Read(t, root+"/envs/example_test.go")
	quotes := 0
	for name, text := range documents(t) {
		now := goBlock.ReplaceAllStringFunc(text, func(block string) string {
			quotes++
			m := goBlock.FindStringSubmatch(block)
			quote := excerpt(string(example), m[2])
			if quote == "" {
				t.Errorf("%s quotes lines that envs/example_test.go does not begin or end with: %s", name, block)
				return block
			}
			return m[1] + quote + m[3]
		})
		switch {
		case now == text:
		case *update:
			if err := os.WriteFile(filepath.Join(root, name), []byte(now), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s does not quote envs/example_test.go as it is now: run this test with -update", name)
		}
	}
	if quotes < 2 {
		t.Errorf("the documents quote the example %d times, want at least twice", quotes)
	}
}

// excerpt returns the lines of the source from the first line of the quote to its last one, without
// the indentation of the first; "" where the source has no such lines.
func excerpt(source, quote string) string {
	lines := strings.Split(strings.TrimSpace(quote), "\n")
	first := regexp.MustCompile(`(?m)^([ \t]*)` + regexp.QuoteMeta(lines[0]) + "\n").FindStringSubmatchIndex(source)
	if first == nil {
		return ""
	}
	indent := source[first[2]:first[3]]
	before, _, found := strings.Cut(source[first[0]:], "\n"+indent+lines[len(lines)-1]+"\n")
	if !found {
		return ""
	}
	return regexp.MustCompile("(?m)^"+indent).ReplaceAllString(before, "") + "\n" + lines[len(lines)-1] + "\n"
}

var (
	quotedFile     = regexp.MustCompile("(?m)(?:`|^    )((?:cmd|envs|builder|compose|daemon|dockerrun|janitor|notify|files|mask|spelling|visible|templates|examples|localcloud|test|docs)/[A-Za-z0-9_./-]*)(?:`|\\s)")
	linkedFile     = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
	quotedFunction = regexp.MustCompile("`([A-Za-z.]+)\\(\\)`")
	quotedTest     = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`")
)

func TestDocumentsNameFilesThatExist(t *testing.T) {
	for name, text := range documents(t) {
		for _, quoted := range quotedFile.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, quoted[1])); err != nil {
				t.Errorf("%s names the file %s: %v", name, quoted[1], err)
			}
		}
		for _, link := range linkedFile.FindAllStringSubmatch(goBlock.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, link[1], err)
			}
		}
	}
}

// TestDocumentsNameFunctionsThatExist looks for functions, which documents write as `name()` or
// `Type.name()`, and for tests.
func TestDocumentsNameFunctionsThatExist(t *testing.T) {
	functions := functionsOf(t)
	for name, text := range documents(t) {
		for _, quoted := range slices.Concat(quotedFunction.FindAllStringSubmatch(text, -1), quotedTest.FindAllStringSubmatch(text, -1)) {
			if !functions[quoted[1]] {
				t.Errorf("%s names %s, which is no function", name, quoted[1])
			}
		}
	}
}

// TestRightsThatNoStoryNeedsNameTestsThatExist looks for the tests that the stories' table of rights names.
func TestRightsThatNoStoryNeedsNameTestsThatExist(t *testing.T) {
	functions := functionsOf(t)
	f, fset := parse(t, "test/stories/rights_test.go", parser.SkipObjectResolution)
	named := 0
	ast.Inspect(f, func(n ast.Node) bool {
		row, _ := n.(*ast.KeyValueExpr)
		if row == nil {
			return true
		}
		value, _ := row.Value.(*ast.CompositeLit)
		if value == nil || value.Type != nil || len(value.Elts) != 2 {
			return true
		}
		by, _ := value.Elts[0].(*ast.BasicLit)
		if by == nil {
			return true
		}
		name, err := strconv.Unquote(by.Value)
		must.Succeed(t, err)
		if named++; name != "AWS" && !(strings.HasPrefix(name, "Test") && functions[name]) {
			t.Errorf("%s names %s, which is no test", fset.Position(by.Pos()), name)
		}
		return false
	})
	if named < 10 {
		t.Errorf("only %d rows were read", named)
	}
}

// functionsOf returns the functions of the product, and all tests.
func functionsOf(t *testing.T) map[string]bool {
	t.Helper()
	functions := map[string]bool{}
	for _, name := range goFiles(t) {
		f, _ := parse(t, name, parser.SkipObjectResolution)
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && (isProduct(name) || strings.HasPrefix(f.Name.Name, "Test")) {
				functions[f.Name.Name] = true
				functions[receiver(f)+f.Name.Name] = true
			}
		}
	}
	return functions
}

// receiver returns "Type." of a method.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "."
}

// TestREADMENamesThePackages looks for each package of the product, except those in the directory of another
// package.
func TestREADMENamesThePackages(t *testing.T) {
	packages := map[string]bool{}
	for _, name := range goFiles(t) {
		if isProduct(name) {
			packages[path.Dir(name)] = true
		}
	}
	readme := documents(t)["README.md"]
	for dir := range packages {
		if !packages[path.Dir(dir)] && !strings.Contains(readme, dir+"/") {
			t.Errorf("README.md does not say what is in %s/", dir)
		}
	}
}
