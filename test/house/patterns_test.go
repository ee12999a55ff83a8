package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Packages that compile regular expressions when they are loaded make every verb late, also those that need none.
func TestPatternsAreCompiledWhenTheyAreUsed(t *testing.T) {
	compiled := 0
	texts := map[string]map[string]ast.Expr{} // of each package: its constants
	files := map[string]*ast.File{}
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test/") || strings.HasPrefix(name, "examples/") {
			continue
		}
		f, fset := parse(t, name, parser.SkipObjectResolution)
		files[name] = f
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && g.Tok == token.CONST && len(v.Values) == len(v.Names) {
					for i := range v.Names {
						set(texts, path.Dir(name), v.Names[i].Name, v.Values[i])
					}
				}
			}
			ast.Inspect(g, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && calls(call, "regexp", "MustCompile") {
					t.Errorf("%s: use pattern.New", fset.Position(call.Pos()))
				}
				_, function := n.(*ast.FuncLit)
				return !function
			})
		}
	}
	for name, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !calls(call, "pattern", "New") {
				return true
			}
			if text, known := textOf(call.Args[0], texts[path.Dir(name)]); known {
				compiled++
				if _, err := regexp.Compile(text); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			return true
		})
	}
	if compiled < 80 {
		t.Errorf("only %d patterns were found", compiled)
	}
}

func set(all map[string]map[string]ast.Expr, pkg, name string, value ast.Expr) {
	if all[pkg] == nil {
		all[pkg] = map[string]ast.Expr{}
	}
	all[pkg][name] = value
}

func calls(call *ast.CallExpr, pkg, function string) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != function {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// textOf returns the text of an expression of literals and constants of its package.
func textOf(e ast.Expr, constants map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.Ident:
		if value, ok := constants[e.Name]; ok {
			return textOf(value, constants)
		}
	case *ast.BinaryExpr:
		left, one := textOf(e.X, constants)
		right, other := textOf(e.Y, constants)
		return left + right, one && other
	}
	return "", false
}
