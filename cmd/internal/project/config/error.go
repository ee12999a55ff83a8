package config

import (
	"errors"
	"fmt"
	"slices"

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

// kindOf names a node in words for people who don't know YAML's.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "keys with values"
	}
	return "a number"
}
