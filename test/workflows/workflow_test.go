// Package workflows checks the GitHub workflow in templates. It is a module of its own, because actionlint and
// the compose library of the product need different versions of a YAML library.
package workflows

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

const path = "../../templates/github-workflow.yml"

func source(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lint(t *testing.T, text string) []*actionlint.Error {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := linter.Lint("workflow.yml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(t *testing.T) (*actionlint.Workflow, *actionlint.Job) {
	t.Helper()
	workflow, problems := actionlint.Parse([]byte(source(t)))
	if len(problems) > 0 || len(workflow.Jobs) != 1 || workflow.Jobs["deploy"] == nil {
		t.Fatalf("the jobs are %v, %v", workflow, problems)
	}
	return workflow, workflow.Jobs["deploy"]
}

func TestActionlintFindsNothing(t *testing.T) {
	for _, problem := range lint(t, source(t)) {
		t.Error(problem)
	}
}

// TestActionlintFindsMistakes shows that it looks at what the workflow uses.
func TestActionlintFindsMistakes(t *testing.T) {
	for name, change := range map[string][2]string{
		"a branch name in a script": {`run: beansprout up`, `run: beansprout up --feature "${{ github.head_ref }}"`},
		"an unknown key":            {"timeout-minutes:", "timeout-hours:"},
		"an unknown permission":     {"id-token: write", "id-token: admin"},
		"an unknown event":          {"pull_request:", "pull_requests:"},
		"a step that is not there":  {"steps.up.outputs.BEANSPROUT_URL }}", "steps.deploy.outputs.BEANSPROUT_URL }}"},
		"an unknown context":        {"${{ github.token }}", "${{ git.token }}"},
		"an action without version": {"actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "actions/checkout"},
	} {
		text := strings.Replace(source(t), change[0], change[1], 1)
		if text == source(t) || len(lint(t, text)) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

// TestScriptsHaveNoExpressions looks for values that would be a part of a script's text: a branch name may
// contain anything.
func TestScriptsHaveNoExpressions(t *testing.T) {
	workflow, job := parse(t)
	for _, step := range job.Steps {
		if run, ok := step.Exec.(*actionlint.ExecRun); ok && strings.Contains(run.Run.Value, "${{") {
			t.Errorf("%v: %s", run.RunPos, run.Run.Value)
		}
	}
	for _, event := range workflow.On {
		if name := event.EventName(); name != "push" && name != "pull_request" {
			t.Errorf("%s may run the code of strangers with our rights", name)
		}
	}
}

func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n`)
	if text := source(t); strings.Count(text, "uses:") != len(pinned.FindAllString(text, -1)) {
		t.Error("an action is not pinned to a commit, with its version behind it")
	}
}

// TestThePermissionsAreTheLeast compares them with what they are for.
func TestThePermissionsAreTheLeast(t *testing.T) {
	workflow, job := parse(t)
	want := map[string]string{"contents": "read", "id-token": "write", "pull-requests": "write", "deployments": "write"}
	if job.Permissions != nil || len(workflow.Permissions.Scopes) != len(want) {
		t.Errorf("got %d permissions", len(workflow.Permissions.Scopes))
	}
	for name, scope := range workflow.Permissions.Scopes {
		if want[name] != scope.Value.Value {
			t.Errorf("%s: %s", name, scope.Value.Value)
		}
	}
}
