package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	whole "github.com/pb33f/jsonschema/v6"
	wholekind "github.com/pb33f/jsonschema/v6/kind"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"beansprout/test/must"
)

// everyForm is a file with many of the keys that compose knows, in their different forms.
const everyForm = `
name: shop
x-common: {a: 1}
services:
  web:
    image: nginx
    build: {context: ., args: [A=b], ssh: [default], secrets: [{source: s, mode: 0440}], tags: [a, b], ulimits: {nofile: {soft: 1, hard: 2}}}
    command: [a, b]
    ports: ["80:80", 81, {target: 82, published: "83", mode: host}]
    environment: {A: b, C: 1, D: null}
    env_file: [a.env, {path: b.env, required: false}]
    depends_on: {db: {condition: service_healthy, restart: true}}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1G, pids: 5}}, restart_policy: {condition: any, delay: 5s}, placement: {constraints: [a]}}
    healthcheck: {test: [CMD, a], interval: 1s, retries: 3, disable: false}
    volumes: [a:/b, {type: tmpfs, target: /c, tmpfs: {size: 5}}, {type: bind, source: ., target: /d, bind: {selinux: z}}]
    networks: {front: {aliases: [a], priority: 1}}
    logging: {driver: json-file, options: {max-size: 1, b: null}}
    extends: {service: db}
    blkio_config: {weight: 3, device_read_bps: [{path: /a, rate: 5}]}
    oom_score_adj: 5
    pull_policy: always
    develop: {watch: [{action: sync, path: a, target: b}]}
    ulimits: {nproc: 5}
    dns: 1.1.1.1
    sysctls: [a=1]
    tmpfs: [/run]
    gpus: all
    post_start: [{command: a, user: b}]
    x-own: 1
  db: {image: postgres, environment: [A=b], build: ., cpus: 1.5, mem_limit: 5, secrets: [s], configs: [{source: c, target: /c}]}
jobs:
  night: {image: a, triggers: {manual: true}}
networks: {front: {driver: bridge, ipam: {config: [{subnet: 10.0.0.0/24}]}}, back: null}
volumes: {a: {external: true, labels: [a=b]}}
secrets: {s: {file: a}}
configs: {c: {content: a}}
`

// TestTheSchemaIsJudgedAsByAWholeValidator compares the validator that stands in for the one of compose-go with that one, of which
// another module has a copy.
func TestTheSchemaIsJudgedAsByAWholeValidator(t *testing.T) {
	small, large := bothOf(t, schema.Schema)
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for i := range 500 {
		var file map[string]any
		must.Succeed(t, yaml.Unmarshal([]byte(everyForm), &file))
		for range i % 4 { // the first is as it stands
			distort(r, file)
		}
		text, err := json.Marshal(file)
		must.Succeed(t, err)
		var v any
		must.Succeed(t, json.Unmarshal(text, &v))
		mistakes := sameMistakes(t, small, large, v)
		refused += min(len(mistakes), 1)
		if i == 0 && len(mistakes) > 0 {
			t.Fatalf("the file is refused: %q", mistakes)
		}
	}
	if refused < 250 {
		t.Errorf("only %d files are refused", refused)
	}
}

func TestEachKeywordIsJudgedAsByAWholeValidator(t *testing.T) {
	values := []any{nil, true, "", "a", "ab", 0.0, 1.0, 1.5, 2.0, -1.0, []any{}, []any{"a", "a"}, []any{"a", 1.0}, map[string]any{}, map[string]any{"a": "a"}, map[string]any{"a": 1.0, "b": 2.0}}
	for _, text := range []string{
		`{"type": "integer"}`, `{"type": "number"}`, `{"type": ["number", "null"]}`, `{"type": "boolean"}`, `{"enum": ["a", "b"]}`, `{"enum": ["a"]}`, `{"minimum": 1}`, `{"maximum": 1}`, `{"pattern": "^a$"}`,
		`{"required": ["a", "b"]}`, `{"uniqueItems": true}`, `{"items": {"type": "string"}}`, `{"additionalProperties": false, "properties": {"a": true}}`,
		`{"additionalProperties": {"type": "string"}}`, `{"patternProperties": {"^a": {"type": "string"}, "a$": {"pattern": "b"}}}`,
		`{"oneOf": [{"type": "string"}, {"pattern": "^a$"}, {"type": "number"}]}`, `{"anyOf": [{"required": ["b"]}, {"type": "string"}]}`, `{"allOf": [{"minimum": 1}, {"maximum": 1}]}`,
		`{"$defs": {"d": {"properties": {"a": {"type": "string"}}}}, "$ref": "#/$defs/d", "unevaluatedProperties": false}`,
		`{"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "number"}, "b": true}}], "unevaluatedProperties": false}`,
	} {
		small, large := bothOf(t, `{"$schema": "https://json-schema.org/draft/2020-12/schema", `+text[1:])
		for _, v := range values {
			sameMistakes(t, small, large, v)
		}
	}
}

