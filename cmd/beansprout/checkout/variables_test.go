package checkout

import (
	"strings"
	"testing"
)

type variables map[string]string

func (v variables) get(name string) string { return v[name] }

func TestBranchOfEachCI(t *testing.T) {
	for _, c := range []struct {
		name string
		env  variables
		want string
	}{
		{"nothing", variables{}, ""},
		{"Jenkins, pull request", variables{"CHANGE_BRANCH": "feature/x", "BRANCH_NAME": "PR-1", "GIT_BRANCH": "PR-1"}, "feature/x"},
		{"Jenkins, branch", variables{"BRANCH_NAME": "feature/x", "GIT_BRANCH": "origin/other"}, "feature/x"},
		{"Jenkins, one that is called origin", variables{"BRANCH_NAME": "origin/x"}, "origin/x"},
		{"Jenkins' git plugin", variables{"GIT_BRANCH": "origin/feature/x"}, "feature/x"},
		{"Jenkins' git plugin, full name", variables{"GIT_BRANCH": "refs/remotes/origin/feature/x"}, "feature/x"},
		{"Jenkins' git plugin, local", variables{"GIT_LOCAL_BRANCH": "x", "GIT_BRANCH": "origin/y"}, "x"},
		{"Jenkins' git plugin, without remote", variables{"GIT_BRANCH": "feature/x"}, "feature/x"},
		{"Jenkins' git plugin, detached", variables{"GIT_BRANCH": "detached"}, ""},
		{"GitHub, pull request", variables{"GITHUB_HEAD_REF": "feature/x", "GITHUB_REF": "refs/pull/1/merge", "GITHUB_REF_NAME": "1/merge"}, "feature/x"},
		{"GitHub, branch", variables{"GITHUB_REF": "refs/heads/feature/x", "GITHUB_REF_TYPE": "branch"}, "feature/x"},
		{"GitHub, tag", variables{"GITHUB_REF": "refs/tags/v1", "GITHUB_REF_NAME": "v1"}, ""},
		{"GitLab, merge request", variables{"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x"}, "feature/x"},
		{"GitLab, branch", variables{"CI_COMMIT_BRANCH": "feature/x"}, "feature/x"},
		{"Bitbucket", variables{"BITBUCKET_BRANCH": "feature/x"}, "feature/x"},
		{"CircleCI", variables{"CIRCLE_BRANCH": "feature/x"}, "feature/x"},
		{"Buildkite", variables{"BUILDKITE_BRANCH": "feature/x"}, "feature/x"},
		{"Buildkite, tag", variables{"BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"}, ""},
		{"Azure, pull request", variables{"SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x", "BUILD_SOURCEBRANCH": "refs/pull/1/merge"}, "feature/x"},
		{"Azure, branch", variables{"BUILD_SOURCEBRANCH": "refs/heads/feature/x"}, "feature/x"},
		{"Travis, pull request", variables{"TRAVIS_PULL_REQUEST_BRANCH": "feature/x", "TRAVIS_BRANCH": "main"}, "feature/x"},
		{"Travis, tag", variables{"TRAVIS_BRANCH": "v1", "TRAVIS_TAG": "v1"}, ""},
		{"Drone, pull request", variables{"DRONE_SOURCE_BRANCH": "feature/x", "DRONE_BRANCH": "main"}, "feature/x"},
		{"AppVeyor", variables{"APPVEYOR_REPO_BRANCH": "feature/x"}, "feature/x"},
		{"CodeBuild", variables{"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feature/x"}, "feature/x"},
		{"only the prefix", variables{"GITHUB_REF": "refs/heads/"}, ""},
	} {
		if got := branch(c.env.get); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCommitOfACI(t *testing.T) {
	sha := strings.Repeat("0123456789", 4)
	for _, c := range []struct {
		env  variables
		want string
	}{
		{variables{"GIT_COMMIT": sha}, sha},
		{variables{"GITHUB_SHA": strings.ToUpper("abcdef0")}, "abcdef0"},
		{variables{"BUILDKITE_COMMIT": "HEAD"}, ""},
		{variables{"GIT_COMMIT": "$(rm)", "CI_COMMIT_SHA": sha}, sha},
		{variables{"GIT_COMMIT": sha + "\n"}, ""},
		{variables{"GIT_COMMIT": "abcdef"}, ""},
	} {
		if got := commit(c.env.get); got != c.want {
			t.Errorf("%v: got %q, want %q", c.env, got, c.want)
		}
	}
}

func TestAuthorOfACI(t *testing.T) {
	for _, c := range []struct {
		env  variables
		want string
	}{
		{variables{"CHANGE_AUTHOR": "ann", "CHANGE_AUTHOR_DISPLAY_NAME": "Ann O'Nym"}, "Ann O'Nym"},
		{variables{"CI_COMMIT_AUTHOR": "Ann O'Nym <ann@example.com>", "GITLAB_USER_NAME": "x"}, "Ann O'Nym"},
		{variables{"GITHUB_ACTOR": "a\x1b[2Jb"}, "a [2Jb"},
		{variables{}, ""},
	} {
		if got := author(c.env.get); got != c.want {
			t.Errorf("%v: got %q, want %q", c.env, got, c.want)
		}
	}
}

func TestBuildURL(t *testing.T) {
	for _, c := range []struct {
		name string
		env  variables
		want string
	}{
		{"Jenkins", variables{"BUILD_URL": "http://jenkins:8080/job/shop/job/feature%2Fx/1/"}, "http://jenkins:8080/job/shop/job/feature%2Fx/1/"},
		{"GitHub", variables{"GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "12"}, "https://github.example.com/a/b/actions/runs/12"},
		{"GitHub, half of it", variables{"GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "a/b"}, ""},
		{"GitLab", variables{"CI_JOB_URL": "https://gitlab.example.com/a/b/-/jobs/1"}, "https://gitlab.example.com/a/b/-/jobs/1"},
		{"Bitbucket", variables{"BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.org/a/b", "BITBUCKET_BUILD_NUMBER": "3"}, "https://bitbucket.org/a/b/pipelines/results/3"},
		{"Azure", variables{"SYSTEM_COLLECTIONURI": "https://dev.azure.com/a/", "SYSTEM_TEAMPROJECTID": "b", "BUILD_BUILDID": "4"}, "https://dev.azure.com/a/b/_build/results?buildId=4"},
		{"the next one that will do", variables{"BUILD_URL": "x", "CIRCLE_BUILD_URL": "https://circleci.com/1"}, "https://circleci.com/1"},
		{"no scheme", variables{"BUILD_URL": "jenkins/1"}, ""},
		{"no host", variables{"BUILD_URL": "https:///1"}, ""},
		{"a program", variables{"BUILD_URL": "javascript:alert(1)"}, ""},
		{"a file", variables{"BUILD_URL": "file:///etc/passwd"}, ""},
		{"a password", variables{"BUILD_URL": "https://user:secret@jenkins/1"}, ""},
		{"a line break", variables{"BUILD_URL": "https://jenkins/1\n2"}, ""},
		{"markup", variables{"BUILD_URL": "https://jenkins/1|<!here>"}, ""},
		{"a long one", variables{"BUILD_URL": "https://jenkins/" + strings.Repeat("x", maxURL)}, ""},
	} {
		if got := buildURL(c.env.get); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
