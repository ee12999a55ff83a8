package templates_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"beansprout/templates"
	"beansprout/test/must"
)

// A form says of a value of .gitlab-ci.yml whether GitLab takes it (https://docs.gitlab.com/ci/yaml).
type form func(value any) bool

type object = map[string]any

func isText(v any) bool { s, ok := v.(string); return ok && s != "" }

func isBool(v any) bool { _, ok := v.(bool); return ok }

func isDuration(v any) bool {
	s, _ := v.(string)
	return regexp.MustCompile(`^\d+ (minutes|hours|days|weeks)$`).MatchString(s)
}

func oneOf(all ...string) form {
	return func(v any) bool { s, _ := v.(string); return slices.Contains(all, s) }
}

func listOf(each form) form {
	return func(v any) bool {
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(one any) bool { return !each(one) })
	}
}

// named are objects whose keys are names of the user's.
func named(each form) form {
	return func(v any) bool {
		o, ok := v.(object)
		for key, value := range o {
			ok = ok && regexp.MustCompile(`^[A-Z_]+$`).MatchString(key) && each(value)
		}
		return ok
	}
}

// objectOf are objects with some of these keys.
func objectOf(known map[string]form) form {
	return func(v any) bool {
		o, ok := v.(object)
		for key, value := range o {
			ok = ok && known[key] != nil && known[key](value)
		}
		return ok && len(o) > 0
	}
}

// jobKeys are the keys of a job that the template uses, and what GitLab takes as their values.
var jobKeys = map[string]form{
	"stage":          oneOf(".pre", "build", "test", "deploy", ".post"), // those that are there without stages
	"extends":        isText,
	"image":          isText,
	"services":       listOf(isText),
	"id_tokens":      named(objectOf(map[string]form{"aud": isText})),
	"variables":      named(isText),
	"before_script":  listOf(isText),
	"script":         listOf(isText),
	"needs":          listOf(isText),
	"resource_group": isText,
	"interruptible":  isBool,
	"timeout":        isDuration,
	"artifacts": objectOf(map[string]form{
		"reports": objectOf(map[string]form{"dotenv": isText}), "paths": listOf(isText), "expire_in": isDuration,
	}),
	"environment": objectOf(map[string]form{
		"name": isText, "url": isText, "on_stop": isText, "auto_stop_in": isDuration, "action": oneOf("start", "prepare", "stop", "verify", "access"),
	}),
	"rules": listOf(objectOf(map[string]form{
		"if": isText, "when": oneOf("on_success", "on_failure", "never", "always", "manual", "delayed"), "allow_failure": isBool,
	})),
}

// gitLabJobs returns the jobs with what they extend, as GitLab merges them.
func gitLabJobs(t *testing.T, text string) map[string]object {
	t.Helper()
	jobs := map[string]object{}
	must.Succeed(t, yaml.UnmarshalWithOptions([]byte(text), &jobs, yaml.Strict()))
	for name, job := range jobs {
		for key, value := range job {
			if jobKeys[key] == nil || !jobKeys[key](value) {
				t.Errorf("%s: %s: GitLab does not know %v", name, key, value)
			}
		}
	}
	for _, job := range jobs {
		base, _ := job["extends"].(string)
		if base != "" && jobs[base] == nil {
			t.Errorf("there is no job %s", base)
		}
		for key, value := range jobs[base] {
			if own, ok := job[key].(object); ok {
				for name, inherited := range value.(object) {
					if own[name] == nil {
						own[name] = inherited
					}
				}
			} else if job[key] == nil {
				job[key] = value
			}
		}
	}
	return jobs
}

func TestGitLabKnowsTheKeys(t *testing.T) {
	jobs := gitLabJobs(t, templates.GitLabJobs())
	deploy, stop := jobs["feature-environment"], jobs["remove-feature-environment"]
	environment, stopped := deploy["environment"].(object), stop["environment"].(object)
	if environment["on_stop"] != "remove-feature-environment" || environment["name"] != stopped["name"] || stopped["action"] != "stop" {
		t.Errorf("GitLab stops %v by %v", environment, stopped)
	}
	dotenv := deploy["artifacts"].(object)["reports"].(object)["dotenv"].(string)
	if !strings.HasSuffix(deploy["script"].([]any)[0].(string), "--output-env "+dotenv) || environment["url"] != "$BEANSPROUT_URL" {
		t.Errorf("the report is %s of %v", dotenv, deploy["script"])
	}
	if deploy["interruptible"] != true || stop["interruptible"] == true || deploy["resource_group"] != stop["resource_group"] {
		t.Error("older pipelines go on, or a removal is interrupted or meets a deploy")
	}
	if variables := stop["variables"].(object); variables["GIT_STRATEGY"] != "none" || variables["AWS_ROLE_SESSION_NAME"] == nil {
		t.Errorf("a branch that is gone cannot be fetched: %v", variables)
	}
	for _, name := range []string{"feature-environment-smoke-tests", "remove-feature-environment"} { // for the report, and for beansprout.yaml
		if needs := jobs[name]["needs"]; !reflect.DeepEqual(needs, []any{"feature-environment"}) {
			t.Errorf("%s needs %v", name, needs)
		}
	}
}

