package dockerrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"beansprout/test/must"
)

// whole is a sound template that uses every kind of placeholder and of rule.
const whole = `{
  "AWSEBDockerrunVersion": 2,
  "volumes": [{"name": "data", "host": {"sourcePath": "/var/app/current/data"}}],
  "containerDefinitions": [
    {
      "name": "web",
      "image": "${image.web}",
      "essential": "${value.essential}",
      "memory": "${value.memory}",
      "portMappings": [{"hostPort": 80, "containerPort": "${value.port}"}],
      "links": ["api", "api:backend"],
      "mountPoints": [
        {"sourceVolume": "data", "containerPath": "/data", "readOnly": true},
        {"sourceVolume": "awseb-logs-web", "containerPath": "/var/log/web"}
      ],
      "environment": [
        {"name": "FEATURE", "value": "${feature}"},
        {"name": "WHERE", "value": "${commit} of ${environment} at ${url}"},
        {"name": "MEMORY", "value": "${value.memory}"},
        {"name": "LITERAL", "value": "$${feature} costs $5"},
        {"name": "STAGE", "value": "${env.STAGE}"}
      ]
    },
    {"name": "api", "image": "api:1", "essential": false, "memoryReservation": 32, "volumesFrom": [{"sourceContainer": "web"}]}
  ]
}
`

func stage(name string) (string, bool) { return "blue", name == "STAGE" }

func values() Values {
	return Values{
		Images:      map[string]string{"web": "registry.example/shop@sha256:0123"},
		Feature:     "feature/login",
		Commit:      "0123abc",
		Environment: "shop-login-abcdefghij",
		URL:         "http://shop.example",
		Values:      map[string]any{"memory": uint64(512), "port": "8080", "essential": true, "list": []any{1}, "half": 0.5, "none": nil},
		Env:         stage,
	}
}

// withContainer wraps the members of a container, which needs none of them, into a document.
func withContainer(members string) string {
	return `{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "web", "image": "i", "memory": 64,
"portMappings": [{"hostPort": 80, "containerPort": 80}]` + members + `}]}`
}

func expand(t *testing.T, template string, v Values) (string, error) {
	t.Helper()
	parsed, err := Parse("T.json", []byte(template))
	if err != nil {
		return "", err
	}
	out, err := parsed.Expand(v)
	return string(out), err
}

