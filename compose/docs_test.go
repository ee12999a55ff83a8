package compose

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write the table of keys into docs/compose.md")

const manual = "../docs/compose.md"

// rows returns the rows of a table: one for all keys that have the same become of them.
func rows(of string, table map[string]key) (text string) {
	named := map[key][]string{}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		named[table[name]] = append(named[table[name]], "`"+name+"`")
	}
	var all []string
	for k, names := range named {
		becomes := string(k.status)
		if k.why != "" {
			becomes += ": " + k.why
		}
		all = append(all, fmt.Sprintf("| %s | %s | %s |", of, strings.Join(names, ", "), becomes))
	}
	slices.Sort(all)
	return strings.Join(all, "\n") + "\n"
}

func TestTheDocumentHasTheTablesOfKeys(t *testing.T) {
	want := "| of | key | becomes |\n|---|---|---|\n" + rows("the file", topKeys) + rows("a service", serviceKeys) + rows("`build`", buildKeys)
	text := must.Read(t, manual)
	old := regexp.MustCompile(`(?m)^\| of \|.*\n(\|.*\n)*`)
	if got := old.FindString(text); got == want {
		return
	} else if !*update {
		t.Fatalf("got\n%s\nwant\n%s\nrun the test with -update", got, want)
	}
	must.Succeed(t, os.WriteFile(manual, []byte(old.ReplaceAllLiteralString(text, want)), 0o644))
}
