package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

// harmlessCalls are the calls that cmp.Or may evaluate although it does not return their
// result: they have no effect, cost nothing and cannot fail. A leading dot is a method.
var harmlessCalls = []string{
	"cmp.Compare", "strings.Compare", ".Compare",
	"fmt.Errorf", "errors.New", "slog.New", "http.StatusText",
	"filepath.Join", "config.Dir", "os.Getenv", "getenv", "aws.ToString", "len",
	"string", "person", "message", "repositoryName", "word", "tags.Owner", "o.get", "e.instance",
}

// TestNothingIsDoneInsideCmpOr refuses calls among the arguments of cmp.Or, except in the first.
// cmp.Or evaluates them all, also those behind an error.
func TestNothingIsDoneInsideCmpOr(t *testing.T) {
	seen := 0
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, fset := parse(t, name, 0)
		for _, at := range eagerCalls(f, &seen) {
			t.Errorf("%s:%d: cmp.Or evaluates this call even where an earlier argument decides", name, fset.Position(at).Line)
		}
	}
	if seen < 10 {
		t.Errorf("only %d uses of cmp.Or were found", seen)
	}
}

func eagerCalls(f *ast.File, seen *int) (found []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || types.ExprString(call.Fun) != "cmp.Or" {
			return true
		}
		*seen++
		for _, arg := range call.Args[min(1, len(call.Args)):] {
			ast.Inspect(arg, func(n ast.Node) bool {
				if inner, ok := n.(*ast.CallExpr); ok && !isHarmless(types.ExprString(inner.Fun)) {
					found = append(found, inner.Pos())
				}
				return true
			})
		}
		return true
	})
	return found
}

func isHarmless(function string) bool {
	return slices.ContainsFunc(harmlessCalls, func(h string) bool {
		return function == h || strings.HasPrefix(h, ".") && strings.HasSuffix(function, h)
	})
}

func TestEagerCallsAreFound(t *testing.T) {
	for expression, want := range map[string]int{
		`cmp.Or(err, d.check(ctx))`:               1,
		`cmp.Or(check(a), check(b), check(c))`:    2,
		`cmp.Or(first(), "x")`:                    0,
		`cmp.Or(a.Compare(b), c.Time.Compare(d))`: 0,
		`cmp.Or(a, len(read(b)))`:                 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package p\nvar _ = "+expression, 0)
		must.Succeed(t, err)
		seen := 0
		if got := len(eagerCalls(f, &seen)); got != want {
			t.Errorf("%s: %d calls were found, want %d", expression, got, want)
		}
	}
}
