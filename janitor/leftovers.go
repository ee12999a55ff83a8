package janitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
)

// Attic is what a sweep asks about environments that have gone.
type Attic interface {
	// Traces lists what is named after environments. Of names that live none need be told. An
	// incomplete list is an error.
	Traces(ctx context.Context, lives func(name string) bool) ([]Trace, error)
	// Terminated lists the environments that were terminated since.
	Terminated(ctx context.Context, since time.Time) ([]envs.Env, error)
	// Clear takes away all that is left of the named environment. The error wraps
	// envs.ErrNotReady when somebody is at work on the name, or it lives again.
	Clear(ctx context.Context, name string) (envs.Receipt, error)
}

// Trace is one thing that is named after an environment.
type Trace struct {
	Name    string    // the environment's
	Version string    // label, of a version; "" of a note about the environment
	Written time.Time // by AWS's clock
}

// settling is how old what is left must be: an up registers its version, and writes its notes,
// long before its environment exists.
const settling = 24 * time.Hour

// remains is all that is known about one name that doesn't live.
type remains struct {
	name       string
	newest     time.Time
	undated    bool
	versions   bool
	runBy      string    // a living environment of another name that runs one of its versions
	terminated time.Time // when it last was, if lately
}

// gather brings together what is known about each name that doesn't live, by name.
func gather(traces []Trace, rows, gone []envs.Env) []remains {
	users := map[string]string{}
	for _, e := range rows {
		users[e.Version] = e.Name
	}
	found := map[string]*remains{}
	for _, t := range traces {
		r := found[t.Name]
		if r == nil {
			r = &remains{name: t.Name}
			found[t.Name] = r
		}
		r.undated = r.undated || t.Written.IsZero()
		r.newest = later(r.newest, t.Written)
		if t.Version != "" {
			r.versions = true
			r.runBy = max(r.runBy, users[t.Version])
		}
	}
	for _, e := range gone {
		if r := found[e.Name]; r != nil {
			r.terminated = later(r.terminated, e.Updated)
		}
	}
	for _, e := range rows {
		delete(found, e.Name)
	}
	all := make([]remains, 0, len(found))
	for _, r := range found {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b remains) int { return strings.Compare(a.name, b.name) })
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// spare says why what is left of an environment stays, or "".
func (r remains) spare(restoreFor time.Duration, now time.Time) string {
	until := r.terminated.Add(restoreFor)
	switch {
	case r.runBy != "":
		return fmt.Sprintf("environment %s runs its version", r.runBy)
	case !r.terminated.IsZero() && until.After(now):
		return "can be restored until " + until.UTC().Format(time.RFC3339)
	case r.undated:
		return "AWS names no date for what is left of it"
	case r.newest.After(now.Add(-settling)):
		return "what is left of it is not a day old"
	}
	return ""
}

// clearOut decides about all that is left of environments that have gone. Notes that stay are
// not worth a word.
func (j *Janitor) clearOut(all []remains, now time.Time) []Decision {
	var decisions []Decision
	due, versions := 0, 0
	for _, r := range all {
		d := Decision{Env: envs.Env{Name: r.name}, Action: Remove, Expiry: later(r.newest, r.terminated)}
		if r.versions {
			versions++
		}
		if reason := r.spare(j.RestoreFor, now); reason != "" && !r.versions {
			continue
		} else if reason != "" {
			d = d.keep(reason)
		} else if r.versions {
			due++
		}
		decisions = append(decisions, d)
	}
	if reason := tooMany(due, versions, j.Max); reason != "" {
		for i, d := range decisions {
			if d.Action == Remove {
				decisions[i] = d.keep("of what environments have left, " + reason)
			}
		}
	}
	return decisions
}

// MakeRoom takes away the versions of environments that are gone for good without waiting for
// the next sweep, of those first that went longest ago, and of no more than MaxDeletions. What
// went wrong with one doesn't keep it from the others.
func (j *Janitor) MakeRoom(ctx context.Context) ([]Decision, error) {
	rows, now, err := j.Cloud.Environments(ctx)
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	all, err := j.leftovers(ctx, rows, now)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r remains) bool { return !r.versions || r.spare(j.RestoreFor, now) != "" })
	slices.SortStableFunc(all, func(a, b remains) int { return a.newest.Compare(b.newest) })
	var decisions []Decision
	for _, r := range all[:min(len(all), j.MaxDeletions)] {
		if ctx.Err() != nil {
			return decisions, ctx.Err()
		}
		decisions = append(decisions, j.clear(ctx, Decision{Env: envs.Env{Name: r.name}, Action: Remove}))
	}
	return decisions, nil
}

// leftovers looks for what environments that have gone have left behind.
func (j *Janitor) leftovers(ctx context.Context, rows []envs.Env, now time.Time) ([]remains, error) {
	if j.Attic == nil {
		return nil, nil
	}
	living := map[string]bool{}
	for _, e := range rows {
		living[e.Name] = true
	}
	traces, err := j.Attic.Traces(ctx, func(name string) bool { return living[name] })
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	gone, err := j.Attic.Terminated(ctx, now.Add(-j.RestoreFor))
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	return gather(traces, rows, gone), nil
}

// clear takes away what an environment has left.
func (j *Janitor) clear(ctx context.Context, d Decision) Decision {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	var receipt envs.Receipt
	err := j.guard(func() (err error) {
		receipt, err = j.Attic.Clear(ctx, d.Env.Name)
		return err
	})
	return d.done(receipt, err)
}
