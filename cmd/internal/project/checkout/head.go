package checkout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"beansprout/pattern"

	"golang.org/x/sync/errgroup"
)

// head is what git says of a checkout.
type head struct {
	branch, commit, subject, author, email, source string
	committed                                      time.Time
	remotes                                        []string // their names
}

var hash = pattern.New(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// readHead asks git three things at a time. A checkout without any commit has a branch alone.
func readHead(ctx context.Context, g git) (head, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	var ref, last string
	var remotes []string
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		ref, err = g.run(ctx, "symbolic-ref", "--quiet", "HEAD")
		if hasNone(err) {
			return nil // detached
		}
		return err
	})
	group.Go(func() (err error) {
		last, err = g.run(ctx, "log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--format=%H%x00%an%x00%ae%x00%ct%x00%s")
		if err != nil && strings.Contains(err.Error(), "does not have any commits yet") {
			return nil
		}
		return err
	})
	group.Go(func() (err error) {
		remotes, err = g.values(ctx, "--get-regexp", `^remote\..*\.url$`)
		return err
	})
	if err := group.Wait(); err != nil {
		return head{}, err
	}
	h, err := parseHead(ref, last)
	h.parseRemotes(remotes)
	return h, err
}

// parseRemotes reads the addresses of the remotes: each key with its value behind a newline.
func (h *head) parseRemotes(entries []string) {
	for _, entry := range entries {
		key, address, _ := strings.Cut(entry, "\n")
		name := strings.TrimSuffix(strings.TrimPrefix(key, "remote."), ".url")
		if name == "" {
			continue
		}
		if h.remotes = append(h.remotes, name); name == "origin" && h.source == "" {
			h.source = source(address)
		}
	}
}

// readParents returns the parents of a commit, also in a clone that is too shallow to have them.
func readParents(ctx context.Context, g git, commit string) (parents []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	if commit == "" {
		return nil, nil
	}
	text, err := g.run(ctx, "cat-file", "commit", commit)
	header, _, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(header) {
		if parent, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "parent "); ok && hash.MatchString(parent) {
			parents = append(parents, parent)
		}
	}
	return parents, err
}

// tracked reports whether git remembers the branch from a remote. If git fails, it does not.
func (h head) tracked(ctx context.Context, g git) bool {
	if h.branch == "" || len(h.remotes) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	var refs []string
	for _, remote := range h.remotes[:min(len(h.remotes), maxRemotes)] {
		refs = append(refs, "refs/remotes/"+remote+"/"+h.branch)
	}
	found, err := g.run(ctx, append([]string{"for-each-ref", "--format=%(refname)"}, refs...)...)
	return err == nil && slices.ContainsFunc(strings.Split(found, "\n"), func(line string) bool { return slices.Contains(refs, line) })
}

// maxRemotes is how many remotes are asked for a branch.
const maxRemotes = 20

// parseHead reads what git printed: the full name of the branch, and hash, name, address, time in seconds
// and subject, divided by NULs. A branch that is not under refs/heads counts as none.
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
	address, rest, _ := strings.Cut(rest, "\x00")
	when, subject, _ := strings.Cut(rest, "\x00")
	if seconds, err := strconv.ParseInt(when, 10, 64); err == nil {
		h.committed = time.Unix(seconds, 0).UTC()
	}
	h.commit, h.author = commit, cmp.Or(person(name), person(address))
	h.subject, h.email = line(subject, maxSubject), email(address)
	return h, nil
}
