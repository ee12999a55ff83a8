package workflows

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// hostile is a branch that does something if a shell reads it as a script.
const hostile = "x$(touch pwned)`touch pwned`';touch pwned;\"\n--help"

const deployedURL = "https://shop-login-x.elasticbeanstalk.com"

// program is the beansprout that is downloaded.
const program = `#!/bin/sh
echo "$0 $*, token $GITHUB_TOKEN" >>"$CALLS"
[ "$OUTCOME" = failed ] || [ "$OUTCOME" = superseded ] || url=` + deployedURL + `
printf 'BEANSPROUT_OUTCOME=%s\nBEANSPROUT_URL=%s\n' "$OUTCOME" "$url" >>"$3"
[ "$OUTCOME" != failed ]
`

// downloads is the curl of the runner.
const downloads = `#!/bin/sh
echo "curl $*" >>"$CALLS"
case $* in *https://downloads.example.com/beansprout) ;; *) exit 0 ;; esac
for a; do [ "$before" != --output ] || cp "$PROGRAM" "$a"; before=$a; done
`

// A runner runs the scripts of the workflow as GitHub's runner does.
type runner struct {
	dir       string
	variables []string
	contexts  object
	failed    bool
}

func newRunner(t *testing.T, outcome, checksum string) *runner {
	t.Helper()
	r := &runner{dir: t.TempDir(), contexts: event("push", hostile, nil)}
	at := func(name string) string { return filepath.Join(r.dir, name) }
	for name, text := range map[string]string{"bin/curl": downloads, "program": program, "calls": "", "summary": "", "path": "", "output": ""} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.contexts["github"].(object)["token"] = "the-token"
	r.contexts["vars"] = object{"beansprout_download": "https://downloads.example.com/beansprout", "beansprout_sha256": checksum}
	r.contexts["steps"] = object{"up": object{"outputs": object{}}}
	r.variables = []string{
		"RUNNER_TEMP=" + r.dir, "CALLS=" + at("calls"), "PROGRAM=" + at("program"), "OUTCOME=" + outcome, "GITHUB_HEAD_REF=" + hostile, "GITHUB_REF_NAME=" + hostile,
		"GITHUB_PATH=" + at("path"), "GITHUB_OUTPUT=" + at("output"), "GITHUB_STEP_SUMMARY=" + at("summary"),
	}
	return r
}

func (r *runner) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// step runs one step, unless its condition does not hold.
func (r *runner) step(t *testing.T, step *actionlint.Step) {
	t.Helper()
	run, ok := step.Exec.(*actionlint.ExecRun)
	always := step.If != nil && step.If.Value == "always()"
	holds := always || !r.failed && (step.If == nil || ask(t, step.If.Value, r.contexts) == true)
	if !ok || !holds {
		return
	}
	command := exec.Command("bash", "-e", "-c", run.Run.Value)
	command.Dir = r.dir
	command.Env = append(r.variables, "PATH="+strings.TrimSpace(r.read(t, "path"))+":"+filepath.Join(r.dir, "bin")+":/usr/bin:/bin")
	if step.Env != nil {
		for _, variable := range step.Env.Vars {
			command.Env = append(command.Env, variable.Name.Value+"="+fill(t, variable.Value.Value, r.contexts))
		}
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Logf("%s: %v: %s", step.Name.Value, err, out)
		r.failed = true
	}
	outputs := r.contexts["steps"].(object)["up"].(object)["outputs"].(object)
	for line := range strings.Lines(r.read(t, "output")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		outputs[strings.ToLower(name)] = value
	}
}

// TestTheScriptsRun downloads a program, runs it, and looks at what the steps behind it do.
func TestTheScriptsRun(t *testing.T) {
	_, job := parse(t)
	checksum := fmt.Sprintf("%x", sha256.Sum256([]byte(program)))
	for _, tt := range []struct {
		name, outcome, checksum string
		failed, ups, smoke      bool
		summary                 string
	}{
		{"deployed", "deployed", checksum, false, true, true, "deployed " + deployedURL},
		{"superseded", "superseded", checksum, false, true, false, "superseded "},
		{"failed", "failed", checksum, true, true, false, "failed "},
		{"another program", "deployed", strings.Repeat("0", 64), true, false, false, "failed "},
	} {
		r := newRunner(t, tt.outcome, tt.checksum)
		for _, step := range job.Steps {
			r.step(t, step)
		}
		calls := r.read(t, "calls")
		up := strings.Contains(calls, "/beansprout up --output-env "+filepath.Join(r.dir, "output")+", token the-token\n")
		if r.failed != tt.failed || up != tt.ups || strings.HasSuffix(calls, deployedURL+"\n") != tt.smoke {
			t.Errorf("%s: failed is %v, called %s", tt.name, r.failed, calls)
		}
		if summary := r.read(t, "summary"); summary != "Feature environment "+tt.summary+"\n" {
			t.Errorf("%s: the summary is %q", tt.name, summary)
		}
		if _, err := os.Stat(filepath.Join(r.dir, "pwned")); err == nil {
			t.Errorf("%s: the branch's name was run", tt.name)
		}
	}
}
