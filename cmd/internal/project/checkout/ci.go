package checkout

import (
	"cmp"
	"os"
	"strings"

	"beansprout/pattern"
)

// ci describes one CI: the variable that marks it and its other variables. These count only with
// the marker: their names are common words, and another CI, a user or a parent process may have set
// them.
type ci struct {
	name   string
	marker string // a variable that only this CI sets, perhaps with =VALUE
	commit string
	author []string
	link   string // the form of the address of the build's page
	built  func(variables) []claim
	change func(variables) Change // where what is built is discussed; nil where that is not known
}

// variables looks a variable of the environment up.
type variables func(string) string

// cis are the CIs that are known. What Jenkins sets is read without its marker, too, where no
// other CI names itself: JENKINS_URL is there only once an administrator has set it.
var cis = []ci{
	jenkins,
	{
		name: "GitHub Actions", marker: "GITHUB_ACTIONS", commit: "GITHUB_SHA", author: []string{"GITHUB_ACTOR"},
		link: "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID", built: builtByGitHub, change: changeOnGitHub,
	},
	{
		name: "GitLab", marker: "GITLAB_CI", commit: "CI_COMMIT_SHA", author: []string{"CI_COMMIT_AUTHOR", "GITLAB_USER_NAME"},
		link: "$CI_JOB_URL", built: builtByGitLab, change: changeOnGitLab,
	},
	{
		name: "Bitbucket", marker: "BITBUCKET_BUILD_NUMBER", commit: "BITBUCKET_COMMIT",
		link: "$BITBUCKET_GIT_HTTP_ORIGIN/pipelines/results/$BITBUCKET_BUILD_NUMBER", built: builtByBitbucket,
	},
	{
		name: "CircleCI", marker: "CIRCLECI", commit: "CIRCLE_SHA1", author: []string{"CIRCLE_USERNAME"},
		link: "$CIRCLE_BUILD_URL", built: builtByCircleCI,
	},
	{
		name: "Buildkite", marker: "BUILDKITE", commit: "BUILDKITE_COMMIT", author: []string{"BUILDKITE_BUILD_AUTHOR"},
		link: "$BUILDKITE_BUILD_URL", built: builtByBuildkite,
	},
	{
		name: "Azure Pipelines", marker: "TF_BUILD", commit: "BUILD_SOURCEVERSION", author: []string{"BUILD_REQUESTEDFOR"},
		link: "$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECTID/_build/results?buildId=$BUILD_BUILDID", built: builtByAzure,
	},
	{name: "Travis", marker: "TRAVIS", commit: "TRAVIS_COMMIT", link: "$TRAVIS_BUILD_WEB_URL", built: builtByTravis},
	{
		name: "Woodpecker", marker: "CI=woodpecker", commit: "CI_COMMIT_SHA", author: []string{"CI_COMMIT_AUTHOR"},
		link: "$CI_PIPELINE_URL", built: builtByWoodpecker,
	},
	{
		name: "Drone", marker: "DRONE", commit: "DRONE_COMMIT_SHA", author: []string{"DRONE_COMMIT_AUTHOR"},
		link: "$DRONE_BUILD_LINK", built: builtByDrone,
	},
	{
		name: "AppVeyor", marker: "APPVEYOR", commit: "APPVEYOR_REPO_COMMIT", author: []string{"APPVEYOR_REPO_COMMIT_AUTHOR"},
		link: "$APPVEYOR_URL/project/$APPVEYOR_ACCOUNT_NAME/$APPVEYOR_PROJECT_SLUG/builds/$APPVEYOR_BUILD_ID", built: builtByAppVeyor,
	},
	{
		name: "CodeBuild", marker: "CODEBUILD_BUILD_ID", commit: "CODEBUILD_RESOLVED_SOURCE_VERSION",
		link: "$CODEBUILD_BUILD_URL", built: builtByCodeBuild,
	},
}

var jenkins = ci{
	name: "Jenkins", marker: "JENKINS_URL", commit: "GIT_COMMIT", author: []string{"CHANGE_AUTHOR_DISPLAY_NAME", "CHANGE_AUTHOR"},
	link: "$BUILD_URL", built: builtByJenkins, change: changeOnJenkins,
}

// running returns the CI that this process runs under.
func running(env variables) ci {
	for _, c := range cis {
		name, want, exact := strings.Cut(c.marker, "=")
		value := env(name)
		if value != "" && !strings.EqualFold(value, "false") && (!exact || value == want) {
			return c
		}
	}
	return jenkins
}

// claims returns what the CI says it builds, the likeliest first.
func (c ci) claims(env variables) []claim {
	var all []claim
	for _, claim := range c.built(env) {
		if claim.ci = c.name; claim.says() {
			all = append(all, claim)
		}
	}
	return all
}

// author returns the author of the commit according to the CI.
func (c ci) authorOf(env variables) string {
	for _, name := range c.author {
		name, _, _ := strings.Cut(env(name), " <")
		if name = person(name); name != "" {
			return name
		}
	}
	return ""
}

// buildURL returns the address of the build's page, if the CI names one.
func (c ci) buildURL(env variables) string {
	full := true
	s := os.Expand(c.link, func(name string) string {
		value := env(name)
		full = full && value != ""
		return value
	})
	if !full || !isWeb(s) {
		return ""
	}
	return s
}

var abbreviated = pattern.New(`^[0-9a-f]{7,64}$`)

// commits returns the commits that variables name. Some CIs write a word there.
func (env variables) commits(names ...string) []string {
	var all []string
	for _, name := range names {
		if s := strings.ToLower(env(name)); abbreviated.MatchString(s) {
			all = append(all, s)
		}
	}
	return all
}

// commitOf returns the commit that the CI builds, or "" if it names none.
func (c ci) commitOf(env variables) string {
	return cmp.Or(append(env.commits(c.commit), "")...)
}

// isSet reports whether a CI answers yes in a variable.
func (env variables) isSet(name string) bool {
	value := env(name)
	return value != "" && !strings.EqualFold(value, "false")
}
