// Package checkout says what is being built: a directory and the CI's variables go in,
// branch, commit, author and the URL of the build come out. All of it was written by
// strangers; whoever uses it must treat it so.
package checkout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrNoGit is reported when a directory is a git checkout, and git is not installed.
var ErrNoGit = errors.New("git is not installed")

// Checkout is what is known of a source tree; what is not known is "".
type Checkout struct {
	Branch    string    // "" for a detached HEAD of which no variable says more; may be anything git takes
	Commit    string    // 40 or 64 hex digits as git says it, 7 to 64 as a variable does
	Author    string    // of the commit: one line, at most 100 characters
	Committed time.Time // UTC; zero when no git says it
	Source    string    // where the remote "origin" is, a URL without credentials
	BuildURL  string    // http or https
	Root      string    // absolute: the top of the git checkout
}

// Read looks at the git checkout that dir lies in and at the CI's variables. The branch is
// what the variables say, because CI builds detached HEADs, and git's otherwise; commit and
// author are git's, because that is what is built, and the variables' without a checkout.
//
// A directory that is no git checkout is no error. With an error, which wraps ErrNoGit if
// that is the cause, the Checkout holds what the variables say.
func Read(ctx context.Context, dir string, getenv func(string) string) (Checkout, error) {
	c := Checkout{
		Branch:   branch(getenv),
		Commit:   commit(getenv),
		Author:   author(getenv),
		BuildURL: buildURL(getenv),
	}
	root, err := top(dir)
	if err != nil || root == "" {
		return c, err
	}
	c.Root = root
	head, err := readHead(ctx, root)
	if err != nil {
		return c, fmt.Errorf("read git checkout %s: %w", root, err)
	}
	c.Branch = cmp.Or(c.Branch, head.branch)
	c.Commit, c.Author, c.Committed, c.Source = head.commit, head.author, head.committed, head.source
	return c, nil
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
