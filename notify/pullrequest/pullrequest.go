// Package pullrequest tells about environments in pull requests of GitHub and merge requests of GitLab: one
// comment for each environment, which is edited in place, and GitHub's deployments. An operation never
// depends on them: the caller gets an error within seconds and carries on.
package pullrequest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"beansprout/envs"
)

// The names of the announcers, by which records keep where their messages are.
const (
	GitHub            = "GitHub"
	GitLab            = "GitLab"
	GitHubDeployments = "GitHub deployments"
)

// announceTimeout is how long all requests of one announcement may take.
const announceTimeout = 5 * time.Second

// Ref says where a comment is: Channel is the project and the number of the change, Timestamp the number of
// the comment, "" while that is not known, and Posted the API. It is proved by what the comment says and by
// whom it is, so it has no seal: the token of a workflow lasts for one run.
type Ref = envs.MessageRef

// A Change is what a run builds. The zero Change is none.
type Change struct {
	Project string // OWNER/NAME on GitHub; on GitLab the path or number of the project
	Number  int    // of the pull or merge request; 0 is the open one of Branch
	Branch  string // of the project
	Commit  string // the last one of the change; "" where the news tell
}

// place is where a change is discussed.
type place struct {
	project string
	number  int
}

// comment is one of those at a place.
type comment struct {
	id     int64
	author string
	body   string
}

// service is what comments need of GitHub or GitLab. Its methods return a *refusal where the service does
// not do what is asked.
type service interface {
	isProject(text string) bool
	user(ctx context.Context) (string, error) // the token's own
	changes(ctx context.Context, project, branch string) ([]int, error)
	page(ctx context.Context, at place, page int) (all []comment, more bool, err error)
	read(ctx context.Context, at place, id int64) (comment, error)
	create(ctx context.Context, at place, body string) (comment, error)
	edit(ctx context.Context, at place, id int64, body string) error
	remove(ctx context.Context, at place, id int64) error
}

// Comments is an envs.Announcer that comments where a change is discussed. Its methods may be called
// concurrently.
type Comments struct {
	// Limit is how long one announcement may take, 5 seconds unless it is set before the first.
	Limit time.Duration

	service service
	api     string
	word    string // for what the service calls a change
	change  Change
	hints   Hints

	mu     sync.Mutex
	self   string         // the token's user, "" while it is not known
	number int            // of the open change of the branch, 0 while it is not known
	proved map[int64]bool // comments that are ours
}

// NewGitHub returns what comments in pull requests. Without a change, it only edits the comments to which
// it is referred.
func NewGitHub(a Account, c Change, h Hints) (*Comments, error) {
	service, err := newGitHub(a)
	if err != nil {
		return nil, err
	}
	return newComments(service, service.base.String(), "pull request", c, h)
}

// NewGitLab returns what comments in merge requests. Without a change, it only edits the comments to which
// it is referred.
func NewGitLab(a Account, c Change, h Hints) (*Comments, error) {
	service, err := newGitLab(a)
	if err != nil {
		return nil, err
	}
	return newComments(service, service.base.String(), "merge request", c, h)
}

func newComments(s service, api, word string, c Change, h Hints) (*Comments, error) {
	if c.Project != "" && !s.isProject(c.Project) {
		return nil, fmt.Errorf("%q is no project", c.Project)
	}
	return &Comments{Limit: announceTimeout, service: s, api: api, word: word, change: c, hints: h, proved: map[int64]bool{}}, nil
}

// Announce has the comment say what is new, and returns where it is. A comment is ours if it has the mark
// of the environment and its author is the token's user, or for one at ref also the user of all
// workflows. Others are not touched. If ref is none of ours, ours is looked for in the change that the run
// builds, and made where there is none. Of several of ours there, the first stays.
//
// It takes Limit at most. The returned Ref is valid also with an error. An error never contains the token.
func (c *Comments) Announce(ctx context.Context, ref Ref, n envs.News) (Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	was, id := c.parse(ref)
	at, err := c.place(ctx, was)
	if err != nil || at == (place{}) {
		return ref, c.wrap("find its", at, err)
	}
	if at == was {
		id, err = c.put(ctx, at, id, n)
		return c.ref(at, id), c.wrap("comment in", at, err)
	}
	now, err := c.put(ctx, at, 0, n)
	if id != 0 && err == nil {
		if e := c.update(ctx, was, id, mark(n)+moved(c.word, at), n); e != nil && !isGone(e) {
			err = fmt.Errorf("close the comment in %s %d: %w", c.word, was.number, e)
		}
	}
	return c.ref(at, now), c.wrap("comment in", at, err)
}

func (c *Comments) wrap(what string, at place, err error) error {
	if err == nil {
		return nil
	}
	text := what + " " + c.word
	if at.number > 0 {
		text += " " + strconv.Itoa(at.number)
	}
	return fmt.Errorf("%s: %w", text, err)
}

// ref returns the reference of a comment. An id of 0 is one that is not known; another announcement looks
// for it.
func (c *Comments) ref(at place, id int64) Ref {
	if at == (place{}) {
		return Ref{}
	}
	r := Ref{Channel: at.project + "#" + strconv.Itoa(at.number), Posted: c.api}
	if id != 0 {
		r.Timestamp = strconv.FormatInt(id, 10)
	}
	return r
}

