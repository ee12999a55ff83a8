package sweeping

import (
	"fmt"
	"strings"
	"testing"

	"beansprout/cmd/internal/terminal"
	"beansprout/janitor"
)

func TestItIsSaidWhatToDoWhereTheBranchesAreNotKnown(t *testing.T) {
	var out strings.Builder
	talk := terminal.NewProgress(&out, func(s string) string { return s })
	Say(talk, janitor.Report{Decisions: []janitor.Decision{{}}, Unlisted: fmt.Errorf("%w: no answer", janitor.ErrBranches)}, nil)
	talk.Close()
	if got := out.String(); !strings.Contains(got, "warning: no environment is removed for its branch: the branches are not known: no answer") || !strings.Contains(got, "hint: git ls-remote") {
		t.Errorf("it says %q", got)
	}
}
