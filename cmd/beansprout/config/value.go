package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// value is what stands behind one key of the file.
type value struct {
	doc  *document
	path string   // "environment.check.path"; "" for the whole file
	key  place    // of its key
	node ast.Node // nil or *ast.NullNode when nothing stands there
}

// entry is a key with its value.
type entry struct {
	name string
	value
}

// field takes in the value of a key.
type field func(value)

// fields are the keys that are known in one place.
type fields map[string]field

// object hands the value of each key to its field, and refuses unknown keys. Nothing at
// all is an object without keys, so that one may comment out all of them.
func (v value) object(known fields) {
	for _, e := range v.entries() {
		take, ok := known[e.name]
		if !ok {
			v.doc.fail(e.key, "unknown key %s%s%s", quote(e.name), v.within(), suggestion(e.name, slices.Sorted(maps.Keys(known))))
			continue
		}
		v.doc.set[e.path] = e.value
		take(e.value)
	}
}

func (v value) within() string {
	if v.path == "" {
		return ""
	}
	return " in " + v.path
}

// entries returns the keys and values in the order of the file.
func (v value) entries() []entry {
	if v.empty() {
		return nil
	}
	mapping, ok := v.node.(ast.MapNode)
	if !ok {
		v.wrong("keys with values")
		return nil
	}
	var entries []entry
	for it := mapping.MapRange(); it.Next(); {
		t := it.Key().GetToken()
		name := t.Value
		if strings.ContainsFunc(name, unicode.IsControl) {
			v.doc.fail(position(t), "the key %s has a control character", quote(name))
			continue
		}
		path := name
		if v.path != "" {
			path = v.path + "." + name
		}
		entries = append(entries, entry{name, value{v.doc, path, position(t), it.Value()}})
	}
	return entries
}

// list returns the elements of a list; nothing at all is a list without elements.
func (v value) list() []value {
	if v.empty() {
		return nil
	}
	n, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.wrong("a list")
		return nil
	}
	elements := make([]value, len(n.Values))
	for i, e := range n.Values {
		elements[i] = value{v.doc, fmt.Sprintf("%s[%d]", v.path, i), placeOf(e), e}
	}
	return elements
}

// text returns a string.
func (v value) text() (string, bool) {
	s, ok := v.scalar()
	if !ok {
		return "", false
	}
	switch v.node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return s, true
	}
	v.fail("want text, not %s; write %q", kind(v.node), s)
	return "", false
}

// scalar returns any single value the way the file spells it: 8080, true, 1.10.
func (v value) scalar() (string, bool) {
	var s string
	switch n := v.node.(type) {
	case nil, *ast.NullNode:
		v.fail(`has no value; put it in quotes if it is empty or begins with #`)
		return "", false
	case *ast.LiteralNode:
		s = n.Value.Value
	case ast.ScalarNode:
		s = n.GetToken().Value
	default:
		v.wrong("a single value")
		return "", false
	}
	if i := strings.IndexFunc(s, forbidden); i >= 0 {
		v.fail("has the control character %U", []rune(s[i:])[0])
		return "", false
	}
	return s, true
}

// forbidden are the characters that an escape such as "\x1b" could smuggle in.
func forbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t'
}

func (v value) empty() bool {
	if v.node == nil {
		return true
	}
	_, null := v.node.(*ast.NullNode)
	return null
}

// place is where the value stands, or its key where there is none.
func (v value) place() place {
	if v.empty() {
		return v.key
	}
	return placeOf(v.node)
}

// fail notes a problem with the value, at the value.
func (v value) fail(format string, args ...any) {
	v.doc.fail(v.place(), "%s", v.path+": "+fmt.Sprintf(format, args...))
}

func (v value) wrong(want string) {
	if v.path == "" {
		v.doc.fail(placeOf(v.node), "the file must hold keys with values, as in \"application: shop\", not %s", kind(v.node))
		return
	}
	v.fail("want %s, not %s", want, kind(v.node))
}

// kind says what a node is, in words for people who don't know YAML's.
func kind(n ast.Node) string {
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

// placeOf returns where a node begins. The token of a mapping that has no brackets is its
// first colon, behind the key.
func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return position(m.Values[0].Key.GetToken())
	}
	return position(n.GetToken())
}

func position(t *token.Token) place {
	return place{t.Position.Line, t.Position.Column}
}
