package checkout

import (
	"strings"
	"testing"
)

type vars map[string]string

func (v vars) get(name string) string { return v[name] }

// built returns the branch that the variables alone name, or why there is none.
func (v vars) built(t *testing.T) (branch, problem string) {
	t.Helper()
	c := read(t, t.TempDir(), v.get)
	return c.Branch, c.NoBranch
}

func TestBranchOfEachCI(t *testing.T) {
	for _, c := range []struct {
		name string
		env  vars
		want string
	}{
		{"nothing", vars{}, ""},
		{"Jenkins, pull request", vars{"CHANGE_BRANCH": "feature/x", "BRANCH_NAME": "PR-1", "GIT_BRANCH": "PR-1"}, "feature/x"},
		{"Jenkins, fork", vars{"CHANGE_BRANCH": "patch-1", "CHANGE_FORK": "kim", "BRANCH_NAME": "PR-1"}, "kim:patch-1"},
		{"Jenkins, fork that is called otherwise", vars{"CHANGE_BRANCH": "main", "CHANGE_FORK": "kim/other"}, "kim/other:main"},
		{"Jenkins, branch", vars{"BRANCH_NAME": "feature/x", "GIT_BRANCH": "origin/other"}, "feature/x"},
		{"Jenkins, full name", vars{"BRANCH_NAME": "refs/heads/feature/x"}, "feature/x"},
		{"Jenkins, one that is called origin", vars{"BRANCH_NAME": "origin/x"}, "origin/x"},
		{"Jenkins, blank", vars{"CHANGE_BRANCH": " ", "BRANCH_NAME": "x"}, "x"},
		{"Jenkins' git plugin", vars{"GIT_BRANCH": "origin/feature/x"}, "feature/x"},
		{"Jenkins' git plugin, full name", vars{"GIT_BRANCH": "refs/remotes/origin/feature/x"}, "feature/x"},
		{"Jenkins' git plugin, another remote", vars{"GIT_BRANCH": "refs/remotes/upstream/feature/x"}, "feature/x"},
		{"Jenkins' git plugin, branch", vars{"GIT_BRANCH": "refs/heads/origin/x"}, "origin/x"},
		{"Jenkins' git plugin, local", vars{"GIT_LOCAL_BRANCH": "x", "GIT_BRANCH": "origin/y"}, "x"},
		{"Jenkins' git plugin, without remote", vars{"GIT_BRANCH": "feature/x"}, "feature/x"},
		{"Jenkins' git plugin, detached", vars{"GIT_BRANCH": "detached"}, ""},
		{"Jenkins beside others' variables", vars{"JENKINS_URL": "https://ci", "TRAVIS": "true", "TRAVIS_BRANCH": "y", "BRANCH_NAME": "x"}, "x"},
		{"GitHub, pull request", vars{"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "feature/x", "GITHUB_REF": "refs/pull/1/merge", "GITHUB_REF_NAME": "1/merge"}, "feature/x"},
		{"GitHub, branch", vars{"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/feature/x", "GITHUB_REF_TYPE": "branch"}, "feature/x"},
		{"GitHub, somewhere else", vars{"GITHUB_HEAD_REF": "feature/x", "GITHUB_REF": "refs/heads/main"}, ""},
		{"GitHub, switched off", vars{"GITHUB_ACTIONS": "false", "GITHUB_REF": "refs/heads/main"}, ""},
		{"GitHub with Jenkins' variables", vars{"GITHUB_ACTIONS": "true", "BRANCH_NAME": "y", "TAG_NAME": "z", "GITHUB_REF": "refs/heads/x"}, "x"},
		{"GitLab, merge request", vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x"}, "feature/x"},
		{"GitLab, merge request of the project", vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "Acme/shop", "CI_PROJECT_PATH": "acme/shop"}, "feature/x"},
		{"GitLab, merge request of a fork", vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "kim/shop", "CI_PROJECT_PATH": "acme/shop"}, "kim/shop:main"},
		{"GitLab, merge request of a fork, built there", vars{"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "kim/shop", "CI_PROJECT_PATH": "kim/shop", "CI_MERGE_REQUEST_PROJECT_PATH": "acme/shop"}, "kim/shop:main"},
		{"GitLab, branch", vars{"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "feature/x"}, "feature/x"},
		{"GitLab, somewhere else", vars{"CI": "true", "CI_COMMIT_BRANCH": "feature/x"}, ""},
		{"Bitbucket", vars{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_BRANCH": "feature/x"}, "feature/x"},
		{"CircleCI", vars{"CIRCLECI": "true", "CIRCLE_BRANCH": "feature/x"}, "feature/x"},
		{"CircleCI, fork", vars{"CIRCLECI": "true", "CIRCLE_BRANCH": "pull/12", "CIRCLE_PR_USERNAME": "kim", "CIRCLE_PR_NUMBER": "12"}, "kim:pull/12"},
		{"Buildkite", vars{"BUILDKITE": "true", "BUILDKITE_BRANCH": "feature/x", "BUILDKITE_PULL_REQUEST_REPO": ""}, "feature/x"},
		{"Buildkite, pull request", vars{"BUILDKITE": "true", "BUILDKITE_BRANCH": "x", "BUILDKITE_PULL_REQUEST_REPO": "https://github.com/acme/shop.git", "BUILDKITE_REPO": "git@github.com:acme/shop.git"}, "x"},
		{"Buildkite, fork", vars{"BUILDKITE": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/kim/shop.git", "BUILDKITE_REPO": "git@github.com:acme/shop.git"}, "kim:main"},
		{"Buildkite, fork that it names itself", vars{"BUILDKITE": "true", "BUILDKITE_BRANCH": "kim:main", "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/kim/shop.git", "BUILDKITE_REPO": "git@github.com:acme/shop.git"}, "kim:main"},
		{"Azure, pull request", vars{"TF_BUILD": "True", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x", "BUILD_SOURCEBRANCH": "refs/pull/1/merge", "SYSTEM_PULLREQUEST_ISFORK": "False"}, "feature/x"},
		{"Azure, pull request on GitHub", vars{"TF_BUILD": "True", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "feature/x"}, "feature/x"},
		{"Azure, fork", vars{"TF_BUILD": "True", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/main", "SYSTEM_PULLREQUEST_ISFORK": "True", "SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI": "https://dev.azure.com/acme/kim/_git/shop", "BUILD_REPOSITORY_URI": "https://dev.azure.com/acme/shop/_git/shop"}, "acme/kim/_git/shop:main"},
		{"Azure, branch", vars{"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/feature/x"}, "feature/x"},
		{"Travis, pull request", vars{"TRAVIS": "true", "TRAVIS_PULL_REQUEST_BRANCH": "feature/x", "TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST_SLUG": "acme/shop", "TRAVIS_REPO_SLUG": "acme/shop"}, "feature/x"},
		{"Travis, fork", vars{"TRAVIS": "true", "TRAVIS_PULL_REQUEST_BRANCH": "main", "TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST_SLUG": "kim/shop", "TRAVIS_REPO_SLUG": "acme/shop"}, "kim:main"},
		{"Woodpecker", vars{"CI": "woodpecker", "CI_PIPELINE_EVENT": "push", "CI_COMMIT_BRANCH": "feature/x"}, "feature/x"},
		{"Woodpecker, pull request", vars{"CI": "woodpecker", "CI_PIPELINE_EVENT": "pull_request", "CI_COMMIT_SOURCE_BRANCH": "feature/x", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_TARGET_BRANCH": "main"}, "feature/x"},
		{"Drone", vars{"DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BRANCH": "feature/x", "DRONE_SOURCE_BRANCH": "feature/x", "DRONE_TARGET_BRANCH": "feature/x"}, "feature/x"},
		{"Drone, pull request", vars{"DRONE": "true", "DRONE_BUILD_EVENT": "pull_request", "DRONE_SOURCE_BRANCH": "feature/x", "DRONE_BRANCH": "main", "DRONE_TARGET_BRANCH": "main"}, "feature/x"},
		{"AppVeyor", vars{"APPVEYOR": "True", "APPVEYOR_REPO_BRANCH": "feature/x"}, "feature/x"},
		{"AppVeyor, fork", vars{"APPVEYOR": "True", "APPVEYOR_REPO_BRANCH": "main", "APPVEYOR_REPO_NAME": "acme/shop", "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH": "main", "APPVEYOR_PULL_REQUEST_HEAD_REPO_NAME": "kim/shop"}, "kim:main"},
		{"CodeBuild", vars{"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feature/x"}, "feature/x"},
		{"CodeBuild, pull request", vars{"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_TRIGGER": "pr/12", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feature/x", "CODEBUILD_WEBHOOK_BASE_REF": "refs/heads/main"}, "feature/x"},
		{"only the prefix", vars{"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/"}, ""},
	} {
		if got, problem := c.env.built(t); got != c.want || problem != "" {
			t.Errorf("%s: got %q, %q, want %q", c.name, got, problem, c.want)
		}
	}
}

func TestATagIsNoBranch(t *testing.T) {
	root := repository(t)
	for name, env := range map[string]vars{
		"Jenkins":             {"TAG_NAME": "v1", "BRANCH_NAME": "v1"},
		"Jenkins' git plugin": {"GIT_BRANCH": "refs/tags/v1"},
		"the same, in short":  {"GIT_BRANCH": "origin/tags/v1"},
		"GitHub":              {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/v1", "GITHUB_REF_NAME": "v1"},
		"GitLab":              {"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"},
		"Bitbucket":           {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_TAG": "v1"},
		"CircleCI":            {"CIRCLECI": "true", "CIRCLE_TAG": "v1"},
		"Buildkite":           {"BUILDKITE": "true", "BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"},
		"Azure":               {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/tags/v1", "BUILD_SOURCEBRANCHNAME": "v1"},
		"Travis":              {"TRAVIS": "true", "TRAVIS_BRANCH": "v1", "TRAVIS_TAG": "v1"},
		"Woodpecker":          {"CI": "woodpecker", "CI_PIPELINE_EVENT": "tag", "CI_COMMIT_TAG": "v1", "CI_COMMIT_BRANCH": "main"},
		"Drone":               {"DRONE": "true", "DRONE_BUILD_EVENT": "tag", "DRONE_TAG": "v1", "DRONE_BRANCH": "main", "DRONE_SOURCE_BRANCH": "main"},
		"AppVeyor":            {"APPVEYOR": "True", "APPVEYOR_REPO_TAG_NAME": "v1", "APPVEYOR_REPO_BRANCH": "v1"},
		"CodeBuild":           {"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/tags/v1"},
		"CodeBuild, in short": {"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_TRIGGER": "tag/v1"},
	} {
		if got, problem := env.built(t); got != "" || !strings.Contains(problem, `builds the tag "v1", which is no branch`) {
			t.Errorf("%s: got %q, %q", name, got, problem)
		}
		c := read(t, root, env.get)
		if c.Branch != "" || c.NoBranch == "" {
			t.Errorf("%s, with git on a branch: got %+v", name, c)
		}
	}
}

func TestAForkThatCantBeNamedIsNoBranch(t *testing.T) {
	for name, env := range map[string]vars{
		"Azure with GitHub":    {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "main", "SYSTEM_PULLREQUEST_ISFORK": "True"},
		"Drone":                {"DRONE": "true", "DRONE_BUILD_EVENT": "pull_request", "DRONE_SOURCE_BRANCH": "main", "DRONE_TARGET_BRANCH": "main", "DRONE_BRANCH": "main"},
		"Drone without source": {"DRONE": "true", "DRONE_PULL_REQUEST": "3", "DRONE_TARGET_BRANCH": "main", "DRONE_BRANCH": "main"},
		"Woodpecker":           {"CI": "woodpecker", "CI_COMMIT_PULL_REQUEST": "3", "CI_COMMIT_SOURCE_BRANCH": "main", "CI_COMMIT_TARGET_BRANCH": "main", "CI_COMMIT_BRANCH": "main"},
		"CodeBuild":            {"CODEBUILD_BUILD_ID": "x:1", "CODEBUILD_WEBHOOK_TRIGGER": "pr/1", "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main", "CODEBUILD_WEBHOOK_BASE_REF": "refs/heads/main"},
		"GitHub without event": {"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "main", "GITHUB_BASE_REF": "main", "GITHUB_REF": "refs/pull/1/merge"},
		"GitHub, lost event":   {"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "x", "GITHUB_REF": "refs/pull/1/merge", "GITHUB_EVENT_PATH": "/nowhere/event.json"},
	} {
		if got, problem := env.built(t); got != "" || problem == "" {
			t.Errorf("%s: got %q, %q", name, got, problem)
		}
	}
}

func TestCommitOfACI(t *testing.T) {
	sha := strings.Repeat("0123456789", 4)
	for _, c := range []struct {
		env  vars
		want string
	}{
		{vars{"GIT_COMMIT": sha}, sha},
		{vars{"GITHUB_ACTIONS": "true", "GITHUB_SHA": strings.ToUpper("abcdef0")}, "abcdef0"},
		{vars{"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}, ""},
		{vars{"GIT_COMMIT": "$(rm)", "CI_COMMIT_SHA": sha}, ""},
		{vars{"GITLAB_CI": "true", "GIT_COMMIT": "abcdef0", "CI_COMMIT_SHA": sha}, sha},
		{vars{"GIT_COMMIT": sha + "\n"}, ""},
		{vars{"GIT_COMMIT": "abcdef"}, ""},
	} {
		if got := running(c.env.get).commitOf(c.env.get); got != c.want {
			t.Errorf("%v: got %q, want %q", c.env, got, c.want)
		}
	}
}

func TestAuthorOfACI(t *testing.T) {
	for _, c := range []struct {
		env  vars
		want string
	}{
		{vars{"CHANGE_AUTHOR": "ann", "CHANGE_AUTHOR_DISPLAY_NAME": "Ann O'Nym"}, "Ann O'Nym"},
		{vars{"GITLAB_CI": "true", "CI_COMMIT_AUTHOR": "Ann O'Nym <ann@example.com>", "GITLAB_USER_NAME": "x"}, "Ann O'Nym"},
		{vars{"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "a\x1b[2Jb"}, "a [2Jb"},
		{vars{}, ""},
	} {
		if got := running(c.env.get).authorOf(c.env.get); got != c.want {
			t.Errorf("%v: got %q, want %q", c.env, got, c.want)
		}
	}
}

func TestBuildURL(t *testing.T) {
	for _, c := range []struct {
		name string
		env  vars
		want string
	}{
		{"Jenkins", vars{"BUILD_URL": "http://jenkins:8080/job/shop/job/feature%2Fx/1/"}, "http://jenkins:8080/job/shop/job/feature%2Fx/1/"},
		{"GitHub", vars{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "12"}, "https://github.example.com/a/b/actions/runs/12"},
		{"GitHub, half of it", vars{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "a/b"}, ""},
		{"GitLab", vars{"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.example.com/a/b/-/jobs/1"}, "https://gitlab.example.com/a/b/-/jobs/1"},
		{"Bitbucket", vars{"BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.org/a/b", "BITBUCKET_BUILD_NUMBER": "3"}, "https://bitbucket.org/a/b/pipelines/results/3"},
		{"Azure", vars{"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/a/", "SYSTEM_TEAMPROJECTID": "b", "BUILD_BUILDID": "4"}, "https://dev.azure.com/a/b/_build/results?buildId=4"},
		{"another CI's", vars{"CIRCLECI": "true", "BUILD_URL": "https://jenkins/1", "CIRCLE_BUILD_URL": "https://circleci.com/1"}, "https://circleci.com/1"},
		{"no scheme", vars{"BUILD_URL": "jenkins/1"}, ""},
		{"no host", vars{"BUILD_URL": "https:///1"}, ""},
		{"a program", vars{"BUILD_URL": "javascript:alert(1)"}, ""},
		{"a file", vars{"BUILD_URL": "file:///etc/passwd"}, ""},
		{"a password", vars{"BUILD_URL": "https://user:secret@jenkins/1"}, ""},
		{"a line break", vars{"BUILD_URL": "https://jenkins/1\n2"}, ""},
		{"markup", vars{"BUILD_URL": "https://jenkins/1|<!here>"}, ""},
		{"a long one", vars{"BUILD_URL": "https://jenkins/" + strings.Repeat("x", maxURL)}, ""},
	} {
		if got := running(c.env.get).buildURL(c.env.get); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