// parse returns what a reference says, nothing if it is none of this API.
func (c *Comments) parse(r Ref) (place, int64) {
	project, text, _ := strings.Cut(r.Channel, "#")
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number <= 0 || r.Posted != c.api || !c.service.isProject(project) {
		return place{}, 0
	}
	id, err := strconv.ParseInt(r.Timestamp, 10, 64)
	if err != nil || id < 0 {
		id = 0
	}
	return place{project, int(number)}, id
}

// place returns where the comment belongs: to the change that the run builds, or else where it was.
func (c *Comments) place(ctx context.Context, was place) (place, error) {
	number := c.change.Number
	switch {
	case c.change.Project == "":
		return was, nil
	case number > 0:
		return place{c.change.Project, number}, nil
	}
	c.mu.Lock()
	number = c.number
	c.mu.Unlock()
	if number == 0 {
		numbers, err := c.service.changes(ctx, c.change.Project, c.change.Branch)
		if err != nil {
			return was, err
		}
		if len(numbers) == 0 || was.project == c.change.Project && slices.Contains(numbers, was.number) {
			return was, nil
		}
		number = slices.Min(numbers)
		c.mu.Lock()
		c.number = number
		c.mu.Unlock()
	}
	return place{c.change.Project, number}, nil
}

// errNotOurs is a comment that is another's.
var errNotOurs = errors.New("the comment is not Beansprout's")

// isGone reports whether a comment can't be edited because it is not there any more, or not ours.
func isGone(err error) bool {
	return errors.Is(err, errNotOurs) || isStatus(err, http.StatusNotFound, http.StatusGone)
}

// put has the comment at a place say what is new, and makes one only for the change that the run builds. It
// returns its id, 0 where that is not known.
func (c *Comments) put(ctx context.Context, at place, id int64, n envs.News) (int64, error) {
	body := Text(n, c.hints)
	if id != 0 {
		err := c.update(ctx, at, id, body, n)
		if !isGone(err) || c.change.Project == "" {
			return id, err
		}
	}
	if c.change.Project == "" {
		return 0, nil
	}
	first, err := c.first(ctx, at, n)
	if err != nil {
		return id, err
	}
	if n.State == envs.NewsRemoved && first == 0 {
		return 0, nil
	}
	if first != 0 {
		return first, c.update(ctx, at, first, body, n)
	}
	made, err := c.service.create(ctx, at, body)
	if err != nil {
		return 0, err
	}
	c.learn(made)
	// Another run may have commented at the same time.
	if first, err = c.first(ctx, at, n); err != nil || first == 0 || first == made.id {
		return first, nil
	}
	return first, c.update(ctx, at, first, body, n)
}

// learn notes who the token's user is, by a comment that was made with it.
func (c *Comments) learn(made comment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proved[made.id] = true
	if made.author != "" {
		c.self = made.author
	}
}

// update edits a comment of ours.
func (c *Comments) update(ctx context.Context, at place, id int64, body string, n envs.News) error {
	c.mu.Lock()
	known := c.proved[id]
	c.mu.Unlock()
	if !known {
		there, err := c.service.read(ctx, at, id)
		if err != nil {
			return err
		}
		if ours, err := c.isOurs(ctx, there, n, true); err != nil || !ours {
			return errors.Join(err, errOf(!ours, errNotOurs))
		}
		if there.body == body {
			return nil
		}
	}
	return c.service.edit(ctx, at, id, body)
}

func errOf(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// isOurs reports whether a comment is about the environment and from the token's user, or where it was
// referred to from that of all workflows.
func (c *Comments) isOurs(ctx context.Context, there comment, n envs.News, referred bool) (bool, error) {
	if !strings.HasPrefix(there.body, mark(n)) {
		return false, nil
	}
	if _, isGitHub := c.service.(gitHub); isGitHub && referred && there.author == workflowBot {
		return true, nil
	}
	self, err := c.user(ctx)
	if err != nil {
		return false, fmt.Errorf("find the token's user: %w", err)
	}
	if !strings.EqualFold(there.author, self) {
		return false, nil
	}
	c.mu.Lock()
	c.proved[there.id] = true
	c.mu.Unlock()
	return true, nil
}

// user returns the token's user.
func (c *Comments) user(ctx context.Context) (string, error) {
	c.mu.Lock()
	self := c.self
	c.mu.Unlock()
	if self != "" {
		return self, nil
	}
	self, err := c.service.user(ctx)
	if err == nil {
		c.mu.Lock()
		c.self = self
		c.mu.Unlock()
	}
	return self, err
}

// first returns the first comment of ours at a place, 0 where there is none, and removes the others: they
// are of runs at the same time, or of one that ended before it could remember its comment.
func (c *Comments) first(ctx context.Context, at place, n envs.News) (int64, error) {
	var found []int64
	for page, more := 1, true; more; page++ {
		if page > maxPages {
			return 0, fmt.Errorf("it has more than %d comments", (maxPages-1)*pageSize)
		}
		var all []comment
		var err error
		if all, more, err = c.service.page(ctx, at, page); err != nil {
			return 0, err
		}
		for _, there := range all {
			is, err := c.isOurs(ctx, there, n, false)
			if err != nil {
				return 0, err
			}
			if is {
				found = append(found, there.id)
			}
		}
	}
	if len(found) == 0 {
		return 0, nil
	}
	first := slices.Min(found)
	for _, id := range found {
		if id != first {
			if err := c.service.remove(ctx, at, id); err != nil && !isGone(err) {
				return first, err
			}
		}
	}
	return first, nil
}
