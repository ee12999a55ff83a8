package service

import (
	"fmt"
	"net/http"
	"strings"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/envs"
	"beansprout/notify/pullrequest"
)

// The variables with the tokens for comments, and with the APIs where they are not the public ones.
const (
	gitHubToken, gitHubAPI = "BEANSPROUT_GITHUB_TOKEN", "BEANSPROUT_GITHUB_API_URL"
	gitLabToken, gitLabAPI = "BEANSPROUT_GITLAB_TOKEN", "BEANSPROUT_GITLAB_API_URL"
	workflowToken          = "GITHUB_TOKEN"
)

// displays are the announcers that tell about environments where changes are discussed, by their names, and
// sentences about what is not told.
type displays struct {
	all   map[string]envs.Announcer
	notes []string
}

func (d *displays) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// displays returns those of a project. None is for a local cloud, whose URLs lead nowhere elsewhere.
func (c *Connector) displays(p *project.Project) displays {
	d, told := displays{all: map[string]envs.Announcer{}}, p.Config.PullRequest
	if c.Local || !told.Comment && !told.Deployments {
		return d
	}
	gitHub, gitLab := c.gitHub(), c.gitLab()
	if told.Comment {
		d.missing(c.Change, gitHub, gitLab, c.isWorkflow())
	}
	forked := c.Change.Fork && gitHub.Variable == workflowToken
	if gitHub.Token != "" && !forked {
		change := d.change(c.Change, checkout.GitHub, gitHub.API, gitHubAPI)
		if told.Comment {
			made, err := pullrequest.NewGitHub(gitHub, change, commandHints)
			d.add(pullrequest.GitHub, made, err)
		}
		if told.Deployments {
			made, err := pullrequest.NewDeployments(gitHub, change)
			d.add(pullrequest.GitHubDeployments, made, err)
		}
	}
	if gitLab.Token != "" && told.Comment {
		made, err := pullrequest.NewGitLab(gitLab, d.change(c.Change, checkout.GitLab, gitLab.API, gitLabAPI), commandHints)
		d.add(pullrequest.GitLab, made, err)
	}
	return d
}

func (d *displays) add(name string, a envs.Announcer, err error) {
	if err != nil {
		d.note("nothing is told to %s: %v", name, err)
		return
	}
	d.all[name] = a
}

// missing says why a change gets no comment.
func (d *displays) missing(c checkout.Change, gitHub, gitLab pullrequest.Account, workflow bool) {
	switch {
	case c.Number == 0:
	case c.Service == checkout.GitHub && c.Fork && (gitHub.Token == "" && workflow || gitHub.Variable == workflowToken):
		d.note("no comment in pull request %d: the workflow of a fork has no token that may write", c.Number)
	case c.Service == checkout.GitHub && gitHub.Token == "" && workflow:
		d.note("no comment in pull request %d: %s is not set; a step has it by GITHUB_TOKEN: ${{ github.token }}", c.Number, workflowToken)
	case c.Service == checkout.GitHub && gitHub.Token == "":
		d.note("no comment in pull request %d: %s is not set", c.Number, gitHubToken)
	case c.Service == checkout.GitLab && gitLab.Token == "" && c.Fork:
		d.note("no comment in merge request %d: the pipeline of a fork has no %s", c.Number, gitLabToken)
	case c.Service == checkout.GitLab && gitLab.Token == "":
		d.note("no comment in merge request %d: %s is not set", c.Number, gitLabToken)
	}
}

// change returns the change of a run, if it is on that service and its API is the one whose token there is.
func (d *displays) change(c checkout.Change, service, api, variable string) pullrequest.Change {
	if c.Service != service {
		return pullrequest.Change{}
	}
	if c.API != "" && !strings.EqualFold(c.API, strings.TrimRight(api, "/")) {
		d.note("nothing is told to %s: the change is at %s, and the token is for %s; %s names another API", service, c.API, api, variable)
		return pullrequest.Change{}
	}
	return pullrequest.Change{Project: c.Project, Number: c.Number, Branch: c.Branch, Commit: c.Commit}
}

// isWorkflow reports whether this is a workflow of GitHub Actions.
func (c *Connector) isWorkflow() bool {
	on := c.Getenv("GITHUB_ACTIONS")
	return on != "" && on != "false"
}

// gitHub returns how GitHub is called. A workflow's own token is sent to the workflow's GitHub alone.
func (c *Connector) gitHub() pullrequest.Account {
	a := pullrequest.Account{
		Token: c.Secrets.Token(gitHubToken), Variable: gitHubToken, API: c.Getenv(gitHubAPI), Workflow: c.isWorkflow(), HTTP: &http.Client{},
	}
	if a.Token == "" && a.Workflow {
		a.Token, a.Variable, a.API = c.Secrets.Token(workflowToken), workflowToken, ""
	}
	if a.API == "" && a.Workflow {
		a.API = c.Getenv("GITHUB_API_URL")
	}
	if a.API == "" {
		a.API = "https://api.github.com"
	}
	return a
}

// gitLab returns how GitLab is called.
func (c *Connector) gitLab() pullrequest.Account {
	a := pullrequest.Account{Token: c.Secrets.Token(gitLabToken), Variable: gitLabToken, API: c.Getenv(gitLabAPI), HTTP: &http.Client{}}
	if on := c.Getenv("GITLAB_CI"); a.API == "" && on != "" && on != "false" {
		a.API = c.Getenv("CI_API_V4_URL")
	}
	if a.API == "" {
		a.API = "https://gitlab.com/api/v4"
	}
	return a
}

// commandHints are the commands that a comment names.
var commandHints = pullrequest.Hints{
	Extend:  func(feature string) string { return "beansprout extend " + commandline.Argument(feature) + " --by 3d" },
	Remove:  func(feature string) string { return "beansprout down " + commandline.Argument(feature) },
	Restore: func(feature string) string { return "beansprout restore " + commandline.Argument(feature) },
}
