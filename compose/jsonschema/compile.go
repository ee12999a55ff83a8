package jsonschema

import (
	"fmt"
	"regexp"
)

// Schema is a compiled schema: a document whose keywords are all known.
type Schema struct {
	root, definitions map[string]any
	patterns          map[string]*regexp.Regexp
}

// inner is what the value of a keyword has: no schemas, one, a list of them, or some by names or by patterns of names.
type inner int

const (
	none inner = iota
	one
	list
	named
	matched
)

var keywords = map[string]inner{
	"$schema": none, "$id": none, "title": none, "description": none, "default": none, "deprecated": none, "format": none, // they only describe
	"$ref": none, "type": none, "enum": none, "required": none, "uniqueItems": none, "minimum": none, "maximum": none, "pattern": none,
	"items": one, "additionalProperties": one, "unevaluatedProperties": one,
	"allOf": list, "anyOf": list, "oneOf": list,
	"$defs": named, "properties": named, "patternProperties": matched,
}

// learn checks the keywords of a schema, and of those inside it.
func (s *Schema) learn(v any) error {
	node, ok := v.(map[string]any)
	if _, isBool := v.(bool); !ok && !isBool {
		return fmt.Errorf("%v is no schema", v)
	}
	for keyword, value := range node {
		has, ok := keywords[keyword]
		if !ok {
			return fmt.Errorf("the keyword %s is not known", keyword)
		}
		var schemas []any
		switch has {
		case one:
			schemas = []any{value}
		case list:
			schemas = items(value)
		case named, matched:
			for name, sub := range object(value) {
				schemas = append(schemas, sub)
				if err := s.pattern(name, has == matched); err != nil {
					return err
				}
			}
		}
		for _, sub := range schemas {
			if err := s.learn(sub); err != nil {
				return err
			}
		}
	}
	return s.pattern(text(node["pattern"]), node["pattern"] != nil)
}

// pattern compiles a regular expression, if the text is one.
func (s *Schema) pattern(text string, is bool) (err error) {
	if is {
		s.patterns[text], err = regexp.Compile(text)
	}
	return err
}

func object(v any) map[string]any { o, _ := v.(map[string]any); return o }

func items(v any) []any { l, _ := v.([]any); return l }

func text(v any) string { t, _ := v.(string); return t }

// texts returns a text, or those of a list.
func texts(v any) (all []string) {
	if t, ok := v.(string); ok {
		return []string{t}
	}
	for _, item := range items(v) {
		all = append(all, text(item))
	}
	return all
}
