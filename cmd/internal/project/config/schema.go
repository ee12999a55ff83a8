package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// SchemaFile is the name under which the schema lies beside the file.
	SchemaFile = "beansprout.schema.json"
	// SchemaLine, as the first line of the file, tells editors with a YAML language server where the
	// schema is.
	SchemaLine = "# yaml-language-server: $schema=" + SchemaFile
)

// schema is a JSON Schema, or a part of one. It keeps to what draft 7, which every editor reads, and
// draft 2020-12 both mean by the same words. Besides, it has the messages and descriptions that
// editors with a language server show, and that validators skip.
type schema map[string]any

// Schema returns the JSON Schema of the file, made from the table of keys. It accepts whatever the
// program accepts; what it cannot say, such as sums and comparisons of values, the program refuses.
func Schema() []byte {
	root := section(table(&Config{}, &Image{}, &Secret{}), "")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = Name
	root["description"] = "What Beansprout needs to know about an application"
	root["type"] = "object"
	root["required"] = []string{"application"}
	root["allOf"] = togetherRules()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		panic(fmt.Sprintf("config: the schema: %v", err)) // it is made of texts and numbers alone
	}
	return ascii(b.Bytes())
}

// ascii writes characters outside ASCII as JSON's escapes: some of them could not be seen.
func ascii(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// section returns the schema of a value that holds the keys which are in the table directly below path.
func section(table []key, path string) schema {
	properties := schema{}
	for name, k := range below(table, path) {
		properties[name] = k.schema(table)
	}
	return schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// schema returns the schema of a key's value.
func (k key) schema(table []key) schema {
	var s schema
	switch into := k.into.(type) {
	case nil:
		s = section(table, k.path+".")
	case reader:
		s = into.shape()
	case *[]string, *[]SSH:
		s = schema{"type": []string{"array", "null"}, "items": text(k.check)}
		if _, agents := into.(*[]SSH); agents {
			s["uniqueItems"] = true
		}
	case *string:
		s = text(k.check)
	case *bool:
		s = schema{"type": "boolean"}
	case *int:
		s = with(schema{"type": "integer"}, k.check.rules...)
	case *int64:
		s = schema{"anyOf": []schema{{"type": "number", "minimum": 0, "maximum": int64(maxBytes)}, with(schema{"type": "string"}, matching(sizePattern, wantsSize))}}
	case *Duration:
		s = duration(k.check)
	case *[]StatusRange:
		one := schema{"anyOf": []schema{{"type": "integer", "minimum": 100, "maximum": 599}, with(schema{"type": "string"}, matching(statusRangePattern, wantsStatus))}}
		s = schema{"anyOf": []schema{one["anyOf"].([]schema)[0], one["anyOf"].([]schema)[1], {"type": "array", "items": one, "minItems": 1}}}
	default:
		panic(fmt.Sprintf("config: %s: no schema for a %T", k.path, into))
	}
	markdown := k.description()
	s["description"] = strings.ReplaceAll(markdown, "`", "")
	if s["description"] != markdown {
		s["markdownDescription"] = markdown
	}
	if value, ok := k.defaultValue(); ok {
		s["default"] = value
	}
	return s
}

// description returns what the key means, in Markdown, and its default where that is said in words.
func (k key) description() string {
	d := strings.ReplaceAll(k.doc, " (below)", "")
	if strings.HasPrefix(k.fallback, "(") {
		d += ". Default: " + strings.Trim(k.fallback, "()")
	}
	return d
}

// defaultValue returns the default as a JSON value, if there is one.
func (k key) defaultValue() (any, bool) {
	if k.fallback == "" || strings.HasPrefix(k.fallback, "(") {
		return nil, false
	}
	switch k.into.(type) {
	case *bool:
		return k.fallback == "true", true
	case *int:
		n, err := strconv.Atoi(k.fallback)
		return n, err == nil
	}
	return k.fallback, true
}

// matching returns the rule that a text has the pattern. Editors show the message, which is that of a
// check, without the value.
func matching(pattern, message string) schema {
	s := schema{"pattern": pattern}
	if message = strings.TrimPrefix(strings.TrimPrefix(message, "%s won't do; "), "%s "); message != "" {
		s["patternErrorMessage"] = message
	}
	return s
}

// visible is the rule that a text has no control characters but line breaks and tabs.
var visible = matching(`^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$`, "has a control character")

// text returns the schema of a single text.
func text(c check) schema {
	if c.words != nil {
		return schema{"enum": c.words}
	}
	return with(schema{"type": "string"}, c.visibleRules()...)
}

// spelled returns the schema of a value that is used as the file spells it.
func spelled(c check) schema {
	kinds := []string{"string"}
	if c.test("0") == nil && c.test("true") == nil {
		kinds = append(kinds, "number", "boolean")
	}
	return with(schema{"type": kinds}, c.visibleRules()...)
}

// visibleRules returns the rules of the check, and the one against control characters where they leave
// room for some.
func (c check) visibleRules() []schema {
	for _, r := range c.rules {
		pattern, _ := r["pattern"].(string)
		if strings.HasPrefix(pattern, "^") && strings.HasSuffix(pattern, "$") && !strings.Contains(pattern, "[^") {
			return c.rules
		}
	}
	return append(slices.Clone(c.rules), visible)
}

// mapping returns the schema of values whose names the file chooses.
func mapping(name check, values schema) schema {
	return schema{"type": []string{"object", "null"}, "propertyNames": with(schema{}, name.visibleRules()...), "additionalProperties": values}
}

// orNothing lets a single value be left out behind its key, too.
func orNothing(s schema) schema {
	s["type"] = append(s["type"].([]string), "null")
	return s
}

func duration(c check) schema {
	s := with(schema{"type": "string"}, append([]schema{matching(durationPattern, wantsDuration)}, c.rules...)...)
	if c.test("0") != nil {
		return s
	}
	return schema{"anyOf": []schema{s, {"const": 0}}}
}

// with adds rules to a schema: beside what it has where the words differ, else as a list.
func with(s schema, rules ...schema) schema {
	var more []schema
	for _, r := range rules {
		if slices.ContainsFunc(slices.Collect(maps.Keys(r)), func(word string) bool { return s[word] != nil }) {
			more = append(more, r)
		} else {
			maps.Copy(s, r)
		}
	}
	if more != nil {
		s["allOf"] = more
	}
	return s
}
