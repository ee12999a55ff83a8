package janitor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"beansprout/envs"
	"beansprout/pattern"
)

// ErrBranches is reported when it isn't known which branches the remote has. No environment is removed
// for its branch then.
var ErrBranches = errors.New("the branches are not known")

const (
	// listingMaxAge is how old a list of the branches may be just before a removal.
	listingMaxAge = 10 * time.Second
	// branchesAtOnce is how many branches may always be gone at once.
	branchesAtOnce = 3
	// foundLimit is how many branches that are back one sweep notes.
	foundLimit = 20
)

// branches are what the remote lists. The zero branches lack nothing.
type branches struct {
	names   map[string]bool
	unknown error // why nothing follows from names
}

// lack reports whether a branch is certainly not listed.
func (b branches) lack(branch string) bool {
	return b.names != nil && b.unknown == nil && !b.names[branch]
}

// listing remembers what the remote answered last, for all that ask within a few seconds.
type listing struct {
	list func(context.Context) (map[string]bool, error) // nil asks the remote

	asking sync.Mutex
	at     time.Time
	names  map[string]bool
	err    error

	mu      sync.Mutex
	sources map[string]string // by id, what an environment was made for; its tag does not change
}

// current returns the branches as they were listed at most maxAge ago.
func (l *listing) current(ctx context.Context, b Branches, maxAge time.Duration) (map[string]bool, error) {
	l.asking.Lock()
	defer l.asking.Unlock()
	if l.at.IsZero() || time.Since(l.at) > maxAge {
		list := l.list
		if list == nil {
			list = b.list
		}
		began := time.Now()
		l.names, l.err = list(ctx)
		l.at = began
	}
	return l.names, l.err
}

// branches lists the remote's branches, and distrusts a list that lacks most of those that
// environments were made for.
func (j *Janitor) branches(ctx context.Context, all []*envs.Candidate) branches {
	if j.Branches.Remote == "" {
		return branches{}
	}
	names, err := j.listing.current(ctx, j.Branches, 0)
	if err != nil {
		return branches{unknown: fmt.Errorf("%w: %w", ErrBranches, err)}
	}
	b := branches{names: names}
	j.listing.forget(all)
	known, missing := 0, 0
	for _, c := range all {
		if c.Proved && !c.Environment.State.Gone() && j.mayBeBranch(c.Environment) {
			known++
			if b.lack(c.Environment.Feature) {
				missing++
			}
		}
	}
	if missing > max(branchesAtOnce, known/2) {
		b.unknown = fmt.Errorf("%w: %d of the %d branches that have an environment are missing on the remote, which is probably a mistake", ErrBranches, missing, known)
	}
	return b
}

// forget drops what is known of environments that have gone.
func (l *listing) forget(all []*envs.Candidate) {
	living := make(map[string]bool, len(all))
	for _, c := range all {
		living[c.Environment.ID] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.sources, func(id, _ string) bool { return !living[id] })
}

// changeNumber is how CI systems call the build of a change.
var changeNumber = pattern.New(`^(?i:PR|MR|CR|CHANGE)-[0-9]+$`)

// isBranch reports whether a feature may be a branch of the remote. That of a fork is not, nor is the
// number of a change.
func isBranch(feature string) bool {
	return feature != "" && !strings.Contains(feature, ":") && !changeNumber.MatchString(feature)
}

// mayBeBranch reports whether an environment may have been made for a branch, by what was read of it.
func (j *Janitor) mayBeBranch(e envs.Environment) bool {
	switch {
	case !isBranch(e.Feature):
		return false
	case e.Tags != nil:
		return e.Source == envs.SourceBranch
	}
	j.listing.mu.Lock()
	defer j.listing.mu.Unlock()
	source, known := j.listing.sources[e.ID]
	return !known || source == envs.SourceBranch
}

// stillThere returns why the branch of an environment does not count as gone, by its tags and what the
// remote lists now, or "".
func (j *Janitor) stillThere(ctx context.Context, e envs.Environment) string {
	source := e.Source
	j.listing.mu.Lock()
	if j.listing.sources == nil {
		j.listing.sources = map[string]string{}
	}
	j.listing.sources[e.ID] = source
	j.listing.mu.Unlock()
	if source != envs.SourceBranch {
		return "its tags do not say that it was made for a branch"
	}
	names, err := j.listing.current(ctx, j.Branches, listingMaxAge)
	if err != nil {
		return ErrBranches.Error() + ": " + err.Error()
	}
	if names[e.Feature] {
		return "its branch is there again"
	}
	return ""
}

// compare finds the environments whose branch was gone in the last sweep and is there again. Where the
// branches are not known, what the last sweep noted stays.
func (r *Report) compare(s *survey) {
	if s.branches.names == nil || s.branches.unknown != nil {
		r.missing = s.Last.Missing
		return
	}
	for _, e := range r.living {
		if slices.Contains(s.Last.Missing, e.ID) && !s.branches.lack(e.Feature) {
			r.found = append(r.found, e)
		}
	}
}

// stillMissing returns the ids of the environments whose branch is gone, and was noted as gone.
func (r *Report) stillMissing() []string {
	ids := slices.Clone(r.missing)
	for _, d := range r.Decisions {
		if d.gone && !d.since.IsZero() && d.Action != Removed {
			ids = append(ids, d.Env.ID)
		}
	}
	return ids
}

// noteGone has it noted that the branch of an environment is gone, if its tags say that it was made for
// one.
func (j *Janitor) noteGone(ctx context.Context, d Decision, live bool) Decision {
	_, read, err := j.readAgain(ctx, d, false)
	if err != nil {
		return read.Decision.stays(err)
	}
	if live {
		if err := j.Environments.NoteMissing(ctx, read.environment, d.now, j.Options); err != nil {
			read.Err = fmt.Errorf("note that the branch of %q is gone: %w", d.Env.Name, err)
			return read.Decision
		}
		read.since = d.now
	}
	return read.Decision
}

// noteFound has it noted that branches are there again. It only tidies up: MissingSince counts only
// if the last sweep missed the branch, too.
func (j *Janitor) noteFound(ctx context.Context, report *Report) {
	for _, e := range report.found[:min(len(report.found), foundLimit)] {
		if err := j.guard(func() error { return j.Environments.NoteMissing(ctx, *e, time.Time{}, j.Options) }); err != nil {
			j.logger().Warn("branches", "environment", e.Name, "error", err)
		}
	}
}
