package failure

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write the table of kinds into docs/errors.md")

// TestTheDocumentHasEachKind compares its table with that in kinds.go.
func TestTheDocumentHasEachKind(t *testing.T) {
	const page = "../../../docs/errors.md"
	want := "| kind | what it means | what to do |\n|---|---|---|\n"
	for _, k := range kinds {
		want += fmt.Sprintf("| `%s` | %s | %s |\n", k.name, k.meaning, k.hint)
	}
	text := must.Read(t, page)
	old := regexp.MustCompile(`(?m)^\| kind \|.*\n(\|.*\n)*`)
	if *update {
		must.Succeed(t, os.WriteFile(page, []byte(old.ReplaceAllLiteralString(text, want)), 0o644))
	} else if got := old.FindString(text); got != want {
		t.Errorf("got\n%s\nwant\n%s\nrun the test with -update", got, want)
	}
}

func TestEveryErrorHasAKindWithAHint(t *testing.T) {
	for _, k := range kinds {
		if !regexp.MustCompile(`^[a-z_]+$`).MatchString(k.name) || k.hint == "" || k.meaning == "" {
			t.Errorf("%+v", k)
		}
	}
	for _, err := range []error{errors.New("x"), context.Canceled, Usagef("x"), fmt.Errorf("x: %w", ErrTimeout)} {
		if v := newFailureView(Explain(err)); v.Error.Hint == "" {
			t.Errorf("%v has no hint: %+v", err, v)
		}
	}
}
