package janitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

const account = "123456789012"

// noon is when every test takes place, by AWS's clock and by ours.
var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// sprout returns an environment of ours as AWS describes it, made so long before noon.
func sprout(feature string, age time.Duration) envs.Env {
	created := noon.Add(-age)
	name := envs.Name(account, "shop", feature)
	return envs.Env{
		ID: "e-" + feature, Name: name, Application: "shop", CNAME: name + ".us-east-1.elasticbeanstalk.com",
		State: envs.Ready, Version: name + "-v1", Created: created, Updated: created, Feature: feature,
	}
}

// shelf holds environments in memory.
type shelf struct {
	survey   envs.Survey
	listed   error            // what the survey ends with
	refusals map[string]error // by feature, what Expire refuses with
	remove   func(ctx context.Context, e envs.Env) (envs.Receipt, error)
	clear    func(name string) error
	troubles map[string]string // by id
	blind    error             // what ImageTroubles ends with

	expired []string // features that Expire was asked about
	removed []string
	cleared []string
	noted   int // -1 where nothing was
	note    envs.LastSweep

	quiet   bool // there is no announcer to warn by
	unheard error
	warned  []string // features
	missing []string // features, and whether that was noted or cleared

	unwritten error // what NoteMissing ends with

	mu sync.Mutex
}

func (s *shelf) Survey(_ context.Context, pick func([]*envs.Candidate, time.Time)) (envs.Survey, error) {
	if s.listed != nil {
		return envs.Survey{}, s.listed
	}
	v := s.survey
	v.Environments = slices.Clone(v.Environments)
	for i, c := range v.Environments {
		fresh := *c
		v.Environments[i] = &fresh
	}
	if pick != nil && !v.Now.IsZero() {
		pick(v.Environments, v.Now)
	}
	for i := range v.Environments {
		c := v.Environments[i]
		if c.Environment.Source = ""; !c.Read {
			c.Environment.Record = nil
		}
	}
	return v, nil
}

func (s *shelf) Expire(ctx context.Context, c envs.Candidate, keep func(envs.Environment, time.Time) string, o envs.Options) (envs.Receipt, error) {
	s.mu.Lock()
	e := s.candidate(c.Environment.Feature).Environment
	s.expired = append(s.expired, e.Feature)
	err := s.refusals[e.Feature]
	s.mu.Unlock()
	if err != nil {
		return envs.Receipt{}, err
	}
	if reason := keep(e, s.survey.Now); reason != "" {
		return envs.Receipt{}, &envs.KeptError{Environment: e.Name, Reason: reason}
	}
	if err := ctx.Err(); err != nil || o.DryRun {
		return envs.Receipt{}, err
	}
	if s.remove != nil {
		return s.remove(ctx, e.Env)
	}
	return s.take(e.Env)
}

func (s *shelf) take(e envs.Env) (envs.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, e.Feature)
	return envs.Receipt{Environment: e.Name, Removed: []string{"environment " + e.ID}}, nil
}

