package pullrequest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"beansprout/envs"
)

// The states of a deployment.
const (
	inProgress = "in_progress"
	success    = "success"
	failure    = "failure"
	inactive   = "inactive"
)

// maxRetired is how many of an environment's last deployments are looked at when it is removed.
const maxRetired = 10

// Deployments is an envs.Announcer that has GitHub show where the commits of a change run: each deploy is a
// deployment of GitHub's to an environment that is called like Beansprout's. What was deployed before is
// inactive, and all is when the environment is removed. Its methods may be called concurrently.
type Deployments struct {
	// Limit is how long one announcement may take, 5 seconds unless it is set before the first.
	Limit time.Duration

	gitHub gitHub
	api    string
	change Change

	mu      sync.Mutex
	made    map[string]int64 // of this run, by environment
	resumed map[string]bool  // environments that another operation than a deploy brings back
}

// NewDeployments returns what tells GitHub about deployments. Without a change it makes none, and only
// changes the state of those that there are.
func NewDeployments(a Account, c Change) (*Deployments, error) {
	g, err := newGitHub(a)
	if err != nil {
		return nil, err
	}
	if c.Project != "" && !g.isProject(c.Project) {
		return nil, fmt.Errorf("%q is no repository", c.Project)
	}
	return &Deployments{Limit: announceTimeout, gitHub: g, api: g.base.String(), change: c, made: map[string]int64{}, resumed: map[string]bool{}}, nil
}

// deployment is one in an answer.
type deployment struct {
	ID          int64           `json:"id"`
	Environment string          `json:"environment"`
	Payload     json.RawMessage `json:"payload"`
}

// payload is by what ours are known. The reference in a record may lead to another repository.
type payload struct {
	Environment string `json:"beansprout"`
}

// isOurs reports whether a deployment is one of the environment.
func (d deployment) isOurs(n envs.News) bool {
	var p payload
	text := d.Payload
	var quoted string
	if json.Unmarshal(text, &quoted) == nil {
		text = []byte(quoted)
	}
	return d.Environment == n.Name && json.Unmarshal(text, &p) == nil && p.Environment == n.Environment
}

// Announce makes a deployment, or changes the state of those of the environment. Its reference names the
// repository alone. It takes Limit at most, and an error never contains the token.
func (d *Deployments) Announce(ctx context.Context, ref Ref, n envs.News) (Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Limit)
	defer cancel()
	project := d.change.Project
	if project == "" {
		if project = ref.Channel; ref.Posted != d.api || !d.gitHub.isProject(project) {
			return ref, nil
		}
	}
	if err := d.announce(ctx, project, n); err != nil {
		return ref, fmt.Errorf("deployment in %s: %w", project, d.gitHub.permitted(err, "deployments"))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made[n.Environment] != 0 {
		ref = Ref{Channel: project, Posted: d.api}
	}
	return ref, nil
}

func (d *Deployments) announce(ctx context.Context, project string, n envs.News) error {
	switch n.State {
	case envs.NewsBuilding:
		return d.begin(ctx, project, n)
	case envs.NewsReady:
		return d.succeed(ctx, project, n)
	case envs.NewsFailed:
		if id := d.taken(n); id != 0 && n.Note == "" {
			return d.set(ctx, project, id, failure, n)
		}
	case envs.NewsRemoved:
		if n.Note == "" {
			return d.retire(ctx, project, 0, n)
		}
	}
	return nil
}

// taken returns the deployment of this run, 0 where there is none.
func (d *Deployments) taken(n envs.News) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.made[n.Environment]
}

// begin makes a deployment of the commit. Of an operation that is no deploy it remembers that.
func (d *Deployments) begin(ctx context.Context, project string, n envs.News) error {
	if d.change.Project == "" {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.resumed[n.Environment] = true
		return nil
	}
	commit := d.change.Commit
	if commit == "" {
		commit, _, _ = strings.Cut(n.Commit, "+") // without the mark of uncommitted changes
	}
	if !isHash(commit) {
		return nil
	}
	var made deployment
	_, err := d.gitHub.call(ctx, http.MethodPost, repo(project)+"/deployments", nil, map[string]any{
		"ref": commit, "environment": n.Name, "payload": payload{n.Environment},
		"auto_merge": false, "required_contexts": []string{}, "transient_environment": true, "production_environment": false,
	}, &made)
	if err == nil && made.ID <= 0 {
		err = errAnswer
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.made[n.Environment] = made.ID
	d.mu.Unlock()
	return d.set(ctx, project, made.ID, inProgress, n)
}

// isHash reports whether a text is the hash of a commit, and neither a branch nor what another wrote.
func isHash(commit string) bool {
	return len(commit) >= 7 && len(commit) <= 64 && strings.Trim(commit, "0123456789abcdef") == ""
}

// succeed says that the deployment of this run serves, and that those before do not. What was brought
// back is the last one.
func (d *Deployments) succeed(ctx context.Context, project string, n envs.News) error {
	d.mu.Lock()
	id, resumed := d.made[n.Environment], d.resumed[n.Environment]
	d.mu.Unlock()
	if id == 0 && resumed {
		all, err := d.list(ctx, project, n)
		if err != nil || len(all) == 0 {
			return err
		}
		return d.set(ctx, project, all[0].ID, success, n)
	}
	if id == 0 {
		return nil
	}
	if err := d.set(ctx, project, id, success, n); err != nil {
		return err
	}
	return d.retire(ctx, project, id, n)
}

// list returns the last deployments of the environment, the newest first.
func (d *Deployments) list(ctx context.Context, project string, n envs.News) ([]deployment, error) {
	var all []deployment
	query := url.Values{"environment": {n.Name}, "per_page": {fmt.Sprint(maxRetired)}}
	if _, err := d.gitHub.call(ctx, http.MethodGet, repo(project)+"/deployments", query, nil, &all); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(each deployment) bool { return !each.isOurs(n) }), nil
}

// retire makes the deployments of the environment inactive, but for one. Those that have failed or are
// inactive stay as they are.
func (d *Deployments) retire(ctx context.Context, project string, but int64, n envs.News) error {
	all, err := d.list(ctx, project, n)
	if err != nil {
		return err
	}
	for _, each := range all {
		if each.ID == but {
			continue
		}
		var states []struct {
			State string `json:"state"`
		}
		if _, err := d.gitHub.call(ctx, http.MethodGet, d.statuses(project, each.ID), url.Values{"per_page": {"1"}}, nil, &states); err != nil {
			return err
		}
		if len(states) > 0 && (states[0].State == inactive || states[0].State == failure) {
			continue
		}
		if err := d.set(ctx, project, each.ID, inactive, n); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deployments) statuses(project string, id int64) string {
	return fmt.Sprintf("%s/deployments/%d/statuses", repo(project), id)
}

// set gives a deployment a state.
func (d *Deployments) set(ctx context.Context, project string, id int64, state string, n envs.News) error {
	status := map[string]any{"state": state, "auto_inactive": false, "description": description(state, n)}
	if state == success && isWeb(n.URL) {
		status["environment_url"] = n.URL
	}
	if isWeb(n.BuildURL) {
		status["log_url"] = n.BuildURL
	}
	_, err := d.gitHub.call(ctx, http.MethodPost, d.statuses(project, id), nil, status, nil)
	return err
}

// description says what is not in the state. It has nothing that others have written.
func description(state string, n envs.News) string {
	switch {
	case state == inactive && n.State == envs.NewsRemoved:
		return "Removed"
	case state == success && !n.Expires.IsZero():
		return "Until " + date(n.Expires)
	}
	return ""
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