// bothOf compiles a schema for both validators.
func bothOf(t *testing.T, text string) (*jsonschema.Schema, *whole.Schema) {
	t.Helper()
	mine, theirs := jsonschema.NewCompiler(), whole.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	must.Succeed(t, err)
	must.Succeed(t, mine.AddResource("schema", document))
	must.Succeed(t, theirs.AddResource("schema", document))
	small, err := mine.Compile("schema")
	must.Succeed(t, err)
	large, err := theirs.Compile("schema")
	must.Succeed(t, err)
	return small, large
}

// sameMistakes returns what both validators have against a value.
func sameMistakes(t *testing.T, small *jsonschema.Schema, large *whole.Schema, v any) []string {
	t.Helper()
	got, want := mistakesOf(small.Validate(v)), wholeMistakesOf(large.Validate(v))
	if !slices.Equal(got, want) {
		t.Fatalf("of %v\ngot  %q\nwant %q", v, got, want)
	}
	return want
}

// distort changes one value below an object or a list.
func distort(r *rand.Rand, v any) {
	other := []any{"a", "z", "1.5", 1, -1, 2000, 1.5, true, nil, []any{}, []any{"a", "a"}, []any{1, "b"}, map[string]any{}, map[string]any{"x-a": 1}, map[string]any{"a": "b", "target": 5}}
	deeper := r.IntN(5) > 0
	switch v := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		if len(names) == 0 {
			return
		}
		name := names[r.IntN(len(names))]
		switch inside := v[name].(type) {
		case map[string]any, []any:
			if deeper {
				distort(r, inside)
				return
			}
		}
		switch r.IntN(4) {
		case 0:
			delete(v, name)
		case 1:
			v["unknown"] = v[name]
		default:
			v[name] = other[r.IntN(len(other))]
		}
	case []any:
		if len(v) == 0 {
			return
		}
		i := r.IntN(len(v))
		if _, ok := v[i].(map[string]any); ok && deeper {
			distort(r, v[i])
			return
		}
		v[i] = other[r.IntN(len(other))]
	}
}

// mistakesOf lists what the small validator has against a value.
func mistakesOf(err error) (all []string) {
	e, _ := errors.AsType[*jsonschema.ValidationError](err)
	if e == nil {
		return nil
	}
	p := message.NewPrinter(language.English)
	for _, cause := range e.Causes {
		what := cause.ErrorKind.LocalizedString(p)
		switch k := cause.ErrorKind.(type) {
		case *kind.Type:
			what = fmt.Sprint("type ", slices.Sorted(slices.Values(k.Want)))
		case *kind.Minimum:
			what = "least " + k.Want.RatString()
		case *kind.Maximum:
			what = "most " + k.Want.RatString()
		}
		all = append(all, strings.Join(cause.InstanceLocation, ".")+" "+what)
	}
	return inOrder(all)
}

// wholeMistakesOf lists what the whole validator has against a value.
func wholeMistakesOf(err error) (all []string) {
	e, _ := errors.AsType[*whole.ValidationError](err)
	if e == nil {
		return nil
	}
	for _, cause := range e.Causes {
		all = append(all, wholeMistakesOf(cause)...)
	}
	if len(e.Causes) > 0 {
		return inOrder(all)
	}
	what := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	switch k := e.ErrorKind.(type) {
	case *wholekind.Type:
		what = fmt.Sprint("type ", slices.Sorted(slices.Values(k.Want)))
	case *wholekind.Minimum:
		what = "least " + k.Want.RatString()
	case *wholekind.Maximum:
		what = "most " + k.Want.RatString()
	case *wholekind.AdditionalProperties:
		slices.Sort(k.Properties)
		what = k.LocalizedString(message.NewPrinter(language.English))
	}
	return []string{strings.Join(e.InstanceLocation, ".") + " " + what}
}

func inOrder(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

func TestASchemaWithOtherKeywordsIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "object"}`:                         "",
		`{"properties": {"a": {"const": 1}}}`:        "const",
		`{"allOf": [{"minLength": 1}]}`:              "minLength",
		`{"$defs": {"a": {"items": {"not": true}}}}`: "not",
		`{"patternProperties": {"(": true}}`:         "missing closing",
		`{"items": 5}`:                               "no schema",
	} {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		must.Succeed(t, err)
		c := jsonschema.NewCompiler()
		must.Succeed(t, c.AddResource("a", document))
		_, err = c.Compile("a")
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
