package pullrequest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// workflowBot is who comments with the own token of a workflow of GitHub Actions.
const workflowBot = "github-actions[bot]"

// gitHub is GitHub's REST API (https://docs.github.com/rest).
type gitHub struct{ *client }

func newGitHub(a Account) (gitHub, error) {
	c, err := newClient(a, map[string]string{
		"Authorization": "Bearer " + a.Token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
	})
	return gitHub{c}, err
}

// who is a user in an answer.
type who struct {
	Login string `json:"login"`
}

// gitHubComment is a comment in an answer.
type gitHubComment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User who    `json:"user"`
}

func (c gitHubComment) comment() comment { return comment{c.ID, c.User.Login, c.Body} }

// repo is the path of a repository.
func repo(project string) string {
	owner, name, _ := strings.Cut(project, "/")
	return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// isProject reports whether a text is the path of a repository.
func (gitHub) isProject(text string) bool { return len(names(text)) == 2 }

// user returns the name of the token's user. The token of an app, as each workflow has one, may not ask
// that; it has a viewer.
func (g gitHub) user(ctx context.Context) (string, error) {
	var user who
	_, err := g.call(ctx, http.MethodGet, "/user", nil, nil, &user)
	if err == nil && user.Login == "" {
		err = errAnswer
	}
	if err == nil || !isStatus(err, http.StatusForbidden) {
		return user.Login, err
	}
	var answer struct {
		Data struct {
			Viewer who `json:"viewer"`
		} `json:"data"`
	}
	if _, e := g.graph().call(ctx, http.MethodPost, "graphql", nil, map[string]string{"query": "query{viewer{login}}"}, &answer); e == nil && answer.Data.Viewer.Login != "" {
		return strings.TrimSuffix(answer.Data.Viewer.Login, "[bot]") + "[bot]", nil
	}
	if g.account.Workflow {
		return workflowBot, nil
	}
	return "", err
}

// graph returns the client of the GraphQL API, which lies beside the REST API.
func (g gitHub) graph() *client {
	c, base := *g.client, *g.base
	base.Path = strings.TrimSuffix(base.Path, "/v3")
	c.base = &base
	return &c
}

// changes returns the numbers of the open pull requests of a branch.
func (g gitHub) changes(ctx context.Context, project, branch string) ([]int, error) {
	owner, _, _ := strings.Cut(project, "/")
	var all []struct {
		Number int `json:"number"`
		Head   struct {
			Ref        string `json:"ref"`
			Repository struct {
				Name string `json:"full_name"`
			} `json:"repo"`
		} `json:"head"`
	}
	query := url.Values{"head": {owner + ":" + branch}, "state": {"open"}, "per_page": {fmt.Sprint(pageSize)}}
	if _, err := g.call(ctx, http.MethodGet, repo(project)+"/pulls", query, nil, &all); err != nil {
		return nil, err
	}
	var numbers []int
	for _, change := range all {
		if change.Head.Ref == branch && strings.EqualFold(change.Head.Repository.Name, project) && change.Number > 0 {
			numbers = append(numbers, change.Number)
		}
	}
	return numbers, nil
}

func (g gitHub) page(ctx context.Context, at place, page int) ([]comment, bool, error) {
	var all []gitHubComment
	query := url.Values{"per_page": {fmt.Sprint(pageSize)}, "page": {fmt.Sprint(page)}}
	header, err := g.call(ctx, http.MethodGet, fmt.Sprintf("%s/issues/%d/comments", repo(at.project), at.number), query, nil, &all)
	if err != nil {
		return nil, false, err
	}
	comments := make([]comment, 0, len(all))
	for _, c := range all {
		comments = append(comments, c.comment())
	}
	return comments, strings.Contains(header.Get("Link"), `rel="next"`), nil
}

func (g gitHub) read(ctx context.Context, at place, id int64) (comment, error) {
	var c gitHubComment
	_, err := g.call(ctx, http.MethodGet, g.one(at, id), nil, nil, &c)
	if err == nil && c.ID != id {
		err = errAnswer
	}
	return c.comment(), err
}

func (g gitHub) create(ctx context.Context, at place, body string) (comment, error) {
	var c gitHubComment
	_, err := g.call(ctx, http.MethodPost, fmt.Sprintf("%s/issues/%d/comments", repo(at.project), at.number), nil, map[string]string{"body": body}, &c)
	if err == nil && c.ID <= 0 {
		err = errAnswer
	}
	return c.comment(), g.permitted(err, "pull-requests")
}

func (g gitHub) edit(ctx context.Context, at place, id int64, body string) error {
	_, err := g.call(ctx, http.MethodPatch, g.one(at, id), nil, map[string]string{"body": body}, nil)
	return g.permitted(err, "pull-requests")
}

func (g gitHub) remove(ctx context.Context, at place, id int64) error {
	_, err := g.call(ctx, http.MethodDelete, g.one(at, id), nil, nil, nil)
	return err
}

func (g gitHub) one(at place, id int64) string {
	return fmt.Sprintf("%s/issues/comments/%d", repo(at.project), id)
}

// permitted adds to a refusal which permission the job needs.
func (g gitHub) permitted(err error, permission string) error {
	refused, ok := errors.AsType[*refusal](err)
	if ok && refused.status == http.StatusForbidden && !refused.limited && g.account.Workflow && !strings.Contains(refused.text, "locked") {
		refused.remedy = "the job needs the permission " + permission + ": write"
	}
	return err
}

// names returns the names of which the path of a project consists, nil if it is none.
func names(path string) []string {
	all := strings.Split(path, "/")
	if len(all) < 2 || slices.ContainsFunc(all, func(name string) bool {
		return strings.Trim(name, ".") == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != ""
	}) {
		return nil
	}
	return all
}
