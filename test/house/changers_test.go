package house

import (
	"go/ast"
	"go/parser"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reads matches the operations of AWS's APIs that change no environment.
var reads = regexp.MustCompile(`^(BatchGet|Check|CreateStorageLocation|Describe|Get|Head|List|Options$|Request|Retrieve)`)

// unguarded are methods that may change something without a lease: records are written on a
// condition, and repositories belong to the application.
var unguarded = []string{"Store.write", "Store.putNote", "Store.DeleteRecord", "Registry.Create", "Registry.putPolicy"}

// TestOnlyChangersChange refuses calls that may change an environment outside the types whose
// methods make sure of the lease before each attempt.
func TestOnlyChangersChange(t *testing.T) {
	changing := 0
	for _, name := range goFiles(t) {
		if !strings.HasPrefix(name, "envs/") || !isProduct(name) {
			continue
		}
		f, fset := parse(t, name, parser.SkipObjectResolution)
		for _, d := range f.Decls {
			receiver, method := methodOf(d)
			ast.Inspect(d, func(n ast.Node) bool {
				operation := apiCall(n)
				if operation == "" || reads.MatchString(operation) {
					return true
				}
				changing++
				if receiver != "Changer" && receiver != "Tagger" && !slices.Contains(unguarded, receiver+"."+method) {
					t.Errorf("%s:%d: %s of %s calls %s; only a Changer or Tagger may", name, fset.Position(n.Pos()).Line, method, receiver, operation)
				}
				return true
			})
		}
	}
	if changing < 15 {
		t.Errorf("only %d calls that change something were found", changing)
	}
}

// methodOf returns the receiver's type and the name of a method, "" for anything else.
func methodOf(d ast.Decl) (receiver, method string) {
	f, ok := d.(*ast.FuncDecl)
	if !ok || f.Recv == nil {
		return "", ""
	}
	t := f.Recv.List[0].Type
	if pointer, ok := t.(*ast.StarExpr); ok {
		t = pointer.X
	}
	if id, ok := t.(*ast.Ident); ok {
		receiver = id.Name
	}
	return receiver, f.Name.Name
}

// apiCall returns the operation that a call of an SDK's client, a field with the name api, has.
func apiCall(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	operation, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if client, ok := operation.X.(*ast.SelectorExpr); ok && client.Sel.Name == "api" {
		return operation.Sel.Name
	}
	return ""
}
