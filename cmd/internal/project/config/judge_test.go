package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"beansprout/test/must"
)

// judge validates files by the schema alone, as an editor does: another YAML parser, the core schema
// of YAML 1.2, and a validator of JSON Schema.
type judge struct{ drafts []*jsonschema.Schema }

// newJudge compiles the schema twice: it means the same in the draft that it names and in the newest.
func newJudge(t *testing.T) judge {
	t.Helper()
	var j judge
	for _, draft := range []string{"http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2020-12/schema"} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
		must.Succeed(t, err)
		doc.(map[string]any)["$schema"] = draft
		c := jsonschema.NewCompiler()
		must.Succeed(t, c.AddResource("schema.json", doc))
		s, err := c.Compile("schema.json")
		must.Succeed(t, err)
		j.drafts = append(j.drafts, s)
	}
	return j
}

// refuses returns what the schema has against the text of a file, or nil.
func (j judge) refuses(t *testing.T, text string) error {
	t.Helper()
	v, err := document12(text)
	if err != nil {
		return err
	}
	older, newer := j.drafts[0].Validate(v), j.drafts[1].Validate(v)
	if (older == nil) != (newer == nil) {
		t.Errorf("the drafts differ about\n%s\n%v\n%v", text, older, newer)
	}
	return older
}

// document12 reads the first document of a text as the value that JSON would have.
func document12(text string) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 {
		return nil, nil
	}
	return value12(doc.Content[0])
}

func value12(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return value12(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := value12(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i]
			if _, twice := object[name.Value]; twice || name.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: the key %q", name.Line, name.Value)
			}
			v, err := value12(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			object[name.Value] = v
		}
		return object, nil
	case yaml.ScalarNode:
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
			return n.Value, nil
		}
		return scalar12(n.Value)
	}
	return nil, errors.New("unknown node")
}

var (
	null12    = regexp.MustCompile(`^(|~|null|Null|NULL)$`)
	truth12   = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	whole12   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	endless12 = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	real12    = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// scalar12 resolves a scalar without quotes (YAML 1.2.2, section 10.3.2).
func scalar12(s string) (any, error) {
	switch {
	case null12.MatchString(s):
		return nil, nil
	case truth12.MatchString(s):
		return strings.EqualFold(s, "true"), nil
	case whole12.MatchString(s):
		base := 10
		if strings.HasPrefix(s, "0o") || strings.HasPrefix(s, "0x") {
			base = 0
		}
		n, ok := new(big.Int).SetString(s, base)
		if !ok {
			return nil, fmt.Errorf("%q is no whole number", s)
		}
		return json.Number(n.String()), nil
	case endless12.MatchString(s):
		return json.Number("1e400"), nil // JSON has no infinity
	case real12.MatchString(s):
		f, ok := new(big.Float).SetString(s)
		if !ok {
			return nil, fmt.Errorf("%q is no number", s)
		}
		return json.Number(f.Text('g', -1)), nil
	}
	return s, nil
}
