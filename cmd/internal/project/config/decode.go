package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"beansprout/spelling"
)

// parse reads the text of a file. The error is an *Error.
func parse(file, dir string, text []byte) (*Config, error) {
	d := &document{file: file, set: map[string]value{}}
	c := initial(dir)
	c.File = file
	if node, at, err := tree(text); err != nil {
		d.fail(at, "%v", err)
	} else {
		root := value{doc: d, key: place{1, 1}, node: node}
		root.section(table(c, &Image{}, &Secret{}), "")
		c.validate(d)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	c.complete(d.set)
	c.places = map[string]string{}
	for path, v := range d.set {
		c.places[path] = d.at(v.place())
	}
	return c, nil
}

// value is the value of one key of the file, or an element of a list.
type value struct {
	doc  *document
	name string   // of the key
	path string   // "environment.check.path"; "" for the whole file
	key  place    // where the key is
	node ast.Node // nil or *ast.NullNode when the key has no value
}

// section reads a value that holds the keys which are in the table directly below path; path is ""
// or ends with a dot. No value at all holds no keys: a file may comment out all of them.
func (v value) section(table []key, path string) {
	known := below(table, path)
	within := " in " + v.path
	if v.path == "" {
		within = ""
	}
	for _, e := range v.entries() {
		switch k, ok := known[e.name]; {
		case !ok:
			v.doc.fail(e.key, "unknown key %s%s; %s", quote(e.name), within, suggestion(e.name, slices.Sorted(maps.Keys(known))))
		case k.into == nil:
			e.section(table, k.path+".")
		default:
			k.read(e)
		}
	}
}

// below returns the keys that are in the table directly below path, by name.
func below(table []key, path string) map[string]key {
	known := map[string]key{}
	for _, k := range table {
		if name, ok := strings.CutPrefix(k.path, path); ok && !strings.ContainsAny(name, ".[") {
			known[name] = k
		}
	}
	return known
}

// suggestion ends a message about an unknown key: with the known key that was probably meant, or
// with all of them.
func suggestion(word string, known []string) string {
	if nearest := spelling.Nearest(word, known); nearest != "" {
		return "did you mean " + nearest + "?"
	}
	return "known are " + strings.Join(known, ", ")
}

// entries returns the values of the keys in the order of the file.
func (v value) entries() []value {
	if v.empty() {
		return nil
	}
	mapping, ok := v.node.(ast.MapNode)
	if !ok {
		v.wrong("keys with values")
		return nil
	}
	var entries []value
	for it := mapping.MapRange(); it.Next(); {
		t := it.Key().GetToken()
		if strings.ContainsFunc(t.Value, unicode.IsControl) {
			v.doc.fail(position(t), "the key %s has a control character", quote(t.Value))
			continue
		}
		e := value{v.doc, t.Value, strings.TrimPrefix(v.path+"."+t.Value, "."), position(t), it.Value()}
		v.doc.set[e.path] = e
		entries = append(entries, e)
	}
	return entries
}

// named returns the entries of a value whose names the file chooses, and checks the names.
func (v value) named(name check) []value {
	entries := v.entries()
	for _, e := range entries {
		if err := name.test(e.name); err != nil {
			v.doc.fail(e.key, "%s: the name %v", e.path, err)
		}
	}
	return entries
}

// scalars returns single values by name.
func (v value) scalars(name, content check) map[string]string {
	all := map[string]string{}
	for _, e := range v.named(name) {
		if s, ok := e.scalar(); ok {
			all[e.name] = s
			if err := content.test(s); err != nil {
				e.fail("%v", err)
			}
		}
	}
	return all
}

// list returns the elements of a list. No value at all is a list without elements.
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
		elements[i] = value{v.doc, "", fmt.Sprintf("%s[%d]", v.path, i), placeOf(e), e}
	}
	return elements
}

// scalar returns any single value as the file spells it: 8080, true, 1.10.
func (v value) scalar() (string, bool) {
	var s string
	if v.empty() {
		v.fail(`has no value; put it in quotes if it is empty or begins with #`)
		return "", false
	}
	switch n := v.node.(type) {
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

func (v value) empty() bool { return kindOf(v.node) == kindNothing }

func (v value) isText() bool { return kindOf(v.node) == kindText }
