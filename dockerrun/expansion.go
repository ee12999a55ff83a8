package dockerrun

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// expansion makes the expanded document. It compares each value with the type that Dockerrun has
// at its path, so that it can turn a placeholder into a number, and reports other types and
// unknown keys.
type expansion struct {
	report *report
	known  map[string]any
	env    func(string) (string, bool)
}

// document returns the template's text with its strings expanded; all else stays byte for byte.
func (x *expansion) document(values []value) []byte {
	var out bytes.Buffer
	copied := 0
	wants := make([]reflect.Type, len(values)) // nil where the type is unknown
	for i, v := range values {
		wants[i] = x.requiredType(v, wants[v.parent])
		literal, ok := x.expand(v, wants[i])
		if ok && wants[i] != nil && kindOf(literal) != kindWanted(wants[i]) {
			x.report.add(v.path, "wants %s, not %s", kindWanted(wants[i]), x.report.source.cite(v.path))
			wants[i] = nil
		}
		out.Write(x.report.source.text[copied:v.start])
		out.Write(literal)
		copied = v.end
	}
	out.Write(x.report.source.text[copied:])
	return out.Bytes()
}

// requiredType returns the type that a value in a parent of this type must have. It reports an unknown
// key.
func (x *expansion) requiredType(v value, parent reflect.Type) reflect.Type {
	switch {
	case v.path == "":
		return reflect.TypeFor[document]()
	case strings.Contains(v.key, "${"):
		x.report.add(v.path, "a placeholder may be in a value, but not in a key")
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
	x.report.add(v.path, "unknown key%s", suggestion(v.key, fields))
	return nil
}

// expand returns the JSON that a value expands to, and whether all its placeholders are known.
func (x *expansion) expand(v value, want reflect.Type) (literal []byte, ok bool) {
	literal = x.report.source.text[v.start:v.end]
	if !strings.Contains(v.text, "${") {
		return literal, true
	}
	parts, err := split(v.text)
	if err != nil {
		x.report.add(v.path, "%v", err)
		return literal, false
	}
	ok = true
	var b strings.Builder
	for _, p := range parts {
		s, err := x.part(p)
		if err != nil {
			x.report.add(v.path, "%v", err)
			ok = false
		}
		b.WriteString(s)
	}
	if want != nil && len(parts) == 1 && parts[0].placeholder {
		return literalOf(b.String(), kindWanted(want)), ok
	}
	return quote(b.String()), ok
}

// literalOf returns a text as a number or a boolean if that is wanted and possible.
func literalOf(s string, want kind) []byte {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && want == numbers {
		return strconv.AppendInt(nil, i, 10)
	}
	if want == booleans && (s == "true" || s == "false") {
		return []byte(s)
	}
	return quote(s)
}

// part is a part of a string: literal text, or the name in a placeholder.
type part struct {
	text        string
	placeholder bool
}

var errUnterminated = errors.New("a ${ has no }; for the text ${ write $${")

// split splits a string at its placeholders. In it, $${ is the text ${.
func split(s string) ([]part, error) {
	var parts []part
	for s != "" {
		before, after, found := strings.Cut(s, "${")
		if !found {
			return append(parts, part{text: s}), nil
		}
		if strings.HasSuffix(before, "$") {
			parts, s = append(parts, part{text: before + "{"}), after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errUnterminated
		}
		if before != "" {
			parts = append(parts, part{text: before})
		}
		parts, s = append(parts, part{name, true}), rest
	}
	return parts, nil
}

// known returns the values of all placeholders by name, except those of ${env.NAME}.
func (v Values) known() map[string]any {
	known := map[string]any{"feature": v.Feature, "commit": v.Commit, "environment": v.Environment, "url": v.URL}
	for name, image := range v.Images {
		known["image."+name] = image
	}
	for name, value := range v.Values {
		known["value."+name] = value
	}
	return known
}

// part returns the text of a part. It is not expanded again.
func (x *expansion) part(p part) (string, error) {
	if !p.placeholder {
		return p.text, nil
	}
	if variable, ok := strings.CutPrefix(p.text, "env."); ok {
		return x.variable(variable)
	}
	value, ok := x.known[p.text]
	if !ok {
		return "", fmt.Errorf("unknown placeholder ${%s}%s", p.text, suggestion(p.text, x.known))
	}
	s, ok := scalar(value)
	if !ok {
		return "", fmt.Errorf("${%s} is neither text nor a number nor true or false", p.text)
	}
	return s, nil
}

func (x *expansion) variable(name string) (string, error) {
	if x.env != nil {
		if value, ok := x.env(name); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("${env.%s}: this environment variable is not set", name)
}

// scalar returns a value of beansprout.yaml as text. Lists and maps are not allowed.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool, int, int64, uint64:
		return fmt.Sprint(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	default:
		return "", false
	}
}
