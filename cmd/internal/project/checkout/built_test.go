package checkout

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/must"
)

// change is a repository with a change that a CI has merged with its target: HEAD is on none of
// the branches.
type change struct {
	root, target, head, merge string
}

func newChange(t *testing.T) change {
	root := repository(t)
	run(t, root, "checkout", "--quiet", "-b", "feature/x")
	c := change{root: root, head: record(t, root, "Ann")}
	run(t, root, "checkout", "--quiet", "main")
	c.target = record(t, root, "Bob")
	run(t, root, "checkout", "--quiet", "--detach")
	run(t, root, "-c", "user.name=ci", "-c", "user.email=ci@example.com", "merge", "--quiet", "--no-ff", "--message=x", c.head)
	c.merge = run(t, root, "rev-parse", "HEAD")
	return c
}

// checkout checks a commit out, on no branch.
func (c change) checkout(t *testing.T, commit string) {
	t.Helper()
	run(t, c.root, "checkout", "--quiet", commit)
}

// TestChangesThatCIsMergeAreTheirBranches has each CI build the ordinary change in the ways in
// which it does.
func TestChangesThatCIsMergeAreTheirBranches(t *testing.T) {
	c := newChange(t)
	event := filepath.Join(t.TempDir(), "event.json")
	must.Write(t, event, `{"action": "opened", "pull_request": {"head": {"ref": "feature/x", "sha": "`+c.head+`", "user": {"login": "acme"}, "repo": {"full_name": "acme/shop", "owner": {"login": "acme"}}},
		"base": {"ref": "main", "sha": "`+c.target+`", "repo": {"full_name": "acme/shop", "owner": {"login": "acme"}}}}}`)
	github := func(ref, sha string) vars {
		return vars{"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "feature/x", "GITHUB_BASE_REF": "main", "GITHUB_REF": ref, "GITHUB_SHA": sha, "GITHUB_EVENT_PATH": event, "GITHUB_REPOSITORY": "acme/shop"}
	}
	gitlab := func(sha string) vars {
		return vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x", "CI_COMMIT_SHA": sha, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": c.head}
	}
	jenkins := func(sha string) vars {
		return vars{"CHANGE_BRANCH": "feature/x", "BRANCH_NAME": "PR-1", "GIT_COMMIT": sha}
	}
	builds := []struct {
		name, head string
		env        vars
	}{
		{"Jenkins merges", c.merge, jenkins(c.merge)},
		{"Jenkins merges and names the branch's commit", c.merge, jenkins(c.head)},
		{"Jenkins builds the branch", c.head, jenkins(c.head)},
		{"Jenkins names no commit", c.merge, jenkins("")},
		{"GitHub, pull_request", c.merge, github("refs/pull/1/merge", c.merge)},
		{"GitHub, the branch is checked out", c.head, github("refs/pull/1/merge", c.merge)},
		{"GitHub, pull_request_target with the branch", c.head, github("refs/heads/main", c.target)},
		{"GitHub, pull_request_target with the merge", c.merge, github("refs/heads/main", c.target)},
		{"GitHub without event", c.merge, vars{"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "feature/x", "GITHUB_REF": "refs/pull/1/merge", "GITHUB_SHA": c.merge}},
		{"GitLab", c.head, vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x", "CI_COMMIT_SHA": c.head}},
		{"GitLab, merged results", c.merge, gitlab(c.merge)},
		{"GitLab, merged results, the branch is checked out", c.head, gitlab(c.merge)},
		{"Bitbucket", c.merge, vars{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_BRANCH": "feature/x", "BITBUCKET_COMMIT": c.head, "BITBUCKET_PR_ID": "1"}},
		{"Buildkite", c.merge, vars{"BUILDKITE": "true", "BUILDKITE_BRANCH": "feature/x", "BUILDKITE_COMMIT": c.head, "BUILDKITE_PULL_REQUEST": "1"}},
		{"Azure", c.merge, vars{"TF_BUILD": "True", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x", "BUILD_SOURCEBRANCH": "refs/pull/1/merge", "BUILD_SOURCEVERSION": c.merge}},
		{"Travis", c.merge, vars{"TRAVIS": "true", "TRAVIS_PULL_REQUEST_BRANCH": "feature/x", "TRAVIS_BRANCH": "main", "TRAVIS_COMMIT": c.merge, "TRAVIS_PULL_REQUEST_SHA": c.head}},
		{"AppVeyor", c.merge, vars{"APPVEYOR": "True", "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH": "feature/x", "APPVEYOR_REPO_BRANCH": "main", "APPVEYOR_REPO_COMMIT": c.target, "APPVEYOR_PULL_REQUEST_HEAD_COMMIT": c.head}},
		{"CodeBuild", c.head, vars{"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_TRIGGER": "pr/1", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feature/x", "CODEBUILD_WEBHOOK_BASE_REF": "refs/heads/main", "CODEBUILD_RESOLVED_SOURCE_VERSION": c.head}},
		{"Woodpecker", c.head, vars{"CI": "woodpecker", "CI_COMMIT_PULL_REQUEST": "1", "CI_COMMIT_SOURCE_BRANCH": "feature/x", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": c.head}},
	}
	for _, head := range []string{c.head, c.merge} {
		c.checkout(t, head)
		for _, built := range builds {
			if got := read(t, c.root, built.env.get); built.head == head && (got.Branch != "feature/x" || got.Commit != head) {
				t.Errorf("%s: got %q, %q", built.name, got.Branch, got.NoBranch)
			}
		}
	}
}

// TestDroneMergesIntoTheTargetsBranch has git be on main, as Drone leaves it.
func TestDroneMergesIntoTheTargetsBranch(t *testing.T) {
	c := newChange(t)
	run(t, c.root, "checkout", "--quiet", "-B", "main", c.merge)
	env := vars{"DRONE": "true", "DRONE_BUILD_EVENT": "pull_request", "DRONE_SOURCE_BRANCH": "feature/x", "DRONE_TARGET_BRANCH": "main", "DRONE_BRANCH": "main", "DRONE_COMMIT_SHA": c.head}
	if got := read(t, c.root, env.get); got.Branch != "feature/x" {
		t.Errorf("got %+v", got)
	}
}

func TestTheMergeOfAShallowCloneIsRecognized(t *testing.T) {
	c := newChange(t)
	run(t, c.root, "branch", "merged", c.merge)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, c.root, "clone", "--quiet", "--depth=1", "--branch=merged", "file://"+c.root, clone)
	run(t, clone, "checkout", "--quiet", "--detach")
	if got := read(t, clone, vars{"CHANGE_BRANCH": "feature/x", "GIT_COMMIT": c.head}.get); got.Branch != "feature/x" {
		t.Errorf("got %+v", got)
	}
}

// TestTheCIsBranchCountsForItsCommitAlone has a CI's variables speak of main, while what is
// checked out is something else.
func TestTheCIsBranchCountsForItsCommitAlone(t *testing.T) {
	c := newChange(t)
	event := filepath.Join(t.TempDir(), "event.json")
	must.Write(t, event, `{"action": "created", "issue": {"number": 1, "pull_request": {"url": "https://x"}}, "comment": {"body": "/deploy"}}`)
	builds := map[string]vars{
		"GitHub, issue_comment": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": c.target, "GITHUB_EVENT_PATH": event},
		"GitHub, workflow_run":  {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": c.target},
		"GitHub, a tag":         {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/v1", "GITHUB_SHA": c.target},
		"Jenkins":               {"BRANCH_NAME": "main", "GIT_COMMIT": c.target},
		"Jenkins' git plugin":   {"GIT_BRANCH": "origin/main", "GIT_COMMIT": c.target},
		"GitLab":                {"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": c.target},
		"Bitbucket":             {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_BRANCH": "main", "BITBUCKET_COMMIT": c.target},
		"CircleCI":              {"CIRCLECI": "true", "CIRCLE_BRANCH": "main", "CIRCLE_SHA1": c.target},
		"Buildkite":             {"BUILDKITE": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_COMMIT": c.target, "BUILDKITE_PULL_REQUEST": "false"},
		"Azure":                 {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/main", "BUILD_SOURCEVERSION": c.target},
		"Travis":                {"TRAVIS": "true", "TRAVIS_BRANCH": "main", "TRAVIS_COMMIT": c.target},
		"Drone":                 {"DRONE": "true", "DRONE_BRANCH": "main", "DRONE_SOURCE_BRANCH": "main", "DRONE_COMMIT_SHA": c.target},
		"Woodpecker":            {"CI": "woodpecker", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": c.target},
		"AppVeyor":              {"APPVEYOR": "True", "APPVEYOR_REPO_BRANCH": "main", "APPVEYOR_REPO_COMMIT": c.target},
		"CodeBuild":             {"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main", "CODEBUILD_RESOLVED_SOURCE_VERSION": c.target},
	}
	for _, head := range []string{c.head, c.merge} { // the merge has main's commit as a parent
		c.checkout(t, head)
		for name, env := range builds {
			if got := read(t, c.root, env.get); got.Branch != "" || !strings.Contains(got.NoBranch, "builds commit "+c.target[:12]) {
				t.Errorf("%s at %s: got %q, %q", name, head, got.Branch, got.NoBranch)
			}
		}
	}
	c.checkout(t, "feature/x")
	for name, env := range builds {
		if got := read(t, c.root, env.get); got.Branch != "feature/x" || got.NoBranch != "" {
			t.Errorf("%s, with git on a branch: got %q, %q", name, got.Branch, got.NoBranch)
		}
	}
	c.checkout(t, c.target)
	for name, env := range builds {
		if got := read(t, c.root, env.get); (got.Branch == "main") == strings.Contains(name, "tag") {
			t.Errorf("%s, at its commit: got %q, %q", name, got.Branch, got.NoBranch)
		}
	}
}

func TestAChangesTargetIsNotTheChange(t *testing.T) {
	c := newChange(t)
	env := vars{"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "feature/x", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": c.target}
	c.checkout(t, c.target)
	if got := read(t, c.root, env.get); got.Branch != "main" {
		t.Errorf("pull_request_target without event builds main, and is %q", got.Branch)
	}
	env["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
	must.Write(t, env["GITHUB_EVENT_PATH"], `{"pull_request": {"head": {"ref": "feature/x", "sha": "`+c.head+`"}}}`)
	if got := read(t, c.root, env.get); got.Branch != "main" {
		t.Errorf("pull_request_target builds main, and is %q", got.Branch)
	}
}

func TestForksOnGitHub(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ event, branch, problem string }{
		"of another":    {`{"pull_request": {"head": {"ref": "main", "user": {"login": "kim"}, "repo": {"full_name": "kim/shop", "owner": {"login": "kim"}}}}}`, "kim:main", ""},
		"of the owner":  {`{"pull_request": {"head": {"ref": "main", "repo": {"full_name": "acme/shop-fork", "owner": {"login": "acme"}}}}}`, "acme:main", ""},
		"by its name":   {`{"pull_request": {"head": {"ref": "main", "repo": {"full_name": "kim/shop"}}}}`, "kim:main", ""},
		"removed since": {`{"pull_request": {"head": {"ref": "main", "user": {"login": "kim"}, "repo": null}}}`, "kim:main", ""},
		"no owner":      {`{"pull_request": {"head": {"ref": "main", "repo": null}}}`, "", "doesn't say whose"},
		"its own":       {`{"pull_request": {"head": {"ref": "main", "repo": {"full_name": "Acme/Shop"}}}}`, "main", ""},
		"no JSON":       {`{"pull_request": `, "", "can't be read"},
		"other types":   {`{"pull_request": {"head": 3}}`, "", "can't be read"},
		"nothing":       {``, "", "can't be read"},
	} {
		path := filepath.Join(dir, "event.json")
		must.Write(t, path, c.event)
		env := vars{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/pull/1/merge", "GITHUB_HEAD_REF": "main", "GITHUB_EVENT_PATH": path}
		branch, problem := env.built(t)
		if branch != c.branch || (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) {
			t.Errorf("%s: got %q, %q", name, branch, problem)
		}
	}
}

func TestAnEventsFileCanBeAnything(t *testing.T) {
	dir := t.TempDir()
	pipe, huge := filepath.Join(dir, "pipe"), filepath.Join(dir, "huge")
	must.Succeed(t, syscall.Mkfifo(pipe, 0o600))
	must.Write(t, huge, "{}")
	must.Succeed(t, os.Truncate(huge, maxEvent+1))
	for _, path := range []string{pipe, huge, "/dev/zero", dir, filepath.Join(dir, "missing")} {
		done := make(chan error, 1)
		go func() { _, err := readEvent(path); done <- err }()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s was read", path)
			}
		case <-time.After(5 * time.Minute):
			t.Fatalf("%s is read for ever", path)
		}
	}
}

func TestTheNamesOfRemotesAreTakenOff(t *testing.T) {
	root := repository(t)
	run(t, root, "remote", "add", "upstream", "https://git.example.com/shop.git")
	for value, want := range map[string]string{
		"upstream/feature/x": "feature/x", "origin/feature/x": "feature/x", "feature/x": "feature/x", "other/x": "other/x",
	} {
		if got := read(t, root, vars{"GIT_BRANCH": value}.get).Branch; got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}
