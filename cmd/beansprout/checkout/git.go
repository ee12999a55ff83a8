package checkout

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	gitTimeout = 10 * time.Second
	maxOutput  = 64 << 10 // bytes
)

// head is what git says of a checkout.
type head struct {
	branch, commit, author, source string
	committed                      time.Time
}

var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// readHead asks git three things at a time. A checkout without any commit has a branch alone.
func readHead(ctx context.Context, root string) (head, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	var ref, last, origin string
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		ref, err = git(ctx, root, "symbolic-ref", "--quiet", "HEAD")
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
			return nil // detached
		}
		return err
	})
	g.Go(func() (err error) {
		last, err = git(ctx, root, "log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--format=%H%x00%an%x00%ae%x00%ct")
		if err != nil && strings.Contains(err.Error(), "does not have any commits yet") {
			return nil
		}
		return err
	})
	g.Go(func() (err error) {
		origin, err = git(ctx, root, "config", "--get", "remote.origin.url")
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
			return nil // none
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return head{}, err
	}
	h, err := parseHead(ref, last)
	h.source = source(strings.TrimSuffix(origin, "\n"))
	return h, err
}

// parseHead reads what git printed: the full name of the branch, and hash, name, address and
// time in seconds, divided by NULs. A branch that is not under refs/heads counts as none.
func parseHead(ref, last string) (head, error) {
	var h head
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		h.branch = strings.TrimSuffix(branch, "\n")
	}
	if last == "" {
		return h, nil
	}
	commit, rest, _ := strings.Cut(strings.TrimSuffix(last, "\n"), "\x00")
	if !hash.MatchString(commit) {
		return h, fmt.Errorf("git log printed %.80q instead of a commit", last)
	}
	name, rest, _ := strings.Cut(rest, "\x00")
	address, when, _ := strings.Cut(rest, "\x00")
	if seconds, err := strconv.ParseInt(when, 10, 64); err == nil {
		h.committed = time.Unix(seconds, 0).UTC()
	}
	h.commit, h.author = commit, cmp.Or(person(name), person(address))
	return h, nil
}

// git runs git in root and returns what it prints.
func git(ctx context.Context, root string, args ...string) (string, error) {
	// The directory may belong to another user: CI runs containers so. Git would then read no
	// configuration of the repository, which could name programs to run; the commands used
	// here are kept from running any.
	guard := []string{"--no-pager", "-c", "safe.directory=*", "-c", "core.fsmonitor=false"}
	cmd := exec.CommandContext(ctx, "git", append(guard, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = root, environment(os.Environ()), time.Second
	var stdout, stderr capped
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", ErrNoGit
	case ctx.Err() != nil:
		return "", fmt.Errorf("git %s: %w", args[0], ctx.Err())
	case err != nil:
		said := strings.ToValidUTF8(strings.TrimSpace(stderr.String()), "�")
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, said)
	}
	return stdout.String(), nil
}

// environment returns the variables to run git with: no repository, configuration or
// program that a hook or a shell around us has set, no prompt, no lock, no network.
func environment(around []string) []string {
	var env []string
	for _, v := range around {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANGUAGE=") {
			env = append(env, v)
		}
	}
	return append(env,
		"LC_ALL=C", // its messages are looked at
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ALLOW_PROTOCOL=", // before git 2.44 it is this that keeps a partial clone from fetching
	)
}

// capped keeps the first maxOutput bytes that are written to it.
type capped struct{ bytes.Buffer }

// Write never fails.
func (c *capped) Write(p []byte) (int, error) {
	c.Buffer.Write(p[:min(len(p), max(maxOutput-c.Len(), 0))])
	return len(p), nil
}
