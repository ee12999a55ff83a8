package janitor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

// shelf is a Cloud that holds its environments in memory.
type shelf struct {
	now    time.Time
	rows   []envs.Env
	tags   map[string]envs.Tags
	listed error            // what listing ends with
	read   map[string]error // what reading an environment ends with
	fresh  func(id string, reading int, e *envs.Env, tags envs.Tags)

	readings map[string]int
	removed  []string
}

func (s *shelf) Environments(context.Context) ([]envs.Env, time.Time, error) {
	return s.rows, s.now, s.listed
}

func (s *shelf) Fresh(ctx context.Context, id string) (envs.Env, envs.Tags, error) {
	s.readings[id]++
	i := slices.IndexFunc(s.rows, func(e envs.Env) bool { return e.ID == id })
	if err := errors.Join(s.read[id], ctx.Err()); err != nil {
		return envs.Env{}, nil, err
	}
	e, tags := s.rows[i], envs.Tags{}
	for k, v := range s.tags[id] {
		tags[k] = v
	}
	if s.fresh != nil {
		s.fresh(id, s.readings[id], &e, tags)
	}
	return e, tags, nil
}

func (s *shelf) remove(_ context.Context, e envs.Env) (envs.Receipt, error) {
	s.removed = append(s.removed, e.Feature)
	return envs.Receipt{Environment: e.Name, Removed: []string{"environment " + e.ID}}, nil
}

func (s *shelf) add(feature string, age time.Duration) {
	e, tags := sprout("e-"+feature, feature, age)
	s.rows = append(s.rows, e)
	s.tags[e.ID] = tags
}

// house returns a janitor over a shelf with these expired features, the first the oldest.
func house(features ...string) (*Janitor, *shelf) {
	s := &shelf{now: noon, tags: map[string]envs.Tags{}, read: map[string]error{}, readings: map[string]int{}}
	for i, f := range features {
		s.add(f, 48*time.Hour-time.Duration(i)*time.Minute)
	}
	return &Janitor{
		Cloud: s, Account: account, Lifetime: envs.Lifetime{TTL: 24 * time.Hour}, MaxDeletions: 10,
		Remove: s.remove, Now: func() time.Time { return noon },
	}, s
}

// said returns what a report says in short: "feature action" each.
func said(r Report) (all []string) {
	for _, d := range r.Decisions {
		all = append(all, strings.TrimPrefix(d.Env.ID, "e-")+" "+string(d.Action))
	}
	return all
}

func checkSweep(t *testing.T, s *shelf, r Report, wantSaid, wantRemoved string) {
	t.Helper()
	if got := strings.Join(said(r), ", "); got != wantSaid {
		t.Errorf("report: got %q, want %q", got, wantSaid)
	}
	if got := strings.Join(s.removed, ", "); got != wantRemoved {
		t.Errorf("removed: got %q, want %q", got, wantRemoved)
	}
}
