package stories

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"beansprout/test/lab"
	"beansprout/test/must"

	"github.com/rogpeppe/go-internal/testscript"
)

// awsStories need nothing of the local cloud that AWS doesn't have, but for lines marked [local].
var awsStories = []string{"up", "commits", "hostile", "broken"}

const (
	testOnAWS       = "BEANSPROUT_TEST_AWS"
	testApplication = "BEANSPROUT_TEST_APPLICATION"
)

// TestStoriesOnAWS runs stories in the account of the AWS credentials, in an application in
// which no environment of ours lives. make test-aws asks before.
func TestStoriesOnAWS(t *testing.T) {
	if os.Getenv(testOnAWS) != "1" {
		t.Skip("make test-aws runs them")
	}
	lab.NeedEngine(t)
	lab.Provide(t)
	must.Succeed(t, checkAWS())
	ignoreLocal(t)
	var files []string
	for _, name := range awsStories {
		files = append(files, filepath.Join("testdata/stories", name+".txtar"))
	}
	testscript.Run(t, testscript.Params{
		Files: files, RequireExplicitExec: true, Setup: setupAWSStory,
		Condition: func(cond string) (bool, error) { return false, nil }, // nothing is [local]
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"example": copyExampleForAWS, "code": wantCode, "get": getURL, "keep": keepOutput, "eventually": eventually,
			"writes": countWrites, "hammer": hammer, "calm": calm,
		},
	})
}

// ignoreLocal puts a beansprout into PATH that drops --local from its arguments.
func ignoreLocal(t *testing.T) {
	program, err := exec.LookPath("beansprout")
	must.Succeed(t, err)
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nfor arg; do shift; [ \"$arg\" = --local ] || set -- \"$@\" \"$arg\"; done\nexec '%s' \"$@\"\n", program)
	must.Succeed(t, os.WriteFile(filepath.Join(dir, "beansprout"), []byte(script), 0o700))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// checkAWS refuses an application that is in use: in the end all that is in it is removed.
func checkAWS() error {
	application := os.Getenv(testApplication)
	if application == "" {
		return fmt.Errorf("%s names no application", testApplication)
	}
	left, err := environmentsOnAWS(application, os.Environ())
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("application %q has environments of Beansprout's: name one that is not in use", application)
	}
	return err
}

// environmentsOnAWS returns the features that are up in an application.
func environmentsOnAWS(application string, env []string) ([]string, error) {
	cmd, err := onAWS(application, env, "list", "--json")
	if err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list what is in application %q: %w", application, err)
	}
	var rows []struct{ Feature string }
	err = json.Unmarshal(out, &rows)
	var features []string
	for _, r := range rows {
		features = append(features, r.Feature)
	}
	return features, err
}

// onAWS is the binary with a configuration that says no more than the application.
func onAWS(application string, env []string, args ...string) (*exec.Cmd, error) {
	dir, err := os.MkdirTemp("", "beansprout-test-aws")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "beansprout.yaml")
	text := fmt.Sprintf("application: %q\nbuild: {web: {context: .}}\n", application)
	cmd := exec.CommandContext(context.Background(), "beansprout", append(args, "--config", file)...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	return cmd, os.WriteFile(file, []byte(text), 0o600)
}

// setupAWSStory gives a story the caller's credentials, and takes away what it leaves.
func setupAWSStory(e *testscript.Env) error {
	e.Values[storyKey{}] = &story{}
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL", "HOME", "DOCKER_HOST", testApplication,
	} {
		if value, ok := os.LookupEnv(name); ok {
			e.Setenv(name, value)
		}
	}
	for name, value := range map[string]string{
		"GOCACHE": goEnv("GOCACHE"), "GOMODCACHE": goEnv("GOMODCACHE"), "GOFLAGS": "-trimpath -buildvcs=false",
		"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Kim Dev",
		"GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "kim@example.com",
	} {
		e.Setenv(name, value)
	}
	e.Defer(func() { clearAWS(e) })
	return nil
}

func clearAWS(e *testscript.Env) {
	application := e.Getenv(testApplication)
	features, err := environmentsOnAWS(application, e.Vars)
	for _, feature := range features {
		cmd, cerr := onAWS(application, e.Vars, "down", "--force", "--purge", "--feature", feature)
		if cerr == nil {
			cerr = cmd.Run()
		}
		err = cmp.Or(err, cerr)
	}
	if err != nil {
		e.T().Fatal("what the story left in application "+application+" must be removed by hand:", err)
	}
}

// copyExampleForAWS is copyExample in the application that tests may use.
func copyExampleForAWS(ts *testscript.TestScript, neg bool, args []string) {
	copyExample(ts, neg, args)
	file := filepath.Join(ts.MkAbs(args[0]), "beansprout.yaml")
	text, err := os.ReadFile(file)
	ts.Check(err)
	text = bytes.Replace(text, []byte("application: hello"), fmt.Appendf(nil, "application: %q", ts.Getenv(testApplication)), 1)
	ts.Check(os.WriteFile(file, text, 0o600))
}
