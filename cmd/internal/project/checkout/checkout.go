// Package checkout finds out what is being built: a directory and the CI's variables go in,
// branch, commit, author and the URL of the build come out. Callers must not trust these texts.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrNoGit is reported when a directory is a git checkout, and git is not installed.
var ErrNoGit = errors.New("git is not installed")

// Checkout describes a source tree. A field that is not known is "".
type Checkout struct {
	Branch    string    // OWNER:BRANCH for that of a fork; "" where there is none; may be anything git takes
	NoBranch  string    // why Branch is "", where there is more to say than that HEAD is on none
	Fork      bool      // Branch is that of a fork
	Pushed    bool      // Branch certainly is, or was, a branch of a remote repository, and no change's number
	Commit    string    // 40 or 64 hex digits as git says it, 7 to 64 as a variable does; Changes says what differs
	Subject   string    // of the commit: one line, at most 200 characters
	Author    string    // of the commit: one line, at most 100 characters
	Email     string    // of the author; "" where it can be no address
	Committed time.Time // UTC; zero when no git says it
	Source    string    // where the remote "origin" is, a URL without credentials
	BuildURL  string    // http or https
	Root      string    // absolute: the top of the git checkout
	Change    Change    // that the CI builds
}

// Read reads the git checkout that contains dir and the variables of the running CI. The branch is
// the CI's if the CI builds the commit that is checked out, because CIs build detached HEADs, and
// git's otherwise. A tag is no branch. Commit and author are git's, or the CI's without a checkout.
//
// A directory that is no git checkout is no error. With an error, which wraps ErrNoGit if
// that is the cause, the Checkout holds what the variables say.
func Read(ctx context.Context, dir string, getenv func(string) string) (Checkout, error) {
	env := variables(getenv)
	ci := running(env)
	claims := ci.claims(env)
	c := Checkout{Commit: ci.commitOf(env), Author: ci.authorOf(env), BuildURL: ci.buildURL(env)}
	var b built
	if len(claims) > 0 {
		b = claims[0].built(nil)
	}
	c.take(b, ci, env)
	root, err := top(dir)
	if err != nil || root == "" {
		return c, err
	}
	c.Root = root
	head, b, err := readGit(ctx, root, claims)
	if err != nil {
		return c, fmt.Errorf("read git checkout %s: %w", root, err)
	}
	c.take(b, ci, env)
	c.Commit, c.Author, c.Committed, c.Source = head.commit, head.author, head.committed, head.source
	c.Subject, c.Email = head.subject, head.email
	return c, nil
}

// readGit asks git, and decides on the branch.
func readGit(ctx context.Context, root string, claims []claim) (head, built, error) {
	g, err := openGit(root, "")
	if err != nil {
		return head{}, built{}, err
	}
	defer g.close()
	h, err := readHead(ctx, g)
	if err != nil {
		return h, built{}, err
	}
	b, err := h.built(ctx, g, claims)
	return h, b, err
}

// built is the branch that is built.
type built struct {
	branch, problem string // problem is why there is no branch
	fork, pushed    bool
	isChange        bool // the CI builds it as a change
}

func (c *Checkout) take(b built, ci ci, env variables) {
	c.Branch, c.NoBranch, c.Fork, c.Pushed, c.Change = b.branch, b.problem, b.fork, b.pushed, ci.changeOf(env, b)
}

// built returns the branch of the checkout: that of the first claim about HEAD, or else git's. If
// there is none because of a claim, it returns the reason.
func (h head) built(ctx context.Context, g git, claims []claim) (built, error) {
	for _, c := range claims {
		if c.exact(h) {
			return c.built(h.remotes), nil
		}
	}
	if slices.ContainsFunc(claims, func(c claim) bool { return len(c.merged) > 0 }) {
		parents, err := readParents(ctx, g, h.commit)
		if err != nil {
			return built{}, err
		}
		if i := slices.IndexFunc(claims, func(c claim) bool { return c.merge(parents) }); i >= 0 {
			return claims[i].built(h.remotes), nil
		}
	}
	b := built{branch: h.branch, pushed: h.tracked(ctx, g)}
	if h.branch == "" && len(claims) > 0 {
		b.problem = fmt.Sprintf("%s builds commit %.12s, and %.12s is checked out, on no branch", claims[0].ci, claims[0].commits[0], h.commit)
	}
	return b, nil
}

// top returns the nearest directory at or above dir that has a .git, "" when none has.
func top(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", nil
		}
		dir = above
	}
}
