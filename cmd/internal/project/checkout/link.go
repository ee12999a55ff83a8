package checkout

import (
	"net/url"
	"slices"
	"strings"

	"beansprout/pattern"
)

// maxURL is the longest accepted URL in bytes.
const maxURL = 2048

// isWeb reports whether s is the URL of a web page and contains no user or password.
func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		len(s) <= maxURL && !strings.ContainsAny(s, " <>|\"'`\\")
}

var scpForm = pattern.New(`^(?:[^@/:]+@)?([A-Za-z0-9.-]+):([^:]+)$`)

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
