package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write the table of keys into docs/configuration.md")

const manual = "../../../../docs/configuration.md"

// TestTheReferenceHasTheTableOfKeys compares the table in the documentation with that in keys.go and
// with the schema.
func TestTheReferenceHasTheTableOfKeys(t *testing.T) {
	want := "| key | value | meaning | default |\n|---|---|---|---|\n"
	keys := table(&Config{}, &Image{}, &Secret{})
	for _, k := range keys {
		if k.into == nil {
			continue
		}
		s := k.schema(keys)
		fallback := strings.Trim(k.fallback, "()")
		if value := s["default"]; value != nil {
			fallback = fmt.Sprintf("`%v`", value)
		}
		if inWords(s) == "" {
			t.Errorf("%s: no words for %v", k.path, s)
		}
		want += strings.TrimSuffix(fmt.Sprintf("| `%s` | %s | %s | %s", k.path, inWords(s), k.doc, fallback), " ") + " |\n"
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

// inWords returns what a value is by its schema, as the documentation says it.
func inWords(s schema) string {
	switch s["pattern"] {
	case durationPattern:
		return "duration"
	case sizePattern:
		return "size"
	case statusRangePattern:
		return "status or range"
	}
	if words, ok := s["enum"].([]string); ok {
		return "`" + strings.Join(words, "` or `") + "`"
	}
	if s["const"] != nil {
		return fmt.Sprintf("`%v`", s["const"])
	}
	if ways, ok := s["anyOf"].([]schema); ok {
		var words []string
		for _, way := range ways {
			if kind := way["type"]; kind != "number" && kind != "integer" && way["const"] != 0 { // which a text says, too
				words = append(words, inWords(way))
			}
		}
		return strings.ReplaceAll(strings.Join(words, ", or "), "list of "+words[0], "a list of them")
	}
	kinds := fmt.Sprint(s["type"])
	switch {
	case strings.Contains(kinds, "array"):
		return "list of " + strings.Replace(inWords(s["items"].(schema)), "text", "texts", 1)
	case s["properties"] != nil:
		return "keys"
	case strings.Contains(kinds, "object"):
		return "names with " + inWords(s["additionalProperties"].(schema))
	case strings.Contains(kinds, "number boolean"):
		return "values"
	case s["minimum"] != nil:
		return fmt.Sprintf("%v to %v", s["minimum"], s["maximum"])
	}
	return map[string]string{"string": "text", "[string]": "text", "boolean": "`true` or `false`"}[kinds]
}

var yamlBlock = regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```")

// TestFilesInTheDocumentsAreRight reads the examples of the file, whole ones and single keys.
func TestFilesInTheDocumentsAreRight(t *testing.T) {
	j := newJudge(t)
	pages, err := filepath.Glob(filepath.Dir(manual) + "/*.md")
	must.Succeed(t, err)
	found := 0
	for _, page := range append(pages, filepath.Dir(manual)+"/../README.md") {
		for _, m := range yamlBlock.FindAllStringSubmatch(must.Read(t, page), -1) {
			text := regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[2], "")
			name, _, _ := strings.Cut(strings.TrimLeft(text, "# "), ":")
			if _, ours := below(table(&Config{}, &Image{}, &Secret{}), "")[name]; !ours {
				continue
			}
			if !strings.Contains(text, "application:") {
				text = "application: shop\n" + text
			}
			found++
			if !j.alike(t, text) {
				t.Errorf("%s: %q in\n%s", page, parseProblems(t, text), text)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d examples were found", found)
	}
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
