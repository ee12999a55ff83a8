package pullrequest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// gitLab is GitLab's REST API (https://docs.gitlab.com/api/rest).
type gitLab struct{ *client }

func newGitLab(a Account) (gitLab, error) {
	c, err := newClient(a, map[string]string{"Private-Token": a.Token, "Accept": "application/json"})
	return gitLab{c}, err
}

// gitLabNote is a comment in an answer.
type gitLabNote struct {
	ID     int64  `json:"id"`
	Body   string `json:"body"`
	System bool   `json:"system"`
	Author struct {
		Username string `json:"username"`
	} `json:"author"`
}

func (n gitLabNote) comment() comment { return comment{n.ID, n.Author.Username, n.Body} }

// isProject reports whether a text is the number or the path of a project.
func (gitLab) isProject(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n > 0 || names(text) != nil
}

func (g gitLab) user(ctx context.Context) (string, error) {
	var user struct {
		Username string `json:"username"`
	}
	_, err := g.call(ctx, http.MethodGet, "/user", nil, nil, &user)
	if err == nil && user.Username == "" {
		err = errAnswer
	}
	return user.Username, err
}

// project is the path of a project in the API. A path of several names is one there.
func project(of string) string { return "/projects/" + url.PathEscape(of) }

// changes returns the numbers of the open merge requests of a branch of the project itself.
func (g gitLab) changes(ctx context.Context, of, branch string) ([]int, error) {
	var all []struct {
		Number int    `json:"iid"`
		Branch string `json:"source_branch"`
		Source int64  `json:"source_project_id"`
		Target int64  `json:"target_project_id"`
	}
	query := url.Values{"state": {"opened"}, "source_branch": {branch}, "per_page": {fmt.Sprint(pageSize)}}
	if _, err := g.call(ctx, http.MethodGet, project(of)+"/merge_requests", query, nil, &all); err != nil {
		return nil, err
	}
	var numbers []int
	for _, change := range all {
		if change.Branch == branch && change.Source == change.Target && change.Number > 0 {
			numbers = append(numbers, change.Number)
		}
	}
	return numbers, nil
}

func notes(at place) string {
	return fmt.Sprintf("%s/merge_requests/%d/notes", project(at.project), at.number)
}

func (g gitLab) page(ctx context.Context, at place, page int) ([]comment, bool, error) {
	var all []gitLabNote
	query := url.Values{"sort": {"asc"}, "order_by": {"created_at"}, "per_page": {fmt.Sprint(pageSize)}, "page": {fmt.Sprint(page)}}
	header, err := g.call(ctx, http.MethodGet, notes(at), query, nil, &all)
	if err != nil {
		return nil, false, err
	}
	var comments []comment
	for _, n := range all {
		if !n.System {
			comments = append(comments, n.comment())
		}
	}
	return comments, header.Get("X-Next-Page") != "", nil
}

func (g gitLab) read(ctx context.Context, at place, id int64) (comment, error) {
	var n gitLabNote
	_, err := g.call(ctx, http.MethodGet, fmt.Sprintf("%s/%d", notes(at), id), nil, nil, &n)
	if err == nil && n.ID != id {
		err = errAnswer
	}
	return n.comment(), err
}

func (g gitLab) create(ctx context.Context, at place, body string) (comment, error) {
	var n gitLabNote
	_, err := g.call(ctx, http.MethodPost, notes(at), nil, map[string]string{"body": body}, &n)
	if err == nil && n.ID <= 0 {
		err = errAnswer
	}
	return n.comment(), err
}

func (g gitLab) edit(ctx context.Context, at place, id int64, body string) error {
	_, err := g.call(ctx, http.MethodPut, fmt.Sprintf("%s/%d", notes(at), id), nil, map[string]string{"body": body}, nil)
	return err
}

func (g gitLab) remove(ctx context.Context, at place, id int64) error {
	_, err := g.call(ctx, http.MethodDelete, fmt.Sprintf("%s/%d", notes(at), id), nil, nil, nil)
	return err
}