func TestExpandReplacesAllPlaceholders(t *testing.T) {
	got, err := expand(t, whole, values())
	must.Succeed(t, err)
	want := strings.NewReplacer(
		`"${image.web}"`, `"registry.example/shop@sha256:0123"`,
		`"essential": "${value.essential}"`, `"essential": true`,
		`"memory": "${value.memory}"`, `"memory": 512`,
		`"containerPort": "${value.port}"`, `"containerPort": 8080`,
		`"value": "${feature}"`, `"value": "feature/login"`,
		`${commit} of ${environment} at ${url}`, `0123abc of shop-login-abcdefghij at http://shop.example`,
		`"value": "${value.memory}"`, `"value": "512"`,
		`$${feature} costs`, `${feature} costs`,
		`${env.STAGE}`, `blue`,
	).Replace(whole)
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAValueIsNeverExpandedAgain(t *testing.T) {
	hostile := "\"}]\n${commit} $${url} ${env.STAGE} \\ \u2028 </script>"
	v := values()
	v.Feature = hostile
	got, err := expand(t, withContainer(`, "environment": [{"name": "F", "value": "<${feature}>"}]`), v)
	must.Succeed(t, err)
	var doc document
	must.Succeed(t, json.Unmarshal([]byte(got), &doc))
	if got, want := doc.ContainerDefinitions[0].Environment[0].Value, "<"+hostile+">"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExpandIsRepeatable(t *testing.T) {
	first, err := expand(t, whole, values())
	must.Succeed(t, err)
	for range 10 {
		if again, _ := expand(t, whole, values()); again != first {
			t.Fatalf("got %s, want %s", again, first)
		}
	}
}

func TestParseRefusesInvalidTemplates(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"empty":           {"", "T.json:1:1: unexpected end of JSON input"},
		"cut off":         {"{\n  \"a\": [1,", "T.json:2:10: unexpected end of JSON input"},
		"trailing comma":  {"{\n  \"é\": 1,\n}", "T.json:3:1: invalid character '}' looking for beginning of object key string"},
		"column of runes": {"{\"é\": x}", "T.json:1:7: invalid character 'x' looking for beginning of value"},
		"trailing data":   {"{}\n{}", "T.json:2:1: invalid character '{' after top-level value"},
		"comment":         {"{ // no\n}", "T.json:1:3: invalid character '/' looking for beginning of object key string"},
		"byte order mark": {"\ufeff{}", "T.json:1:1: starts with a byte order mark: save it as UTF-8 without one"},
		"UTF-16":          {"\xff\xfe{\x00", "T.json:1:1: is not UTF-8"},
		"not UTF-8":       {"{\n\"a\": \"\xe9\"}", "T.json:2:7: is not UTF-8"},
		"key twice":       {"{\"a\": {\"b\": 1,\n \"b\": {\"c\": 2}}}", "T.json:2:2: a.b: this key is in its object twice"},
		"odd key twice":   {`{"a b": 1, "a b": 2}`, `T.json:1:12: ["a b"]: this key is in its object twice`},
		"escaped twice":   {`{"a": 1, "\u0061": 2}`, `T.json:1:10: a: this key is in its object twice`},
		"deep":            {strings.Repeat("[", 65) + strings.Repeat("]", 65), "nests deeper than 64 levels"},
		"very deep":       {strings.Repeat("[", 100000), "exceeded max depth"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("T.json", []byte(test.text))
			var findings Findings
			if !errors.As(err, &findings) {
				t.Fatalf("got %v, want Findings", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func TestWrongPlaceholdersAreFindings(t *testing.T) {
	tests := map[string]struct{ value, want string }{
		"misspelt":       {`"${featur}"`, `unknown placeholder ${featur}; did you mean feature?`},
		"spaced":         {`"${ feature }"`, `unknown placeholder ${ feature }; did you mean feature?`},
		"nested":         {`"${value.${feature}}"`, `unknown placeholder ${value.${feature}`},
		"empty":          {`"${}"`, `unknown placeholder ${}`},
		"unknown image":  {`"${image.wb}"`, `unknown placeholder ${image.wb}; did you mean image.web?`},
		"unknown value":  {`"${value.memori}"`, `unknown placeholder ${value.memori}; did you mean value.memory?`},
		"unset":          {`"${env.NOPE}"`, `${env.NOPE}: this environment variable is not set`},
		"no end":         {`"a ${feature"`, `a ${ has no }; for the text ${ write $${`},
		"list":           {`"${value.list}"`, `${value.list} is neither text nor a number nor true or false`},
		"blank":          {`"${value.none}"`, `${value.none} is neither text nor a number nor true or false`},
		"terminal codes": {`"${\u001b[2J}"`, "unknown placeholder ${\ufffd[2J}"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := expand(t, withContainer(",\n \"environment\": [{\"name\": \"A\", \"value\": "+test.value+"}]"), values())
			want := `T.json:3:32: containerDefinitions[0].environment[0].value: ` + test.want
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one finding", err)
			}
		})
	}
}

func TestAPlaceholderBecomesANumberOnlyWhereOneIsWanted(t *testing.T) {
	tests := map[string]struct{ members, want string }{
		"number":      {`"cpu": "${value.n}"`, `"cpu": 128`},
		"in text":     {`"hostname": "${value.n}"`, `"hostname": "128"`},
		"in a label":  {`"dockerLabels": {"a b": "${value.n}"}`, `"dockerLabels": {"a b": "128"}`},
		"nested":      {`"healthCheck": {"interval": "${value.n}"}`, `"healthCheck": {"interval": 128}`},
		"boolean":     {`"privileged": "${value.yes}"`, `"privileged": true`},
		"canonical":   {`"cpu": "${value.padded}"`, `"cpu": 7`},
		"not alone":   {`"cpu": "1${value.n}"`, `cpu: wants a whole number, not "1${value.n}"`},
		"not alone 2": {`"cpu": "${value.n}1"`, `cpu: wants a whole number, not "${value.n}1"`},
		"text true":   {`"hostname": "${value.yes}"`, `"hostname": "true"`},
		"no number":   {`"cpu": "${value.word}"`, `cpu: wants a whole number, not "${value.word}"`},
		"fraction":    {`"cpu": "${value.half}"`, `cpu: wants a whole number, not "${value.half}"`},
		"too large":   {`"cpu": "${value.large}"`, `cpu: wants a whole number, not "${value.large}"`},
		"no boolean":  {`"privileged": "${value.n}"`, `privileged: wants true or false, not "${value.n}"`},
		"literal":     {`"cpu": "128"`, `cpu: wants a whole number, not "128"`},
		"no list":     {`"command": "${value.word}"`, `command: wants a list, not "${value.word}"`},
		"unknown key": {`"cpus": "${value.n}"`, `cpus: unknown key; did you mean cpu?`},
	}
	v := Values{Values: map[string]any{"n": 128, "yes": true, "padded": "007", "word": "lots", "half": 0.5, "large": "9223372036854775808"}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := expand(t, withContainer(", "+test.members), v)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNoSecretIsInAFinding(t *testing.T) {
	secret := func(string) (string, bool) { return "hunter2", true }
	_, err := expand(t, `{"AWSEBDockerrunVersion": "${env.S}", "containerDefinitions": [{"name": "we b", "image": "${env.S} ",
		"memory": "${env.S}", "links": ["${env.S}:${env.S}!"], "mountPoints": [{"sourceVolume": "${env.S}", "containerPath": "${env.S}"}],
		"portMappings": [{"containerPort": 1, "protocol": "${env.S}"}]}]}`, Values{Env: secret})
	var findings Findings
	if !errors.As(err, &findings) || len(findings) < 8 {
		t.Fatalf("got %v, want many findings", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got the secret: %v", err)
	}
}

func TestCheckNeedsNoBuild(t *testing.T) {
	template, err := Parse("T.json", []byte(whole))
	must.Succeed(t, err)
	must.Succeed(t, template.Check([]string{"web"}, values().Values, stage, 0))
	err = template.Check([]string{"wbe"}, map[string]any{"memory": 0, "port": 80, "essential": true}, nil, 0)
	want := `T.json:7:7: containerDefinitions[0].image: unknown placeholder ${image.web}; did you mean image.wbe?
T.json:9:7: containerDefinitions[0].memory: is missing: memory or memoryReservation must say how many MiB
T.json:21:27: containerDefinitions[0].environment[4].value: ${env.STAGE}: this environment variable is not set`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestTheExampleIsValid(t *testing.T) {
	text := []byte(must.Read(t, "../examples/hello/Dockerrun.template.json"))
	template, err := Parse("Dockerrun.template.json", text)
	must.Succeed(t, err)
	must.Succeed(t, template.Check([]string{"web", "backend"}, map[string]any{"memory": 64}, nil, 0))
}

func TestASuggestionIsTheNearestWordOrAllOfAFew(t *testing.T) {
	few := map[string]bool{"web": true, "wet": true, "backend": true}
	many := map[string]bool{}
	for i := range 11 {
		many[fmt.Sprint("container", i)] = true
	}
	tests := []struct {
		word  string
		known map[string]bool
		want  string
	}{
		{"wen", few, "; did you mean web?"}, // wet is as near
		{"WEB", few, "; did you mean web?"},
		{"backed", few, "; did you mean backend?"},
		{"bend", few, "; known are backend, web, wet"}, // 3 away of 4
		{"we", few, "; did you mean web?"},
		{"w", few, "; known are backend, web, wet"},
		{"", few, "; known are backend, web, wet"},
		{"x", many, ""},
		{"conteiner7", many, "; did you mean container7?"},
		{"x", nil, ""},
	}
	for _, test := range tests {
		if got := suggestion(test.word, test.known); got != test.want {
			t.Errorf("%q: got %q, want %q", test.word, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"a":[[],{},null,true,-1e5,"${"],"${x}":1,"a.b":{"":2},"a":3}`))
	f.Add([]byte("\ufeff{}"))
	f.Add([]byte(`[{"containerDefinitions":[{"links":["a:"],"mountPoints":[{}]}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		template, err := Parse("T.json", text)
		if (err == nil) && !json.Valid(text) {
			t.Fatalf("Parse took %q, which is no JSON", text)
		}
		if err != nil {
			return
		}
		out, err := template.Expand(values())
		var findings Findings
		if err != nil && !errors.As(err, &findings) {
			t.Errorf("got %v, want Findings", err)
		}
		if err == nil && !json.Valid(out) {
			t.Errorf("got %q, which is no JSON", out)
		}
	})
}

func FuzzExpandKeepsTheShape(f *testing.F) {
	f.Add("login", "0123abc", "512")
	f.Add("\"}]}", "\n\\", "${feature}")
	f.Add("${env.STAGE}", "$${", "\xff\x00\u2028")
	template, err := Parse("T.json", []byte(whole))
	must.Succeed(f, err)
	f.Fuzz(func(t *testing.T, feature, commit, image string) {
		v := values()
		v.Feature, v.Commit, v.Images["web"] = feature, commit, image
		out, err := template.Expand(v)
		if err != nil {
			return
		}
		var doc document
		d := json.NewDecoder(bytes.NewReader(out))
		if err := d.Decode(&doc); err != nil {
			t.Fatalf("got %q: %v", out, err)
		}
		if d.More() || len(scan(&report{source: source{"", out, map[string]value{}}})) != len(template.values) {
			t.Errorf("got another shape: %s", out)
		}
		if got, want := doc.ContainerDefinitions[0].Environment[0].Value, string([]rune(feature)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
