package checkout

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"beansprout/pattern"
)

// claim is what a CI says of the commit that it builds.
type claim struct {
	ci       string
	ref      string   // a branch, with or without refs/heads/, or a tag with refs/tags/
	isChange bool     // of which ref is the branch
	remote   bool     // ref may begin with the name of a remote
	fork     string   // which the branch is in, "" for the repository itself
	unsure   bool     // it may be a fork's branch all the same
	unclear  string   // why it can't be told which branch of whom it is, "" when it can
	commits  []string // HEAD must be one of these; none fits any HEAD
	merged   []string // or a merge of one of these: of changes, CIs build the merge with the target
}

// tag returns the ref of a tag.
func tag(name string) string {
	if name == "" {
		return ""
	}
	return "refs/tags/" + name
}

// says reports whether the CI names a branch or a tag.
func (c claim) says() bool {
	branch, tag := c.name(nil)
	return branch != "" || tag != "" || c.unclear != ""
}

// name returns the branch, or the tag, that the ref is, given the names of the remotes. Both
// are "" for a detached HEAD, and for refs such as those of pull requests.
func (c claim) name(remotes []string) (branch, tag string) {
	ref := c.ref
	if rest, ok := strings.CutPrefix(ref, "refs/remotes/"); ok {
		_, ref, _ = strings.Cut(rest, "/")
	} else if c.remote {
		ref = withoutRemote(ref, append(remotes, "origin"))
	}
	if rest, ok := strings.CutPrefix(ref, "tags/"); ok && c.remote {
		ref = "refs/tags/" + rest
	}
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return "", tag
	}
	branch = strings.TrimPrefix(ref, "refs/heads/")
	if strings.HasPrefix(branch, "refs/") || branch == "HEAD" || c.remote && branch == "detached" || strings.TrimSpace(branch) == "" {
		return "", ""
	}
	return branch, ""
}

func withoutRemote(ref string, remotes []string) string {
	for _, remote := range remotes {
		if branch, ok := strings.CutPrefix(ref, remote+"/"); ok {
			return branch
		}
	}
	return ref
}

// feature returns the branch as a feature, or why there is none.
func (c claim) feature(remotes []string) (feature, problem string) {
	branch, tag := c.name(remotes)
	switch {
	case tag != "":
		return "", fmt.Sprintf("%s builds the tag %q, which is no branch", c.ci, tag)
	case c.unclear != "":
		return "", c.unclear
	case c.fork == "" || strings.HasPrefix(branch, c.fork+":"): // Buildkite can be told to write it so itself
		return branch, ""
	}
	return c.fork + ":" + branch, ""
}

// changeNumber matches what CIs call the branch of a change if they don't know its name.
var changeNumber = pattern.New(`^(?:(?:PR|MR)-[0-9]+|(?:pull|merge-requests)/[0-9]+(?:/.*)?)$`)

// built returns the branch that the claim names, given the names of the remotes.
func (c claim) built(remotes []string) built {
	branch, problem := c.feature(remotes)
	return built{
		branch: branch, problem: problem, isChange: c.isChange,
		fork: branch != "" && c.fork != "", pushed: branch != "" && !c.unsure && !changeNumber.MatchString(branch),
	}
}

// exact reports whether the claim speaks of the commit h.
func (c claim) exact(h head) bool {
	return len(c.commits) == 0 || slices.ContainsFunc(c.commits, func(commit string) bool { return strings.HasPrefix(h.commit, commit) })
}

// merge reports whether the claim speaks of a commit that one with these parents merges.
func (c claim) merge(parents []string) bool {
	return len(parents) > 1 && slices.ContainsFunc(parents, func(parent string) bool {
		return slices.ContainsFunc(c.merged, func(commit string) bool { return strings.HasPrefix(parent, commit) })
	})
}

// forkOf returns the owner of a fork, given the fork and the repository as URLs or as OWNER/NAME. It
// returns "" if both are the same, and the whole path of the fork if that has not exactly two parts.
func forkOf(fork, repository string) string {
	fork = pathOf(fork)
	if fork == "" || strings.EqualFold(fork, pathOf(repository)) {
		return ""
	}
	if owner, name, ok := strings.Cut(fork, "/"); ok && !strings.Contains(name, "/") {
		return owner
	}
	return fork
}

// pathOf returns the path of a repository's address.
func pathOf(address string) string {
	if m := scpForm.FindStringSubmatch(address); m != nil && !strings.Contains(address, "://") {
		address = m[2]
	} else if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Path
	}
	return strings.TrimSuffix(strings.Trim(address, "/"), ".git")
}

// unclearFork says that a change's branch is a fork's, without saying whose.
func unclearFork(ci, branch string) string {
	return fmt.Sprintf("%s builds the branch %q of a fork, and doesn't say whose", ci, branch)
}