func (s *shelf) RemoveLeftover(_ context.Context, l envs.Leftover, _ envs.Options) (envs.Receipt, error) {
	if s.clear != nil {
		if err := s.clear(l.Name); err != nil {
			return envs.Receipt{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleared = append(s.cleared, l.Name)
	return envs.Receipt{Environment: l.Name, Removed: []string{"version " + l.Name}}, nil
}

func (s *shelf) NoteSweep(_ context.Context, note envs.LastSweep) error {
	s.note, s.noted = note, note.Environments
	return nil
}

func (s *shelf) LastSweep(context.Context) (envs.LastSweep, error) {
	return s.survey.Last, s.survey.LastError
}

func (s *shelf) ImageTroubles(context.Context, []*envs.Environment) (map[string]string, error) {
	return s.troubles, s.blind
}

func (s *shelf) Announces() bool { return !s.quiet }

func (s *shelf) Warn(_ context.Context, e envs.Environment, o envs.Options) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unheard != nil {
		return s.unheard
	}
	s.warned = append(s.warned, e.Feature)
	s.record(e.Feature).Warned = &store.Warning{At: s.survey.Now, Expires: o.Until}
	return nil
}

func (s *shelf) NoteMissing(_ context.Context, e envs.Environment, since time.Time, _ envs.Options) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unwritten != nil {
		return s.unwritten
	}
	s.missing = append(s.missing, fmt.Sprintf("%s %v", e.Feature, !since.IsZero()))
	s.record(e.Feature).MissingSince = since
	return nil
}

// questions returns the features that Expire was asked about, in order.
func (s *shelf) questions() string {
	return strings.Join(slices.Sorted(slices.Values(s.expired)), ", ")
}

// record returns the record of a feature, which speaks of its environment.
func (s *shelf) record(feature string) *store.Record {
	e := &s.candidate(feature).Environment
	rec := store.Record{Environment: e.ID}
	if e.Record != nil {
		rec = *e.Record
	}
	e.Record = &rec
	return e.Record
}

// add puts an environment of ours on the shelf.
func (s *shelf) add(feature string, age time.Duration) *envs.Candidate {
	return s.put(sprout(feature, age))
}

func (s *shelf) put(e envs.Env) *envs.Candidate {
	full := envs.Environment{Env: e, Source: envs.SourceBranch}
	if !e.Created.IsZero() {
		full.Expires = e.Created.Add(24 * time.Hour)
	}
	s.survey.Environments = append(s.survey.Environments, &envs.Candidate{Environment: full, Proved: true, Soonest: full.Expires})
	return s.survey.Environments[len(s.survey.Environments)-1]
}

// candidate returns the one of a feature.
func (s *shelf) candidate(feature string) *envs.Candidate {
	i := slices.IndexFunc(s.survey.Environments, func(c *envs.Candidate) bool { return c.Environment.Feature == feature })
	return s.survey.Environments[i]
}

// addLeftovers has environments that have gone leave versions, which may go.
func (s *shelf) addLeftovers(names ...string) {
	for _, name := range names {
		s.survey.Leftovers = append(s.survey.Leftovers, envs.Leftover{Name: name, Versions: true, Since: noon.Add(-48 * time.Hour)})
	}
}

// house returns a janitor over a shelf with these expired features, the first the oldest.
func house(features ...string) (*Janitor, *shelf) {
	s := &shelf{survey: envs.Survey{Now: noon}, refusals: map[string]error{}, noted: -1}
	for i, f := range features {
		s.add(f, 48*time.Hour-time.Duration(i)*time.Minute)
	}
	return &Janitor{
		Environments: s, MaxDeletions: 10,
		Now: func() time.Time { return noon },
	}, s
}

// said returns what a report says in short: "feature action" each, without those whose end is far away.
func said(r Report) (all []string) {
	for _, d := range r.Decisions {
		if d.far {
			continue
		}
		all = append(all, strings.TrimPrefix(d.Env.ID, "e-")+" "+string(d.Action))
	}
	return all
}

func checkSweep(t *testing.T, s *shelf, r Report, wantSaid, wantRemoved string) {
	t.Helper()
	if got := strings.Join(said(r), ", "); got != wantSaid {
		t.Errorf("report: got %q, want %q", got, wantSaid)
	}
	slices.Sort(s.removed) // they go side by side
	if got := strings.Join(s.removed, ", "); got != wantRemoved {
		t.Errorf("removed: got %q, want %q", got, wantRemoved)
	}
}

func checkReason(t *testing.T, got Decision, want string) {
	t.Helper()
	action := Keep
	if got.Err != nil {
		action = Unknown
	}
	if want == "" {
		action = Remove
	}
	if got.Action != action || !strings.Contains(got.Reason, want) {
		t.Errorf("got %s because %q, want %s because %q", got.Action, got.Reason, action, want)
	}
}
