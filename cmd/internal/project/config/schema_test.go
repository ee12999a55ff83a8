package config

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"beansprout/test/must"
)

const shippedSchema = "../../../../templates/" + SchemaFile

func TestTheShippedSchemaIsTheOneThatIsPrinted(t *testing.T) {
	want := string(Schema())
	if *update {
		must.Succeed(t, os.WriteFile(shippedSchema, []byte(want), 0o644))
	}
	if got := must.Read(t, shippedSchema); got != want {
		t.Error("it differs from what the schema command prints; run the test with -update")
	}
}

func TestTheReferenceHasTheLineForEditors(t *testing.T) {
	if text := must.Read(t, manual); !strings.Contains(text, "\n"+SchemaLine+"\n") || !strings.Contains(text, "`beansprout schema > "+SchemaFile+"`") {
		t.Errorf("it does not say %q, or how to make the schema", SchemaLine)
	}
}

// TestPatternsMeanTheSameInJavaScript refuses what the regular expressions of Go and of editors do not share.
func TestPatternsMeanTheSameInJavaScript(t *testing.T) {
	foreign := regexp.MustCompile(`\(\?[^:]|\\[^wntfrvx.*+?(){}|^$/[\]]|\\x\{|\[\[:|[^\\]\.[*+?{]|[*+?}]\+`)
	patterns := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for name, e := range v {
				if pattern, ok := e.(string); ok && name == "pattern" {
					patterns++
					if found := foreign.FindString(strings.ReplaceAll(pattern, `\\`, "")); found != "" {
						t.Errorf("%q in the pattern %s", found, pattern)
					}
				}
				walk(e)
			}
		}
	}
	var s any
	must.Succeed(t, json.Unmarshal(Schema(), &s))
	if walk(s); patterns < 50 {
		t.Errorf("only %d patterns were found", patterns)
	}
}
