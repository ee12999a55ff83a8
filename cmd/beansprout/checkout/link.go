package checkout

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// maxURL is the longest URL in bytes that is worth handing on.
const maxURL = 2048

// buildURL returns the address of the build's page, if a CI names one.
func buildURL(getenv func(string) string) string {
	for _, form := range []string{
		"$BUILD_URL", // Jenkins
		"$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID",
		"$CI_JOB_URL", // GitLab
		"$BITBUCKET_GIT_HTTP_ORIGIN/pipelines/results/$BITBUCKET_BUILD_NUMBER",
		"$CIRCLE_BUILD_URL",
		"$BUILDKITE_BUILD_URL",
		"$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECTID/_build/results?buildId=$BUILD_BUILDID", // Azure
		"$TRAVIS_BUILD_WEB_URL",
		"$DRONE_BUILD_LINK",
		"$CODEBUILD_BUILD_URL",
	} {
		if s, ok := expand(form, getenv); ok && isWeb(s) {
			return s
		}
	}
	return ""
}

// expand fills in the variables of a form; false when one of them is empty.
func expand(form string, getenv func(string) string) (string, bool) {
	full := true
	s := os.Expand(form, func(name string) string {
		value := getenv(name)
		full = full && value != ""
		return value
	})
	return s, full
}

// isWeb says whether s is the address of a web page, without a password in it.
func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		len(s) <= maxURL && !strings.ContainsAny(s, " <>|\"'`\\")
}

var scpForm = regexp.MustCompile(`^(?:[^@/:]+@)?([A-Za-z0-9.-]+):([^:]+)$`)

// source returns where a remote is, for others to read: without users, passwords and tokens,
// and "" for a directory of this machine.
func source(remote string) string {
	if m := scpForm.FindStringSubmatch(remote); m != nil && !strings.Contains(remote, "://") { // git@host:path
		remote = "ssh://" + m[1] + "/" + strings.TrimPrefix(m[2], "/")
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ssh", "git"}, u.Scheme) {
		return ""
	}
	s := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if len(s) > maxURL {
		return ""
	}
	return s
}
