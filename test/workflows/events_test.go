package workflows

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// object is an object of an event, or a context.
type object = map[string]any

// evaluate returns the value of an expression, as far as the workflow uses them. Properties are in small letters.
func evaluate(t *testing.T, node actionlint.ExprNode, contexts object) any {
	t.Helper()
	switch n := node.(type) {
	case *actionlint.StringNode:
		return n.Value
	case *actionlint.VariableNode:
		return contexts[n.Name]
	case *actionlint.ObjectDerefNode:
		within, _ := evaluate(t, n.Receiver, contexts).(object)
		return within[n.Property]
	case *actionlint.CompareOpNode:
		// Strings are compared without case.
		equal := strings.EqualFold(text(evaluate(t, n.Left, contexts)), text(evaluate(t, n.Right, contexts)))
		return equal == (n.Kind == actionlint.CompareOpNodeKindEq)
	case *actionlint.LogicalOpNode:
		left := evaluate(t, n.Left, contexts)
		if (left != nil && left != false && left != "") == (n.Kind == actionlint.LogicalOpNodeKindOr) {
			return left
		}
		return evaluate(t, n.Right, contexts)
	case *actionlint.FuncCallNode:
		if n.Callee != "format" {
			t.Fatalf("the function %s", n.Callee)
		}
		formatted := text(evaluate(t, n.Args[0], contexts))
		for i, arg := range n.Args[1:] {
			formatted = strings.ReplaceAll(formatted, fmt.Sprintf("{%d}", i), text(evaluate(t, arg, contexts)))
		}
		return formatted
	}
	t.Fatalf("an expression of type %T", node)
	return nil
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func ask(t *testing.T, expression string, contexts object) any {
	t.Helper()
	node, err := actionlint.NewExprParser().Parse(actionlint.NewExprLexer(expression + "}}"))
	if err != nil {
		t.Fatal(err)
	}
	return evaluate(t, node, contexts)
}

var placeholder = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

// fill returns a string of the workflow with the values of its expressions.
func fill(t *testing.T, s string, contexts object) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(s, func(found string) string {
		return text(ask(t, placeholder.FindStringSubmatch(found)[1], contexts))
	})
}

// event returns the context github of an event in acme/shop.
func event(name, branch string, more object) object {
	github := object{
		"event_name": name, "repository": "acme/shop", "repository_owner": "acme", "ref_name": branch, "sha": "the-event's",
		"event": object{"repository": object{"default_branch": "main"}},
	}
	if more != nil {
		github["ref_name"], github["head_ref"] = "7/merge", branch
		maps.Copy(github["event"].(object), object{"pull_request": more})
	}
	return object{"github": github}
}

func change(repository any, label string) object {
	return object{"head": object{"sha": "the-branch's", "label": label, "repo": object{"full_name": repository}}}
}

// TestWhichEventsDeploy asks the conditions of the job for each kind of event.
func TestWhichEventsDeploy(t *testing.T) {
	_, job := parse(t)
	groups := map[string]string{}
	for _, tt := range []struct {
		name          string
		contexts      object
		deploys       bool
		group, commit string
	}{
		{"a branch", event("push", "login", nil), true, "acme:login", "the-event's"},
		{"the default branch", event("push", "main", nil), false, "", ""},
		{"a pull request", event("pull_request", "login", change("acme/shop", "acme:login")), true, "acme:login", "the-branch's"},
		{"of a fork", event("pull_request", "login", change("kim/shop", "kim:login")), false, "kim:login", ""},
		{"of a fork's main branch", event("pull_request", "main", change("kim/shop", "kim:main")), false, "kim:main", ""},
		{"of a fork that is gone", event("pull_request", "login", change(nil, "kim:login")), false, "kim:login", ""},
		{"a hostile branch", event("push", "a'b\"$(id)", nil), true, "acme:a'b\"$(id)", "the-event's"},
	} {
		if deploys := ask(t, job.If.Value, tt.contexts); deploys != tt.deploys {
			t.Errorf("%s: deploys is %v", tt.name, deploys)
		}
		groups[tt.name] = fill(t, job.Concurrency.Group.Value, tt.contexts)
		if want := "feature-environment-" + tt.group; tt.group != "" && groups[tt.name] != want {
			t.Errorf("%s: the group is %s", tt.name, groups[tt.name])
		}
		checkout := job.Steps[0].Exec.(*actionlint.ExecAction)
		if commit := fill(t, checkout.Inputs["ref"].Value.Value, tt.contexts); tt.deploys && commit != tt.commit {
			t.Errorf("%s: checks out %s", tt.name, commit)
		}
	}
	if !job.Concurrency.CancelInProgress.Value || groups["a branch"] == groups["of a fork"] {
		t.Errorf("a push does not cancel the older run, or a fork's pull request cancels ours: %q", groups)
	}
}

// TestSmokeTestsNeedAURL asks the conditions of the steps behind up.
func TestSmokeTestsNeedAURL(t *testing.T) {
	_, job := parse(t)
	conditions := map[string]string{}
	for _, step := range job.Steps {
		if step.Name != nil && step.If != nil {
			conditions[step.Name.Value] = step.If.Value
		}
	}
	for url, want := range map[string]bool{"": false, "https://shop-login-x.elasticbeanstalk.com": true} {
		contexts := object{"steps": object{"up": object{"outputs": object{"beansprout_url": url}}}}
		if condition := conditions["Smoke tests"]; condition == "" || ask(t, condition, contexts) != want {
			t.Errorf("%q: the smoke tests run unlike %v", url, want)
		}
	}
	if conditions["Summary"] != "always()" {
		t.Error("a failing deploy has no summary")
	}
}
