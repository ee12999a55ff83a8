package templates_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/templates"
	"beansprout/test/must"
)

// hostile is a branch that does something if a shell or Groovy reads it as a script.
const hostile = "x$(touch pwned)`touch pwned`';touch pwned;\"${println(1)}\n--help"

// pipelineBuild is one build, and what has to become of it.
type pipelineBuild struct {
	name        string
	environment map[string]string
	outcome     string // of up; "" where the agent has no beansprout
	code        string // the exit code of up
	aborts      bool
	result      string
	description string
	stages      []string // stages, behind the checks
	smoke       string   // the URL that the smoke tests ask
}

const environmentURL = "https://shop-x.elasticbeanstalk.com"

var all = []string{"Feature environment", "Deploy", "Smoke tests"}

var pipelineBuilds = []pipelineBuild{
	{name: "main", environment: map[string]string{"BRANCH_NAME": "main"}, outcome: "created", result: "SUCCESS"},
	{name: "a tag", environment: map[string]string{"BRANCH_NAME": "v1", "TAG_NAME": "v1"}, outcome: "created", result: "SUCCESS"},
	{name: "a fork", environment: map[string]string{"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "x", "CHANGE_FORK": "kim"}, outcome: "created", result: "SUCCESS"},
	{name: "a branch", environment: map[string]string{"BRANCH_NAME": "x"}, outcome: "created",
		result: "SUCCESS", description: environmentURL, stages: all, smoke: environmentURL},
	{name: "a pull request", environment: map[string]string{"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "x", "CHANGE_TARGET": "main"}, outcome: "deployed",
		result: "SUCCESS", description: environmentURL, stages: all, smoke: environmentURL},
	{name: "a hostile branch", environment: map[string]string{"BRANCH_NAME": hostile, "CHANGE_BRANCH": hostile, "GIT_BRANCH": hostile}, outcome: "unchanged",
		result: "SUCCESS", description: environmentURL, stages: all, smoke: environmentURL},
	{name: "no multibranch pipeline", environment: map[string]string{"GIT_BRANCH": "origin/x"}, outcome: "created",
		result: "SUCCESS", description: environmentURL, stages: all, smoke: environmentURL},
	{name: "superseded", environment: map[string]string{"BRANCH_NAME": "x"}, outcome: "superseded",
		result: "SUCCESS", description: "environment: superseded", stages: all[:2]},
	{name: "a failing deploy", environment: map[string]string{"BRANCH_NAME": "x"}, outcome: "failed", code: "1",
		result: "FAILURE", description: "environment: failed", stages: all[:2]},
	{name: "aborted by a later build", environment: map[string]string{"BRANCH_NAME": "x"}, outcome: "failed", code: "130", aborts: true,
		result: "ABORTED", description: "environment: failed", stages: all[:2]},
	{name: "no beansprout on the agent", environment: map[string]string{"BRANCH_NAME": "x"},
		result: "FAILURE", description: "environment: failed", stages: all[:2]},
}

// answer is the file that up writes with --output-env.
func (b pipelineBuild) answer() map[string]string {
	url := environmentURL
	if b.outcome == "superseded" || b.outcome == "failed" {
		url = ""
	}
	return map[string]string{"BEANSPROUT_OUTCOME": b.outcome, "BEANSPROUT_URL": url, "BEANSPROUT_COMMIT": "1a2b3c4+dirty"}
}

// workspace makes a directory in which an earlier build has left its file, and the programs that the
// pipelines run: they write down how they were called.
func (b pipelineBuild) workspace(t *testing.T) (dir string, environment map[string]string) {
	t.Helper()
	dir = t.TempDir()
	must.Write(t, filepath.Join(dir, "beansprout.env"), "BEANSPROUT_OUTCOME=created\nBEANSPROUT_URL=https://of-an-earlier-build\n")
	lines := ""
	for name, value := range b.answer() {
		lines += name + "=" + value + "\n"
	}
	must.Write(t, filepath.Join(dir, "answer"), lines)
	for _, program := range []string{"bin/beansprout", "bin/make", "bin/curl", "bin/go"} {
		if program == "bin/beansprout" && b.outcome == "" {
			continue
		}
		must.Write(t, filepath.Join(dir, program), `#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
for a; do [ "$before" != --output-env ] || cp answer "$a"; before=$a; done
case $0 in *beansprout) exit "$CODE" ;; esac
`)
		must.Succeed(t, os.Chmod(filepath.Join(dir, program), 0o700))
	}
	environment = map[string]string{
		"PATH": filepath.Join(dir, "bin") + ":/usr/bin:/bin", "CALLS": filepath.Join(dir, "calls"), "CODE": "0" + b.code,
	}
	for name, value := range b.environment {
		environment[name] = value
	}
	return dir, environment
}

// pipelineResult is what the program in testdata prints of a build.
type pipelineResult struct {
	Invalid             string
	Result, Description string
	Stages              []string
	Scripts, Options    []string
	Told                map[string]string // the file, as java.util.Properties reads it
	Log                 string
}

// pipelineTest is one build of a pipeline, and what judges what became of it.
type pipelineTest struct {
	name                string
	pipeline, directory string
	environment         map[string]string
	aborts              string // a part of the script at which the build is aborted
	judge               func(*testing.T, pipelineResult)
}

// TestThePipelinesRun has Groovy run the stage for users and our own Jenkinsfile, all builds in one process.
func TestThePipelinesRun(t *testing.T) {
	t.Parallel()
	groovy, err := exec.LookPath("groovy")
	if err != nil {
		t.Skip("there is no groovy: the Jenkins pipelines do not run")
	}
	tests := slices.Concat(
		everyBuild(t, "stage", pasted(templates.JenkinsStage())),
		everyBuild(t, "Jenkinsfile", must.Read(t, "../Jenkinsfile")),
		invalidPipelines(t), []pipelineTest{slackToken(t)},
	)
	var builds []map[string]any
	for _, test := range tests {
		builds = append(builds, map[string]any{
			"pipeline": test.pipeline, "directory": test.directory, "environment": test.environment, "aborts": test.aborts,
		})
	}
	input, err := json.Marshal(builds)
	must.Succeed(t, err)
	path := filepath.Join(t.TempDir(), "builds.json")
	must.Write(t, path, string(input))
	must.Read(t, "testdata/pipeline.groovy") // so that Go's cache of test results knows it
	run := exec.Command(groovy, "testdata/pipeline.groovy", path)
	run.Env = append(os.Environ(), "JAVA_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
	var said strings.Builder
	run.Stderr = &said
	output, err := run.Output()
	if err != nil {
		t.Fatalf("groovy: %v\n%s%s", err, output, said.String())
	}
	var results []pipelineResult
	must.Succeed(t, json.Unmarshal(output, &results))
	if len(results) != len(tests) {
		t.Fatalf("got %d results of %d builds", len(results), len(tests))
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.judge(t, results[i]) })
	}
}

// pasted returns a pipeline with the stage for users.
func pasted(stage string) string {
	return "pipeline {\n  agent any\n  options { disableConcurrentBuilds(abortPrevious: true) }\n  stages {\n" + stage + "\n  }\n}\n"
}

func everyBuild(t *testing.T, name, pipeline string) []pipelineTest {
	var tests []pipelineTest
	for _, b := range pipelineBuilds {
		dir, environment := b.workspace(t)
		test := pipelineTest{name: name + " " + b.name, pipeline: pipeline, directory: dir, environment: environment}
		if test.judge = func(t *testing.T, got pipelineResult) { b.judge(t, dir, got) }; b.aborts {
			test.aborts = "beansprout up"
		}
		tests = append(tests, test)
	}
	return tests
}

func (b pipelineBuild) judge(t *testing.T, dir string, got pipelineResult) {
	stages := slices.DeleteFunc(got.Stages, func(stage string) bool { return stage == "Check" })
	if got.Invalid != "" || got.Result != b.result || got.Description != b.description || !slices.Equal(stages, b.stages) {
		t.Errorf("got %+v", got)
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	ups, smoke := 0, ""
	for line := range strings.Lines(string(calls)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "beansprout up ") {
			ups++
		}
		if strings.HasPrefix(line, "curl ") || strings.HasPrefix(line, "go ") {
			smoke = line[strings.LastIndex(line, " ")+1:]
		}
	}
	if (ups == 1) != (len(b.stages) > 0 && b.outcome != "") || smoke != b.smoke {
		t.Errorf("called: %s", calls)
	}
	if ups == 1 && !maps.Equal(got.Told, b.answer()) {
		t.Errorf("Java reads %q", got.Told)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil || strings.Contains(strings.Join(got.Scripts, ""), "pwned") {
		t.Errorf("the branch's name was run: %q", got.Scripts)
	}
	if strings.Join(got.Options, ",") != "disableConcurrentBuilds[abortPrevious:true]" {
		t.Errorf("older builds go on: %q", got.Options)
	}
}

// invalidPipelines show that the program in testdata refuses what Jenkins refuses.
func invalidPipelines(t *testing.T) []pipelineTest {
	stage := templates.JenkinsStage()
	const steps = "steps { sh 'true' }\n"
	var tests []pipelineTest
	for name, pipeline := range map[string]string{
		"an unknown step":               pasted(strings.Replace(stage, "sh 'rm", "bat 'rm", 1)),
		"an unknown argument of a step": pasted(strings.Replace(stage, "returnStdout:", "returnOutput:", 1)),
		"an unknown section":            pasted(strings.Replace(stage, "when {", "unless {", 1)),
		"an unknown condition":          pasted(strings.Replace(stage, "buildingTag()", "buildingATag()", 1)),
		"an empty condition":            pasted(strings.Replace(stage, "buildingTag()", "", 1)),
		"two conditions of not":         pasted(strings.Replace(stage, "anyOf { branch 'main'; branch 'master' }", "branch 'main'; branch 'master'", 1)),
		"code among the steps":          pasted(strings.Replace(stage, "sh 'rm", "def x = 1\n sh 'rm", 1)),
		"code in post":                  pasted(strings.Replace(stage, "script {", "if (true) {", 1)),
		"an unknown variable":           pasted(strings.Replace(stage, "env.CHANGE_FORK", "params.CHANGE_FORK", 1)),
		"no steps":                      pasted("stage('x') { }"),
		"steps and stages":              pasted("stage('x') { " + steps + "stages { stage('y') { " + steps + "} } }"),
		"a stage twice":                 pasted("stage('x') { " + steps + "}\nstage('x') { " + steps + "}"),
		"an agent that is not there":    pasted("stage('x') { agent anywhere\n" + steps + "}"),
		"no Groovy":                     pasted("stage('x') {"),
		"an unknown option":             strings.Replace(pasted(stage), "disableConcurrentBuilds", "disableConcurrentBuild", 1),
		"an argument of an option":      strings.Replace(pasted(stage), "abortPrevious", "abortAll", 1),
		"an unknown unit":               strings.Replace(pasted(stage), "disableConcurrentBuilds(abortPrevious: true)", "timeout(time: 2, unit: 'HOUR')", 1),
		"an option twice":               strings.Replace(pasted(stage), "disableConcurrentBuilds(abortPrevious: true)", "timestamps(); timestamps()", 1),
	} {
		tests = append(tests, pipelineTest{
			name: "refused " + name, pipeline: pipeline, directory: t.TempDir(), environment: map[string]string{"PATH": "/usr/bin:/bin", "BRANCH_NAME": "x"},
			judge: func(t *testing.T, got pipelineResult) {
				if got.Invalid == "" {
					t.Errorf("got %+v", got)
				}
			},
		})
	}
	return tests
}

// slackToken runs the line of the stage that is a comment.
func slackToken(t *testing.T) pipelineTest {
	stage := strings.Replace(templates.JenkinsStage(), "// environment {", "environment {", 1)
	stage = strings.Replace(stage, "beansprout up", `echo "$SLACK_BOT_TOKEN" >slack && beansprout up`, 1)
	dir := t.TempDir()
	return pipelineTest{
		name: "a token for Slack", pipeline: pasted(stage), directory: dir, environment: map[string]string{"PATH": "/usr/bin:/bin", "BRANCH_NAME": "x"},
		judge: func(t *testing.T, _ pipelineResult) {
			if token := must.Read(t, filepath.Join(dir, "slack")); token != "the secret slack-bot-token\n" {
				t.Errorf("got %q", token)
			}
		},
	}
}
