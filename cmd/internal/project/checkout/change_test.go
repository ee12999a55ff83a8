package checkout

import (
	"os"
	"path/filepath"
	"testing"

	"beansprout/test/must"
)

// event writes an event's description and returns its path.
func written(t *testing.T, event string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	must.Succeed(t, os.WriteFile(path, []byte(event), 0o600))
	return path
}

const headCommit = "0123456789abcdef0123456789abcdef01234567"

func TestTheCITellsWhichChangeItBuilds(t *testing.T) {
	pull := written(t, `{"pull_request": {"number": 12, "head": {"ref": "x", "sha": "`+headCommit+`", "repo": {"full_name": "acme/shop"}}, "base": {"repo": {"full_name": "Acme/Shop"}}}}`)
	fork := written(t, `{"pull_request": {"number": 12, "head": {"ref": "x", "sha": "`+headCommit+`", "repo": {"full_name": "kim/shop", "owner": {"login": "kim"}}}, "base": {"repo": {"full_name": "acme/shop"}}}}`)
	elsewhere := written(t, `{"pull_request": {"number": 12, "head": {"ref": "x", "repo": {"full_name": "acme/shop"}}, "base": {"repo": {"full_name": "acme/other"}}}}`)
	onGitHub := func(more vars) vars {
		env := vars{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": "https://api.github.com", "GITHUB_EVENT_NAME": "pull_request"}
		for name, value := range more {
			env[name] = value
		}
		return env
	}
	gitHub := func(number int, branch, commit string, fork bool) Change {
		return Change{Service: GitHub, API: "https://api.github.com", Project: "acme/shop", Number: number, Branch: branch, Commit: commit, Fork: fork}
	}
	for name, c := range map[string]struct {
		env  vars
		want Change
	}{
		"nothing":                            {vars{}, Change{}},
		"GitHub, event":                      {onGitHub(vars{"GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "x", "GITHUB_EVENT_PATH": pull}), gitHub(12, "x", headCommit, false)},
		"GitHub, the ref alone":              {onGitHub(vars{"GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "x"}), gitHub(12, "x", "", false)},
		"GitHub, fork":                       {onGitHub(vars{"GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "x", "GITHUB_EVENT_PATH": fork}), gitHub(12, "", headCommit, true)},
		"GitHub, fork with the target's":     {onGitHub(vars{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_PATH": fork}), gitHub(12, "", headCommit, false)},
		"GitHub, another repository's":       {onGitHub(vars{"GITHUB_HEAD_REF": "x", "GITHUB_EVENT_PATH": elsewhere}), gitHub(0, "x", "", false)},
		"GitHub, branch":                     {onGitHub(vars{"GITHUB_REF": "refs/heads/x"}), gitHub(0, "x", "", false)},
		"GitHub, tag":                        {onGitHub(vars{"GITHUB_REF": "refs/tags/v1"}), Change{}},
		"GitHub, no repository":              {vars{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "../..", "GITHUB_REF": "refs/heads/x"}, Change{}},
		"GitHub, hostile repository":         {vars{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop/issues", "GITHUB_REF": "refs/heads/x"}, Change{}},
		"GitHub's variables elsewhere":       {vars{"GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/pull/12/merge"}, Change{}},
		"GitLab, merge request":              {vars{"GITLAB_CI": "true", "CI_API_V4_URL": "https://lab/api/v4/", "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "x"}, Change{Service: GitLab, API: "https://lab/api/v4", Project: "7", Number: 3, Branch: "x"}},
		"GitLab, built in the fork":          {vars{"GITLAB_CI": "true", "CI_PROJECT_ID": "8", "CI_MERGE_REQUEST_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "x", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "kim/shop", "CI_PROJECT_PATH": "kim/shop", "CI_MERGE_REQUEST_PROJECT_PATH": "acme/shop"}, Change{Service: GitLab, Project: "7", Number: 3, Fork: true}},
		"GitLab, branch":                     {vars{"GITLAB_CI": "true", "CI_PROJECT_ID": "7", "CI_COMMIT_BRANCH": "x"}, Change{Service: GitLab, Project: "7", Branch: "x"}},
		"GitLab, no project":                 {vars{"GITLAB_CI": "true", "CI_PROJECT_ID": "7/../8", "CI_COMMIT_BRANCH": "x"}, Change{}},
		"Jenkins, GitHub":                    {vars{"CHANGE_ID": "12", "CHANGE_BRANCH": "x", "CHANGE_URL": "https://github.com/acme/shop/pull/12"}, gitHub(12, "x", "", false)},
		"Jenkins, GitHub Enterprise":         {vars{"CHANGE_ID": "12", "CHANGE_BRANCH": "x", "CHANGE_URL": "https://git.acme.com/acme/shop/pull/12"}, Change{Service: GitHub, API: "https://git.acme.com/api/v3", Project: "acme/shop", Number: 12, Branch: "x"}},
		"Jenkins, GitLab":                    {vars{"CHANGE_ID": "3", "CHANGE_BRANCH": "x", "CHANGE_URL": "https://lab/acme/web/shop/-/merge_requests/3"}, Change{Service: GitLab, API: "https://lab/api/v4", Project: "acme/web/shop", Number: 3, Branch: "x"}},
		"Jenkins, another service":           {vars{"CHANGE_ID": "3", "CHANGE_BRANCH": "x", "CHANGE_URL": "https://bitbucket.org/acme/shop/pull-requests/3"}, Change{}},
		"Jenkins, credentials in the URL":    {vars{"CHANGE_ID": "3", "CHANGE_BRANCH": "x", "CHANGE_URL": "https://kim:pw@github.com/acme/shop/pull/12"}, Change{}},
		"Jenkins, a file":                    {vars{"CHANGE_ID": "3", "CHANGE_BRANCH": "x", "CHANGE_URL": "file://github.com/acme/shop/pull/12"}, Change{}},
		"Jenkins, branch":                    {vars{"BRANCH_NAME": "x"}, Change{}},
		"a CI whose changes are not known":   {vars{"CIRCLECI": "true", "CIRCLE_BRANCH": "x"}, Change{}},
		"GitHub, a number that is no number": {onGitHub(vars{"GITHUB_REF": "refs/pull/99999999999999999999/merge", "GITHUB_HEAD_REF": "x"}), gitHub(0, "x", "", false)},
	} {
		if got := read(t, t.TempDir(), c.env.get).Change; got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// What a step has checked out besides what the CI builds is not the change's.
func TestAnotherCommitIsNotTheChange(t *testing.T) {
	root := repository(t)
	built := run(t, root, "rev-parse", "HEAD")
	env := vars{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": built, "GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "x",
		"GITHUB_EVENT_PATH": written(t, `{"pull_request": {"number": 12, "head": {"ref": "x", "sha": "`+built+`", "repo": {"full_name": "acme/shop"}}}}`),
	}
	if got := read(t, root, env.get).Change; got.Number != 12 || got.Branch != "x" || got.Commit != built {
		t.Errorf("its commit: %+v", got)
	}
	record(t, root, "Kim")
	if got := read(t, root, env.get).Change; got.Number != 0 || got.Branch != "main" || got.Commit != "" {
		t.Errorf("another commit: %+v", got)
	}
}
