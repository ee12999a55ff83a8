package service

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/cmd/internal/secrets"
	"beansprout/notify/pullrequest"
)

// variables are set in this process until the test ends.
func connectorWith(t *testing.T, env map[string]string, c checkout.Change) *Connector {
	t.Helper()
	for _, name := range append(slices.Clone(secrets.Variables), "GITHUB_TOKEN", "GITHUB_ACTIONS") {
		t.Setenv(name, env[name])
	}
	return &Connector{Secrets: secrets.Take(), Getenv: func(name string) string { return env[name] }, Change: c}
}

func TestWhatTellsWhereAChangeIsDiscussed(t *testing.T) {
	const hub, lab, work = "BEANSPROUT_GITHUB_TOKEN", "BEANSPROUT_GITLAB_TOKEN", "GITHUB_TOKEN"
	actions := func(more ...string) map[string]string {
		env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://api.github.com"}
		for _, name := range more {
			env[name] = "a-secret-token"
		}
		return env
	}
	onGitHub := checkout.Change{Service: checkout.GitHub, API: "https://api.github.com", Project: "acme/shop", Number: 12}
	fork, branch := onGitHub, onGitHub
	fork.Fork = true
	branch.Number, branch.Branch = 0, "login"
	onGitLab := checkout.Change{Service: checkout.GitLab, API: "https://gitlab.com/api/v4", Project: "7", Number: 3}
	enterprise := onGitHub
	enterprise.API = "https://git.acme.com/api/v3"
	both := []string{pullrequest.GitHub, pullrequest.GitHubDeployments}
	for name, c := range map[string]struct {
		env    map[string]string
		change checkout.Change
		off    string
		want   []string
		note   string
	}{
		"nothing":                          {env: map[string]string{}},
		"a workflow":                       {env: actions(work), change: onGitHub, want: both},
		"no comment":                       {env: actions(work), change: onGitHub, off: "comment", want: both[1:]},
		"no deployments":                   {env: actions(work), change: onGitHub, off: "deployments", want: both[:1]},
		"neither":                          {env: actions(), change: onGitHub, off: "comment deployments"},
		"a workflow's removal":             {env: actions(work), want: both},
		"a workflow without its token":     {env: actions(), change: onGitHub, note: "no comment in pull request 12: GITHUB_TOKEN is not set; a step has it by GITHUB_TOKEN: ${{ github.token }}"},
		"a branch without a token":         {env: actions(), change: branch},
		"a workflow with a token of ours":  {env: actions(work, hub), change: fork, want: both},
		"a fork":                           {env: actions(work), change: fork, note: "no comment in pull request 12: the workflow of a fork has no token that may write"},
		"a fork without a token":           {env: actions(), change: fork, note: "no comment in pull request 12: the workflow of a fork has no token that may write"},
		"a developer's own token":          {env: map[string]string{work: "a-secret-token"}, change: onGitHub, note: "no comment in pull request 12: BEANSPROUT_GITHUB_TOKEN is not set"},
		"a janitor":                        {env: map[string]string{hub: "a-secret-token", lab: "another-token"}, want: []string{pullrequest.GitHub, pullrequest.GitHubDeployments, pullrequest.GitLab}},
		"GitLab":                           {env: map[string]string{lab: "a-secret-token"}, change: onGitLab, want: []string{pullrequest.GitLab}},
		"GitLab without a token":           {env: map[string]string{}, change: onGitLab, note: "no comment in merge request 3: BEANSPROUT_GITLAB_TOKEN is not set"},
		"GitHub Enterprise, not named":     {env: map[string]string{hub: "a-secret-token"}, change: enterprise, want: both, note: "nothing is told to GitHub: the change is at https://git.acme.com/api/v3, and the token is for https://api.github.com; BEANSPROUT_GITHUB_API_URL names another API"},
		"GitHub Enterprise":                {env: map[string]string{hub: "a-secret-token", "BEANSPROUT_GITHUB_API_URL": "https://git.acme.com/api/v3/"}, change: enterprise, want: both},
		"an API that is none":              {env: map[string]string{hub: "a-secret-token", "BEANSPROUT_GITHUB_API_URL": "git.acme.com"}, note: `nothing is told to GitHub: "git.acme.com" is no URL of an API`},
		"the token of a workflow is bound": {env: map[string]string{"GITHUB_ACTIONS": "true", work: "a-secret-token", "BEANSPROUT_GITHUB_API_URL": "https://evil.example"}, change: onGitHub, want: both},
	} {
		connector := connectorWith(t, c.env, c.change)
		p := project.OfApplication("shop", t.TempDir(), connector.Secrets.LookupEnv)
		p.Config.PullRequest.Comment = !strings.Contains(c.off, "comment")
		p.Config.PullRequest.Deployments = !strings.Contains(c.off, "deployments")
		got := connector.displays(p)
		if names := slices.Sorted(maps.Keys(got.all)); !slices.Equal(names, c.want) {
			t.Errorf("%s: %q, want %q", name, names, c.want)
		}
		if notes := strings.Join(got.notes, "\n"); c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
			t.Errorf("%s: %q, want %q", name, notes, c.note)
		}
		connector.Local = true
		if local := connector.displays(p); len(local.all)+len(local.notes) != 0 {
			t.Errorf("%s: a local cloud is told of: %+v", name, local)
		}
	}
}
