package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"

	"beansprout/test/must"
)

// avoided are words that no declared name contains: others say the same in plain English.
var avoided = map[string]string{
	"ledger":       "store",
	"ticket":       "request number",
	"unwanted":     "superseded",
	"attic":        "leftovers",
	"remains":      "leftovers",
	"trace":        "leftovers",
	"spare":        "protected check",
	"hurried":      "no wait",
	"unhurried":    "the limit and its unit",
	"revival":      "restore",
	"wayback":      "rollback",
	"remover":      "removal",
	"teardown":     "removal",
	"recall":       "load records",
	"elders":       "peer records",
	"comparenotes": "estimate from peers",
	"sayings":      "known errors",
	"located":      "annotate",
	"amend":        "update record",
	"wish":         "settings",
	"doubt":        "pending reason",
	"strain":       "throttle level",
	"patience":     "poll interval",
	"patient":      "retry",
	"parcel":       "push",
	"twins":        "shared builds",
	"recipe":       "dockerfile",
	"sums":         "hash cache",
	"edition":      "inode state",
	"absence":      "missing source",
	"tidy":         "prune",
	"settling":     "the limit and its unit",
	"freed":        "CNAME release timeout",
}

// vague are words that no name consists of. They are good English as a part of one.
var vague = map[string]string{
	"turn":      "lease",
	"claim":     "lease request",
	"held":      "lease owner",
	"draw":      "request number",
	"asked":     "requested",
	"ran":       "deployed",
	"wanted":    "superseded by",
	"room":      "leftovers",
	"lasting":   "keep restorable",
	"leave":     "keep restorable",
	"undo":      "keep restorable",
	"member":    "environment",
	"ours":      "list",
	"kept":      "protected, retained or restorable",
	"usual":     "estimate",
	"advice":    "hints",
	"together":  "validate and defaults",
	"probe":     "check",
	"tokens":    "positions",
	"alone":     "exclusive resources",
	"pace":      "poll interval",
	"keys":      "auth provider",
	"pass":      "credentials",
	"few":       "tag read limit",
	"most":      "event lag",
	"late":      "event lag",
	"fresh":     "reading max age",
	"memory":    "terminated retention",
	"forgotten": "leftover min age",
}

// right are words that are the usual ones for what a package does.
var right = map[string][]string{
	"builder":                       {"trace"}, // BuildKit's of a build
	"builder/fingerprint":           {"keys"},
	"cmd/internal/project/checkout": {"claim"}, // what a CI says of a commit, to be proved
	"cmd/internal/project/config":   {"keys"},
	"cmd/internal/starter":          {"memory"}, // of containers
	"cmd/internal/terminal":         {"draw"},   // lines on a screen
	"dockerrun":                     {"keys", "memory"},
	"envs/beanstalk":                {"keys"},
}

// TestNamesUseOneWordPerThing refuses declarations of the product and its tests whose names have
// words that this code has others for.
func TestNamesUseOneWordPerThing(t *testing.T) {
	for _, name := range goFiles(t) {
		if strings.HasPrefix(name, "localcloud/") {
			continue
		}
		f, fset := parse(t, name, parser.SkipObjectResolution)
		for _, id := range declared(f) {
			word, better := oldWord(id.Name)
			if word == "" || slices.Contains(right[path.Dir(name)], word) {
				continue
			}
			t.Errorf("%s:%d: %s has the word %q; say: %s", name, fset.Position(id.Pos()).Line, id.Name, word, better)
		}
	}
}

// declared returns the names of a file's types, functions, methods, variables, constants, fields
// and parameters. The names of tests are sentences and left out, as are := variables.
func declared(f *ast.File) (names []*ast.Ident) {
	fields := func(list *ast.FieldList) {
		if list != nil {
			for _, field := range list.List {
				names = append(names, field.Names...)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			fields(n.Recv)
			if !strings.HasPrefix(n.Name.Name, "Test") {
				names = append(names, n.Name)
			}
		case *ast.FuncType:
			fields(n.Params)
			fields(n.Results)
		case *ast.StructType:
			fields(n.Fields)
		case *ast.InterfaceType:
			fields(n.Methods)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		}
		return true
	})
	return names
}

// oldWord returns the word of a name that is to be replaced, and by what; "" where all is well.
func oldWord(name string) (word, better string) {
	whole := strings.ToLower(name)
	if better := vague[whole]; better != "" {
		return whole, better
	}
	for _, word := range append(camelWords(name), whole) {
		if better := avoided[strings.ToLower(word)]; better != "" {
			return strings.ToLower(word), better
		}
	}
	return "", ""
}

// camelWords splits wayBackURL into way, Back and URL.
func camelWords(name string) (words []string) {
	letters, start := []rune(name), 0
	for i := 1; i < len(letters); i++ {
		begins := unicode.IsUpper(letters[i]) && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if begins || letters[i] == '_' {
			words, start = append(words, string(letters[start:i])), i
		}
	}
	return append(words, string(letters[start:]))
}

func TestOldWordsAreFound(t *testing.T) {
	for name, want := range map[string]string{
		"ledgerOf": "ledger", "newECRLedger": "ledger", "WayBack": "wayback", "turn": "turn", "Ran": "ran",
		"returned": "", "saturn": "", "turnOver": "", "keysOf": "", "trace": "trace", "decodeTrace": "trace", "traces": "",
	} {
		if got, _ := oldWord(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\ntype a struct{ b int }\nfunc (c a) d(e int) (g int) { var h int; i := 1; return h + i }\nconst j = 1\nfunc TestK() {}\ntype l interface{ m(n int) }\n", 0)
	must.Succeed(t, err)
	var names []string
	for _, id := range declared(f) {
		names = append(names, id.Name)
	}
	slices.Sort(names)
	if got := strings.Join(names, ""); got != "abcdeghjlmn" {
		t.Errorf("the names are %s", got)
	}
}
