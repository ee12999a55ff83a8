package checkout

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The services on which changes are discussed.
const (
	GitHub = "GitHub"
	GitLab = "GitLab"
)

// Change is where what is built is discussed: a pull request of GitHub or a merge request of GitLab. The
// zero Change is nowhere that is known.
type Change struct {
	Service string // GitHub or GitLab
	API     string // its URL according to the CI, without a slash at the end
	Project string // OWNER/NAME on GitHub; on GitLab a number, or the path
	Number  int    // 0 where only the branch is known, which may have one
	Branch  string // of Project, whose open change it may be; "" for that of a fork
	Commit  string // the last one of the change, where the CI tells; HEAD may be a merge of it
	Fork    bool   // the CI gives the builds of forks no token that may write
}

// number returns the number of a change that a text is, or 0.
func number(text string) int {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// pathOK reports whether a text is the path of a project: names with a slash between each two.
func pathOK(text string) bool {
	names := strings.Split(text, "/")
	return len(names) > 1 && !slices.ContainsFunc(names, func(name string) bool {
		return strings.Trim(name, ".") == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != ""
	})
}

// ownerName reports whether a text is a repository of GitHub.
func ownerName(text string) bool { return pathOK(text) && strings.Count(text, "/") == 1 }

// changeOnGitHub returns the change whose event started the workflow, or else the repository.
func changeOnGitHub(env variables) Change {
	c := Change{Service: GitHub, API: strings.TrimRight(env("GITHUB_API_URL"), "/"), Project: env("GITHUB_REPOSITORY")}
	if !ownerName(c.Project) {
		return Change{}
	}
	about, _ := readEvent(env("GITHUB_EVENT_PATH"))
	if base := about.Change.Base.Repository.Name; base == "" || strings.EqualFold(base, c.Project) {
		c.Number, c.Commit = max(about.Change.Number, 0), strings.ToLower(about.Change.Head.SHA)
	}
	if rest, ok := strings.CutPrefix(env("GITHUB_REF"), "refs/pull/"); ok && c.Number == 0 {
		n, _, _ := strings.Cut(rest, "/")
		c.Number = number(n)
	}
	return c
}

// changeOnGitLab returns the change whose pipeline runs, or else the project.
func changeOnGitLab(env variables) Change {
	c := Change{Service: GitLab, API: strings.TrimRight(env("CI_API_V4_URL"), "/"), Project: env("CI_PROJECT_ID")}
	if c.Number = number(env("CI_MERGE_REQUEST_IID")); c.Number > 0 && env("CI_MERGE_REQUEST_PROJECT_ID") != "" {
		c.Project = env("CI_MERGE_REQUEST_PROJECT_ID")
	}
	if number(c.Project) == 0 && !pathOK(c.Project) {
		return Change{}
	}
	return c
}

// changeOnJenkins returns the change that a multibranch job builds, by the address of its page.
func changeOnJenkins(env variables) Change {
	page, err := url.Parse(env("CHANGE_URL"))
	if err != nil || env("CHANGE_ID") == "" || page.Host == "" || page.User != nil || page.Scheme != "https" && page.Scheme != "http" {
		return Change{}
	}
	site, path := page.Scheme+"://"+page.Host, strings.Trim(page.Path, "/")
	if project, n, ok := strings.Cut(path, "/pull/"); ok && ownerName(project) && number(n) > 0 {
		return Change{Service: GitHub, API: apiOf(site), Project: project, Number: number(n)}
	}
	project, n, _ := strings.Cut(path, "/merge_requests/")
	if project = strings.TrimSuffix(project, "/-"); pathOK(project) && number(n) > 0 {
		return Change{Service: GitLab, API: site + "/api/v4", Project: project, Number: number(n)}
	}
	return Change{}
}

// apiOf returns the API of a site of GitHub.
func apiOf(site string) string {
	if strings.EqualFold(site, "https://github.com") {
		return "https://api.github.com"
	}
	return site + "/api/v3"
}

// changeOf returns the change that the CI builds. Where something else is checked out than the CI's
// change, only the branch may tell of one.
func (ci ci) changeOf(env variables, b built) Change {
	if ci.change == nil {
		return Change{}
	}
	found := ci.change(env)
	if found.Service == "" {
		return found
	}
	if !b.isChange {
		found.Number, found.Commit = 0, ""
	}
	if !abbreviated.MatchString(found.Commit) {
		found.Commit = ""
	}
	if !b.fork {
		found.Branch = b.branch
	}
	found.Fork = b.fork && env("GITHUB_EVENT_NAME") != "pull_request_target"
	if found.Number == 0 && found.Branch == "" {
		return Change{}
	}
	return found
}
