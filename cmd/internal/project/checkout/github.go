package checkout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxEvent bounds what is read of an event's description, in bytes: GitHub sends no larger one
// (https://docs.github.com/webhooks/webhook-events-and-payloads).
const maxEvent = 25 << 20

// event is what an event's description says of the change that it is about.
type event struct {
	Change struct {
		Number int `json:"number"`

		Head side `json:"head"`
		Base side `json:"base"`
	} `json:"pull_request"`
}

// side is one of the two branches of a change.
type side struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
	Repository struct { // nothing where a fork has been removed since
		Name  string `json:"full_name"`
		Owner struct {
			Login string `json:"login"`
		} `json:"owner"`
	} `json:"repo"`
}

// builtByGitHub: https://docs.github.com/actions/reference/workflows-and-actions/variables. For
// most events GITHUB_REF and GITHUB_SHA are the default branch's, whatever the workflow checks
// out; for pull_request they are those of the merge of the change with its target.
func builtByGitHub(env variables) []claim {
	commit := env.commits("GITHUB_SHA")
	branch := claim{ref: env("GITHUB_REF"), commits: commit}
	about, err := readEvent(env("GITHUB_EVENT_PATH"))
	change := claim{ref: about.Change.Head.Ref, isChange: true}
	if change.ref == "" {
		change.ref = env("GITHUB_HEAD_REF")
	}
	if sha := strings.ToLower(about.Change.Head.SHA); abbreviated.MatchString(sha) {
		change.commits, change.merged = []string{sha}, []string{sha}
	}
	if !strings.HasPrefix(branch.ref, "refs/heads/") {
		change.commits = append(change.commits, commit...)
	} else if len(change.commits) == 0 {
		return []claim{branch}
	}
	change.unsure = about.Change.Head.Ref == ""
	change.fork, change.unclear = forkOnGitHub(env, about, err)
	return []claim{change, branch}
}

// forkOnGitHub returns the owner of the fork that the change's branch is in, "" where it is in
// the repository itself, or why that can't be told. Without an event the branch is believed to
// be the repository's, unless it is called like its target.
func forkOnGitHub(env variables, about event, err error) (owner, unclear string) {
	head, name := about.Change.Head, env("GITHUB_HEAD_REF")
	own := env("GITHUB_REPOSITORY")
	if own == "" {
		own = about.Change.Base.Repository.Name
	}
	switch {
	case err != nil && name != "":
		return "", fmt.Sprintf("GitHub Actions builds the branch %q, and whose it is can't be read: %v", name, err)
	case head.Ref == "" && name != "" && name == env("GITHUB_BASE_REF"):
		return "", unclearFork("GitHub Actions", name)
	case head.Ref == "", own != "" && strings.EqualFold(head.Repository.Name, own):
		return "", ""
	}
	owner, _, _ = strings.Cut(head.Repository.Name, "/")
	if owner = cmp.Or(head.Repository.Owner.Login, owner, head.User.Login); owner == "" {
		return "", unclearFork("GitHub Actions", head.Ref)
	}
	return owner, ""
}

// readEvent reads what GitHub has written of the event that started the build. Much of it is
// what strangers wrote.
func readEvent(path string) (about event, err error) {
	if path == "" {
		return about, nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return about, err
	}
	defer file.Close()
	switch info, err := file.Stat(); {
	case err != nil:
		return about, err
	case !info.Mode().IsRegular():
		return about, fmt.Errorf("%s is no regular file", path)
	case info.Size() > maxEvent:
		return about, fmt.Errorf("%s has %d bytes, the limit is %d", path, info.Size(), maxEvent)
	}
	if err := json.NewDecoder(io.LimitReader(file, maxEvent)).Decode(&about); err != nil {
		return event{}, fmt.Errorf("read %s: %w", path, err)
	}
	return about, nil
}
