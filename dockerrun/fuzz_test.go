package dockerrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

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
	if err != nil {
		f.Fatal(err)
	}
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
