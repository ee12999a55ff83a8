package config

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write the table of keys into docs/configuration.md")

const manual = "../../../../docs/configuration.md"

// TestTheReferenceHasTheTableOfKeys compares the table in the documentation with that in keys.go.
func TestTheReferenceHasTheTableOfKeys(t *testing.T) {
	want := "| key | meaning | default |\n|---|---|---|\n"
	for _, k := range table(&Config{}, &Image{}, &Secret{}) {
		if k.into == nil {
			continue
		}
		doc, fallback := k.doc, k.fallback
		if k.check.words != nil {
			doc = "`" + strings.Join(k.check.words, "` or `") + "`: " + doc
		}
		if strings.HasPrefix(fallback, "(") {
			fallback = strings.Trim(fallback, "()")
		} else if fallback != "" {
			fallback = "`" + fallback + "`"
		}
		want += strings.TrimSuffix("| `"+k.path+"` | "+doc+" | "+fallback, " ") + " |\n"
	}
	text := must.Read(t, manual)
	old := regexp.MustCompile(`(?m)^\| key \|.*\n(\|.*\n)*`)
	got := old.FindString(text)
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("got\n%s\nwant\n%s\nrun the test with -update", got, want)
	}
	must.Succeed(t, os.WriteFile(manual, []byte(old.ReplaceAllLiteralString(text, want)), 0o644))
}

func TestEachKeyHasItsOwnField(t *testing.T) {
	keys := table(&Config{}, &Image{}, &Secret{})
	for i, k := range keys {
		for _, other := range keys[:i] {
			_, reads := k.into.(reader)
			if k.path == other.path || !reads && k.into != nil && k.into == other.into {
				t.Errorf("%s and %s are one", k.path, other.path)
			}
		}
	}
}
