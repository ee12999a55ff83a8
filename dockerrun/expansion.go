package dockerrun

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
)

// expansion makes the expanded document. It holds each value against the type that Dockerrun
// wants at its path, so it knows where a placeholder is to become a number, and reports what has
// another type or no meaning.
type expansion struct {
	*report
	known map[string]any
	env   func(string) (string, bool)
}

// document returns the template's text with its strings expanded; all else stays byte for byte.
func (x *expansion) document(values []value) []byte {
	var out bytes.Buffer
	copied := 0
	wants := make([]reflect.Type, len(values)) // nil where nothing is known about what is wanted
	for i, v := range values {
		wants[i] = x.wanted(v, wants[v.parent])
		literal, ok := x.expand(v, wants[i])
		if ok && wants[i] != nil && kindOf(literal) != kindWanted(wants[i]) {
			x.add(v.path, "wants %s, not %s", kindWanted(wants[i]), x.cite(v.path))
			wants[i] = nil
		}
		out.Write(x.text[copied:v.start])
		out.Write(literal)
		copied = v.end
	}
	out.Write(x.text[copied:])
	return out.Bytes()
}

// wanted returns the type that is wanted for a value in a parent of a type. It reports a key
// that has no meaning there.
func (x *expansion) wanted(v value, parent reflect.Type) reflect.Type {
	switch {
	case v.path == "":
		return reflect.TypeFor[document]()
	case strings.Contains(v.key, "${"):
		x.add(v.path, "a placeholder can stand in a value, not in a key")
		return nil
	case parent == nil:
		return nil
	case parent.Kind() != reflect.Struct:
		return parent.Elem()
	}
	fields := fieldsOf(parent)
	if field, ok := fields[v.key]; ok {
		return field
	}
	x.add(v.path, "unknown key%s", suggestion(v.key, fields))
	return nil
}

// expand returns the JSON that a value expands to, and whether all its placeholders are known.
func (x *expansion) expand(v value, want reflect.Type) (literal []byte, ok bool) {
	literal = x.text[v.start:v.end]
	if !strings.Contains(v.text, "${") {
		return literal, true
	}
	parts, err := split(v.text)
	if err != nil {
		x.add(v.path, "%v", err)
		return literal, false
	}
	ok = true
	var b strings.Builder
	for _, p := range parts {
		s, err := x.part(p)
		if err != nil {
			x.add(v.path, "%v", err)
			ok = false
		}
		b.WriteString(s)
	}
	if want != nil && len(parts) == 1 && parts[0].placeholder {
		return literalOf(b.String(), kindWanted(want)), ok
	}
	return quote(b.String()), ok
}

// literalOf returns a text as a number or a boolean, if that is wanted and it is one.
func literalOf(s string, want kind) []byte {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && want == numbers {
		return strconv.AppendInt(nil, i, 10)
	}
	if want == booleans && (s == "true" || s == "false") {
		return []byte(s)
	}
	return quote(s)
}