// holds reports whether a condition of rules holds, as far as the template uses them.
func holds(condition string, variables map[string]string) bool {
	value := func(s string) string {
		if name, ok := strings.CutPrefix(strings.TrimSpace(s), "$"); ok {
			return variables[name]
		}
		return strings.Trim(s, ` "`)
	}
	for part := range strings.SplitSeq(condition, "&&") {
		left, right, differ := strings.Cut(part, "!=")
		same, other, equal := strings.Cut(part, "==")
		switch {
		case differ && value(left) == value(right), equal && value(same) != value(other), !differ && !equal && value(part) == "":
			return false
		}
	}
	return true
}

// TestWhichPipelinesDeploy asks the rules of all jobs for each kind of pipeline, also with the rule that is a comment.
func TestWhichPipelinesDeploy(t *testing.T) {
	change := func(project string) map[string]string {
		return map[string]string{"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": project}
	}
	pipelines := []struct {
		name            string
		variables       map[string]string
		deploys, merges bool // merges is with that rule
	}{
		{"a branch", map[string]string{"CI_COMMIT_BRANCH": "login"}, true, true},
		{"the default branch", map[string]string{"CI_COMMIT_BRANCH": "trunk"}, false, false},
		{"a tag", map[string]string{"CI_COMMIT_TAG": "v1"}, false, false},
		{"a merge request", change("1"), false, true},
		{"of a fork", change("2"), false, false},
	}
	for i, text := range []string{templates.GitLabJobs(), strings.ReplaceAll(templates.GitLabJobs(), "    # - if:", "    - if:")} {
		for name, job := range gitLabJobs(t, text) {
			if strings.HasPrefix(name, ".") || i == 1 && strings.HasPrefix(name, "remove") {
				continue
			}
			for _, p := range pipelines {
				p.variables["CI_PROJECT_ID"], p.variables["CI_DEFAULT_BRANCH"] = "1", "trunk"
				when := "never"
				for _, rule := range job["rules"].([]any) {
					if rule := rule.(object); holds(rule["if"].(string), p.variables) {
						when, _ = rule["when"].(string)
						break
					}
				}
				if deploys := when != "never"; deploys != []bool{p.deploys, p.merges}[i] {
					t.Errorf("%s, %s: %v", name, p.name, deploys)
				}
				if manual := when == "manual"; when != "never" && manual != strings.HasPrefix(name, "remove") {
					t.Errorf("%s, %s: when: %s", name, p.name, when)
				}
			}
		}
	}
}

// TestTheScriptsOfGitLabRun runs them as the runner does, one shell for each job, with programs that write down
// how they were called.
func TestTheScriptsOfGitLabRun(t *testing.T) {
	t.Parallel()
	jobs := gitLabJobs(t, templates.GitLabJobs())
	const url = "https://shop-x.elasticbeanstalk.com"
	for _, tt := range []struct{ name, job, url, want string }{
		{"deploy", "feature-environment", "", "beansprout up --output-env beansprout.env, token the-token, feature "},
		{"smoke tests", "feature-environment-smoke-tests", url, "curl --fail --silent --show-error --output /dev/null " + url},
		{"smoke tests of a superseded deploy", "feature-environment-smoke-tests", "", ""},
		{"removal", "remove-feature-environment", "", "beansprout down --yes, token the-token, feature " + hostile},
	} {
		dir := t.TempDir()
		for _, program := range []string{"apk", "curl", "sha256sum", "chmod", "beansprout"} {
			must.Write(t, filepath.Join(dir, program), `#!/bin/sh
case $0 in
*beansprout) echo "beansprout $*, token $(cat "$AWS_WEB_IDENTITY_TOKEN_FILE"), feature $BEANSPROUT_FEATURE" >>"$CALLS" ;;
*curl) echo "curl $*" >>"$CALLS" ;;
*sha256sum) cat >/dev/null ;;
esac
`)
			must.Succeed(t, os.Chmod(filepath.Join(dir, program), 0o700))
		}
		script := ""
		for _, key := range []string{"before_script", "script"} {
			lines, _ := jobs[tt.job][key].([]any)
			for _, line := range lines {
				script += line.(string) + "\n"
			}
		}
		run := exec.Command("sh", "-ec", script)
		run.Dir = dir
		run.Env = []string{
			"PATH=" + dir + ":/usr/bin:/bin", "TMPDIR=" + dir, "CALLS=" + filepath.Join(dir, "calls"), "AWS_ID_TOKEN=the-token", "BEANSPROUT_URL=" + tt.url,
			"CI_COMMIT_REF_NAME=" + hostile, "CI_COMMIT_BRANCH=" + hostile, "BEANSPROUT_DOWNLOAD=https://x", "BEANSPROUT_SHA256=0",
		}
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", tt.name, err, out)
		}
		text, _ := os.ReadFile(filepath.Join(dir, "calls"))
		calls := string(text)
		if !strings.HasSuffix(strings.TrimSuffix(calls, "\n"), tt.want) || (tt.want == "") != (calls == "") {
			t.Errorf("%s: called %q", tt.name, calls)
		}
		if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
			t.Errorf("%s runs the branch's name", tt.name)
		}
	}
}
