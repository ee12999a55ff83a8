package jsonschema

import (
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Validate returns nil for a valid value, or else a *ValidationError whose causes are all mistakes. The value
// is one that encoding/json has decoded.
func (s *Schema) Validate(v any) error {
	d := s.verdict(s.root, v, nil)
	if len(d.mistakes) == 0 {
		return nil
	}
	return &ValidationError{ErrorKind: d.mistakes[0].ErrorKind, Causes: d.mistakes}
}

// verdict is what a schema says of a value at a path: its mistakes, and which of its properties are known.
type verdict struct {
	*Schema
	at       []string
	known    map[string]bool
	mistakes []*ValidationError
}

func (d *verdict) refuse(k ErrorKind) {
	d.mistakes = append(d.mistakes, &ValidationError{InstanceLocation: d.at, ErrorKind: k})
}

// below checks a value inside the one that is checked.
func (d *verdict) below(schema, v any, name string) {
	d.mistakes = append(d.mistakes, d.verdict(schema, v, append(slices.Clip(d.at), name)).mistakes...)
}

// same checks the value by another schema, too, whose mistakes are returned.
func (d *verdict) same(schema, v any) []*ValidationError {
	other := d.verdict(schema, v, d.at)
	if len(other.mistakes) == 0 {
		maps.Copy(d.known, other.known)
	}
	return other.mistakes
}

func (s *Schema) verdict(schema, v any, at []string) *verdict {
	d := &verdict{Schema: s, at: at, known: map[string]bool{}}
	node := object(schema)
	switch types, enum := texts(node["type"]), texts(node["enum"]); {
	case schema == false:
		d.refuse(&kind.FalseSchema{})
		return d
	case types != nil && !slices.ContainsFunc(types, func(name string) bool { return is(v, name) }):
		d.refuse(&kind.Type{Want: types})
		return d
	case enum != nil && !slices.ContainsFunc(enum, func(want string) bool { return v == any(want) }):
		d.refuse(&kind.Enum{Want: enum})
		return d
	}
	if reference := text(node["$ref"]); reference != "" {
		d.mistakes = append(d.mistakes, d.same(s.definitions[strings.TrimPrefix(reference, "#/$defs/")], v)...)
	}
	switch v := v.(type) {
	case map[string]any:
		d.object(node, v)
	case []any:
		d.list(node, v)
	case string:
		if p := s.patterns[text(node["pattern"])]; p != nil && !p.MatchString(v) {
			d.refuse(&kind.Pattern{Got: v, Want: p.String()})
		}
	case float64:
		d.number(node, v)
	}
	d.combined(node, v)
	if rest, ok := node["unevaluatedProperties"]; ok {
		for _, name := range slices.Sorted(maps.Keys(object(v))) {
			if !d.known[name] {
				d.below(rest, object(v)[name], name)
			}
		}
	}
	return d
}

// is reports whether a value has a type of JSON Schema.
func is(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	}
	return false
}

func (d *verdict) object(node, v map[string]any) {
	missing := slices.DeleteFunc(texts(node["required"]), func(name string) bool { _, ok := v[name]; return ok })
	if len(missing) > 0 {
		d.refuse(&kind.Required{Missing: missing})
	}
	additional, limited := node["additionalProperties"]
	var refused []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		schemas := d.schemasOf(node, name)
		for _, schema := range schemas {
			d.below(schema, v[name], name)
		}
		switch {
		case len(schemas) > 0:
			d.known[name] = true
		case additional == false:
			refused = append(refused, name)
		case limited:
			d.known[name] = true
			d.below(additional, v[name], name)
		}
	}
	if refused != nil {
		d.refuse(&kind.AdditionalProperties{Properties: refused})
	}
}

// schemasOf returns the schemas of a property by its name.
func (d *verdict) schemasOf(node map[string]any, name string) (all []any) {
	if schema, ok := object(node["properties"])[name]; ok {
		all = append(all, schema)
	}
	for pattern, schema := range object(node["patternProperties"]) {
		if d.patterns[pattern].MatchString(name) {
			all = append(all, schema)
		}
	}
	return all
}

func (d *verdict) list(node map[string]any, v []any) {
	if node["uniqueItems"] == true {
		if i, j, found := twins(v); found {
			d.refuse(&kind.UniqueItems{Duplicates: [2]int{i, j}})
		}
	}
	if schema, ok := node["items"]; ok {
		for i, item := range v {
			d.below(schema, item, strconv.Itoa(i))
		}
	}
}

// twins finds two items that are equal.
func twins(v []any) (i, j int, found bool) {
	for j := range v {
		for i := range j {
			if reflect.DeepEqual(v[i], v[j]) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

func (d *verdict) number(node map[string]any, v float64) {
	if least, ok := node["minimum"].(float64); ok && v < least {
		d.refuse(&kind.Minimum{Want: new(big.Rat).SetFloat64(least)})
	}
	if most, ok := node["maximum"].(float64); ok && v > most {
		d.refuse(&kind.Maximum{Want: new(big.Rat).SetFloat64(most)})
	}
}

// combined checks the value by the schemas of which all must find it valid, or any, or exactly one.
func (d *verdict) combined(node map[string]any, v any) {
	for _, schema := range items(node["allOf"]) {
		d.mistakes = append(d.mistakes, d.same(schema, v)...)
	}
	d.alternatives(items(node["anyOf"]), v)
	if valid := d.alternatives(items(node["oneOf"]), v); len(valid) > 1 {
		d.refuse(&kind.OneOf{Subschemas: valid[:2]})
	}
}

// alternatives returns which of the schemas find the value valid. If none does, all their mistakes count.
func (d *verdict) alternatives(schemas []any, v any) (valid []int) {
	var against []*ValidationError
	for i, schema := range schemas {
		mistakes := d.same(schema, v)
		if against = append(against, mistakes...); len(mistakes) == 0 {
			valid = append(valid, i)
		}
	}
	if valid == nil {
		d.mistakes = append(d.mistakes, against...)
	}
	return valid
}
