package checkout

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// variable is one in which a CI says something.
type variable struct {
	name   string
	prefix string // that the value must have, and is taken off
	unless string // a variable that takes the meaning from this one
}

var branches = []variable{
	{name: "CHANGE_BRANCH"}, // Jenkins: the source of a pull request
	{name: "BRANCH_NAME"},
	{name: "GITHUB_HEAD_REF"}, // GitHub: the source of a pull request
	{name: "GITHUB_REF", prefix: "refs/heads/"},
	{name: "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"}, // GitLab
	{name: "CI_COMMIT_BRANCH"},
	{name: "BITBUCKET_BRANCH"},
	{name: "CIRCLE_BRANCH"},
	{name: "BUILDKITE_BRANCH", unless: "BUILDKITE_TAG"},
	{name: "SYSTEM_PULLREQUEST_SOURCEBRANCH", prefix: "refs/heads/"}, // Azure
	{name: "BUILD_SOURCEBRANCH", prefix: "refs/heads/"},
	{name: "TRAVIS_PULL_REQUEST_BRANCH"},
	{name: "TRAVIS_BRANCH", unless: "TRAVIS_TAG"},
	{name: "DRONE_SOURCE_BRANCH"},
	{name: "DRONE_BRANCH", unless: "DRONE_TAG"},
	{name: "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH"},
	{name: "APPVEYOR_REPO_BRANCH", unless: "APPVEYOR_REPO_TAG_NAME"},
	{name: "CODEBUILD_WEBHOOK_HEAD_REF", prefix: "refs/heads/"},
	// Jenkins' git plugin, outside multibranch jobs.
	{name: "GIT_LOCAL_BRANCH"},
	{name: "GIT_BRANCH", prefix: "refs/heads/"},
	{name: "GIT_BRANCH", prefix: "refs/remotes/origin/"},
	{name: "GIT_BRANCH", prefix: "origin/"},
	{name: "GIT_BRANCH"},
}

var commits = []string{
	"GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "CIRCLE_SHA1", "BUILDKITE_COMMIT", "BUILD_SOURCEVERSION",
	"TRAVIS_COMMIT", "DRONE_COMMIT_SHA", "APPVEYOR_REPO_COMMIT", "CODEBUILD_RESOLVED_SOURCE_VERSION",
}

var authors = []string{
	"CHANGE_AUTHOR_DISPLAY_NAME", "CHANGE_AUTHOR", "CI_COMMIT_AUTHOR", "GITHUB_ACTOR", "GITLAB_USER_NAME", "CIRCLE_USERNAME",
	"BUILDKITE_BUILD_AUTHOR", "BUILD_REQUESTEDFOR", "DRONE_COMMIT_AUTHOR", "APPVEYOR_REPO_COMMIT_AUTHOR",
}

func branch(getenv func(string) string) string {
	for _, v := range branches {
		s, ok := strings.CutPrefix(getenv(v.name), v.prefix)
		if ok && s != "" && s != "detached" && (v.unless == "" || getenv(v.unless) == "") {
			return s
		}
	}
	return ""
}

var abbreviated = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

func commit(getenv func(string) string) string {
	for _, name := range commits {
		if s := strings.ToLower(getenv(name)); abbreviated.MatchString(s) {
			return s
		}
	}
	return ""
}

func author(getenv func(string) string) string {
	i := slices.IndexFunc(authors, func(name string) bool { return getenv(name) != "" })
	if i < 0 {
		return ""
	}
	name, _, _ := strings.Cut(getenv(authors[i]), " <")
	return person(name)
}

// person makes one readable line of a name.
func person(s string) string {
	const most = 100
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}
