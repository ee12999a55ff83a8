package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxProblems is how many problems of one file are reported.
const maxProblems = 20

// Error is what is wrong with a file, in the order of the file, each as
// "file:line:column: what, and what would be right".
type Error struct{ Problems []error }

func (e *Error) Error() string { return errors.Join(e.Problems...).Error() }

// Unwrap returns the problems.
func (e *Error) Unwrap() []error { return e.Problems }

// place is a position in the file: line and column in characters, from 1.
type place struct{ line, column int }

func (p place) compare(q place) int {
	return slices.Compare([]int{p.line, p.column}, []int{q.line, q.column})
}

// placeOf returns where a node begins. The token of a mapping that has no brackets is its
// first colon, behind the key.
func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return position(m.Values[0].Key.GetToken())
	}
	return position(n.GetToken())
}

func position(t *token.Token) place { return place{t.Position.Line, t.Position.Column} }

// place is where the value is, or its key where there is no value.
func (v value) place() place {
	if v.empty() {
		return v.key
	}
	return placeOf(v.node)
}

type problem struct {
	at   place
	text string
}

// document is a file while it is read.
type document struct {
	file     string
	set      map[string]value // the keys that the file sets, by path
	problems []problem
}

func (d *document) fail(at place, format string, args ...any) {
	d.problems = append(d.problems, problem{at, fmt.Sprintf(format, args...)})
}

// at returns a position as messages begin with it.
func (d *document) at(p place) string {
	return fmt.Sprintf("%s:%d:%d", d.file, max(p.line, 1), max(p.column, 1))
}

// err returns the problems as an *Error, or nil when there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b problem) int { return a.at.compare(b.at) })
	e := &Error{}
	for _, p := range d.problems {
		e.Problems = append(e.Problems, fmt.Errorf("%s: %s", d.at(p.at), p.text))
	}
	if more := len(e.Problems) - maxProblems; more > 0 {
		e.Problems = append(e.Problems[:maxProblems], fmt.Errorf("%s: %d more", d.file, more))
	}
	return e
}

// fail reports a problem with the value, at the value.
func (v value) fail(format string, args ...any) {
	v.doc.fail(v.place(), "%s", v.path+": "+fmt.Sprintf(format, args...))
}

func (v value) wrong(want string) {
	if v.path == "" {
		v.doc.fail(placeOf(v.node), "the file must hold keys with values, as in \"application: shop\", not %s", kindOf(v.node))
		return
	}
	v.fail("want %s, not %s", want, kindOf(v.node))
}

// The kinds of values, in words for people who don't know YAML's.
const (
	kindNothing = "nothing"
	kindText    = "text"
	kindTruth   = "true or false"
	kindNumber  = "a number"
)

// kindOf names what a node is.
func kindOf(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return kindNothing
	case *ast.LiteralNode:
		return kindText
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "keys with values"
	default:
		if t := n.GetToken(); t.Type != token.SingleQuoteType && t.Type != token.DoubleQuoteType {
			return kindOfPlain(t.Value)
		}
		return kindText
	}
}

var isNumber = lazily(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)

// kindOfPlain names what a text without quotes is, by the core schema of YAML 1.2 (section 10.3.2), by
// which editors read the file, too: the parser takes 1e3 for text, and 1_000 for a number.
func kindOfPlain(s string) string {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return kindNothing
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return kindTruth
	}
	if isNumber(s) {
		return kindNumber
	}
	return kindText
}

// decimal spells a number as digits and a point: 0x10 is 16, and 10.0 is 10.
func decimal(s string) string {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && (strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0o")) {
		return strconv.FormatInt(n, 10)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(f+0, 'f', -1, 64) // no negative zero
}
