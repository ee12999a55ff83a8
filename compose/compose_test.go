package compose

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/test/must"
)

func noVariable(string) (string, bool) { return "", false }

// expand returns the bundle's file of a text in which the image web is known.
func expand(t *testing.T, text string, v dockerrun.Values) string {
	t.Helper()
	f, err := Parse("compose.yaml", []byte(text), Properties{Partial: true})
	must.Succeed(t, err)
	if v.Images == nil {
		v.Images = map[string]string{"web": "registry.example/shop@sha256:0000000000000000000000000000000000000000000000000000000000000001"}
	}
	out, err := f.Expand(v)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return string(out)
}

const builtImage = "registry.example/shop@sha256:0000000000000000000000000000000000000000000000000000000000000001"

func TestOnlyPlaceholdersOfOursAreReplaced(t *testing.T) {
	v := dockerrun.Values{
		Feature: "a$b", Commit: "12e4567", Environment: "shop-login", URL: "http://x.example",
		Values: map[string]any{"memory": "64", "on": "true", "version": "1.10", "zero": "007"},
		Env:    func(name string) (string, bool) { return "from " + name, name == "CI" },
	}
	for _, tt := range []struct{ name, was, want string }{
		{"a plain scalar", "${beansprout.commit} # a comment", `"12e4567" # a comment`},
		{"part of one", "v-${beansprout.commit}-x", `"v-12e4567-x"`},
		{"a dollar", "${beansprout.feature}", `"a$$b"`},
		{"single quotes", "'it''s ${beansprout.environment}'", `"it's shop-login"`},
		{"double quotes", `"\t${beansprout.url}"`, `"\u0009http://x.example"`},
		{"a literal block", "|\n        one ${beansprout.environment}\n        two # three\n", "\"one shop-login\\ntwo # three\\n\"\n"},
		{"a folded block", ">-\n        one ${beansprout.environment}\n        two\n", "\"one shop-login two\"\n"},
		{"several lines", "one\n        ${beansprout.environment} two", `"one shop-login two"`},
		{"a number", "${value.memory}", "64"},
		{"a truth", "${value.on}", "true"},
		{"what looks like a number", "${value.version}", `"1.10"`},
		{"zeros", "${value.zero}", `"007"`},
		{"a quoted number", `"${value.memory}"`, `"64"`},
		{"a variable of up", "${env.CI}", `"from CI"`},
		{"an anchor", "&name ${beansprout.environment}", `&name "shop-login"`},
		{"a tag", "!!str ${value.memory}", `!!str 64`},
		{"compose's own", "${X:-y} $Z $$ ${Y-a.b}", "${X:-y} $Z $$ ${Y-a.b}"},
		{"an escaped one", "$${beansprout.feature}", "$${beansprout.feature}"},
		{"ours beside", "$$${beansprout.environment}${X}", `"$$shop-login${X}"`},
	} {
		const text = "services:\n  web:\n    image: ${image.web}\n    ports: [\"80:80\"]\n    environment:\n      A: %s\n      B: \"b\"   # stays\n"
		was, want := fmt.Sprintf(text, tt.was), strings.Replace(fmt.Sprintf(text, tt.want), "${image.web}", `"`+builtImage+`"`, 1)
		if got := expand(t, was, v); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, want)
		}
		crlf := strings.ReplaceAll(was, "\n", "\r\n")
		if got := expand(t, "\ufeff"+crlf, v); !strings.Contains(tt.was, "\n") && got != strings.ReplaceAll(want, "\n", "\r\n") {
			t.Errorf("%s with CRLF: got\n%q\nwant\n%q", tt.name, got, want)
		}
	}
}

func TestPlaceholdersThatCannotBeReplacedAreRefused(t *testing.T) {
	for was, want := range map[string]string{
		"{A: \"${images.web}\"}":                 "compose.yaml:4:22: unknown placeholder ${images.web}; did you mean image.web?",
		"{A: \"${beansprout.branch}\"}":          "compose.yaml:4:22: unknown placeholder ${beansprout.branch}",
		"{A: \"${env.MISSING}\"}":                "compose.yaml:4:22: ${env.MISSING}: this environment variable is not set",
		"{A: \"${X:-${image.web}}\"}":            "compose.yaml:4:22: a placeholder can't be inside another ${...}",
		"{\"${beansprout.feature}\": \"value\"}": "compose.yaml:4:19: a placeholder may be in a value, but not in a key",
	} {
		f, err := Parse("compose.yaml", []byte("services:\n  web:\n    image: ${image.web}\n    environment: "+was+"\n    ports: [\"80:80\"]\n"), Properties{})
		must.Succeed(t, err)
		_, err = f.Check([]string{"web"}, nil, noVariable, 0)
		if _, ok := errors.AsType[dockerrun.Findings](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", was, err, want)
		}
	}
}

// hostile makes a text of what breaks YAML, compose's language and ours.
func hostile(r *rand.Rand) string {
	pieces := []string{
		`"`, "'", "\n", "\r\n", "\r", "\t", "#", " #", ": ", ":", "- ", "&a", "*a", "!!int", "!", "{", "}", "[", "]", ",", "|", ">", "%", "@", "`",
		"{{", "}}", "<<: *x", "---", "...", "?", "${image.web}", "${X}", "${X:?no}", "$", "$$", "\\", `\u0000`, "~", "null", "true", "0x1F", "1e3", "1_000", "12:30:45",
		"2026-01-01", "로그인", "\u2028", "\u0085", "\ufeff", "\x1b[31m", "\x00", "😀", " ", "  ", "a", "services:", "privileged: true", "=", "${beansprout.url}",
	}
	var b strings.Builder
	for range 1 + r.IntN(8) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// styles are a file with placeholders in each style of scalar.
const styles = `x-common: &common
  labels: {feature: '${beansprout.feature}', "plain": "${beansprout.commit}"}
services:
  web:
    <<: *common
    image: ${image.web}
    ports: ["80:8080"]
    command:
      - serve
      - "--feature=${beansprout.feature}" # ours
      - |
        begin ${beansprout.feature}
          deeper ${beansprout.commit}
      - >
        ${beansprout.feature}

        ${beansprout.commit}
    environment:
      FEATURE: ${beansprout.feature}
      BOTH: before ${beansprout.feature}${beansprout.commit}
        after
      AFTER: 'stays: ${X:-y}'
volumes: {}
`

func TestNoValueChangesMoreThanItsScalar(t *testing.T) {
	f, err := Parse("compose.yaml", []byte(styles), Properties{Partial: true})
	must.Succeed(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		feature, commit := hostile(r), hostile(r)
		after, err := f.expand(dockerrun.Values{Images: map[string]string{"web": builtImage}, Feature: feature, Commit: commit})
		if err != nil {
			t.Fatalf("%q %q: %v", feature, commit, err)
		}
		var was, is yaml.Node
		must.Succeed(t, yaml.Unmarshal([]byte(styles), &was))
		must.Succeed(t, yaml.Unmarshal(after.text, &is))
		in := strings.NewReplacer("${beansprout.feature}", strings.ReplaceAll(feature, "$", "$$"), "${beansprout.commit}", strings.ReplaceAll(commit, "$", "$$"), "${image.web}", builtImage)
		sameBut(t, &was, &is, in.Replace)
		model := map[string]any{}
		must.Succeed(t, yaml.Unmarshal(after.text, &model))
		project, err := compile(model, Properties{}, noVariable)
		must.Succeed(t, err)
		web := project.Services["web"]
		if got := *web.Environment["FEATURE"]; got != feature {
			t.Fatalf("compose reads %q, want %q", got, feature)
		}
		if got := web.Command[1]; got != "--feature="+feature {
			t.Fatalf("compose reads %q, want %q", got, feature)
		}
	}
}

// sameBut compares two trees, of which the second has the changed texts of the first.
func sameBut(t *testing.T, was, is *yaml.Node, change func(string) string) {
	t.Helper()
	if was.Kind != is.Kind || change(was.Value) != is.Value || was.Anchor != is.Anchor || was.ShortTag() != is.ShortTag() || len(was.Content) != len(is.Content) {
		t.Fatalf("%q became %q", was.Value, is.Value)
	}
	for i := range was.Content {
		sameBut(t, was.Content[i], is.Content[i], change)
	}
}

func TestTheTablesHaveTheKeysThatComposeKnows(t *testing.T) {
	var s struct {
		Properties  map[string]any
		Definitions map[string]struct {
			Properties map[string]any
			Build      any
		} `yaml:"$defs"`
	}
	must.Succeed(t, yaml.Unmarshal([]byte(schema.Schema), &s))
	known := map[string]bool{}
	for _, part := range []string{"service", "container_spec", "workload_spec"} {
		for name := range s.Definitions[part].Properties {
			known[name] = true
		}
	}
	sameNames(t, "a service", known, serviceKeys)
	known = map[string]bool{}
	for name := range s.Properties {
		known[name] = true
	}
	sameNames(t, "a file", known, topKeys)
	build := s.Definitions["workload_spec"].Properties["build"].(map[string]any)["oneOf"].([]any)[1].(map[string]any)["properties"].(map[string]any)
	known = map[string]bool{}
	for name := range build {
		known[name] = true
	}
	sameNames(t, "build", known, buildKeys)
}

func sameNames(t *testing.T, of string, known map[string]bool, table map[string]key) {
	t.Helper()
	for name := range known {
		if _, ok := table[name]; !ok {
			t.Errorf("the table of %s lacks %s", of, name)
		}
	}
	for name := range table {
		if !known[name] {
			t.Errorf("compose knows no %s in %s", name, of)
		}
	}
	if reflect.DeepEqual(known, map[string]bool{}) {
		t.Error("the schema was not read")
	}
}

func TestAnEditThatSaysSomethingElseIsRefused(t *testing.T) {
	d, err := read("compose.yaml", []byte("services: {web: {image: a, user: b}}\n"))
	must.Succeed(t, err)
	for text, ok := range map[string]bool{`"c"`: true, `"c", privileged: true`: false, "d": false, "&x c": false, "[c]": false} {
		e := &editor{document: d, becomes: map[*yaml.Node]*yaml.Node{}}
		e.replace(d.find("services", "web", "image").value, text, yaml.Node{Tag: "!!str", Value: "c"})
		if _, err := e.result(); err == nil != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
