package janitor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

// judged returns what Judge says of a feature's environment, as a reader of the board has read it.
func judged(j *Janitor, s *shelf, feature string) Decision {
	e := s.candidate(feature).Environment
	e.Tags = envs.Tags{envs.TagSource: envs.SourceBranch, envs.TagLifecycle: envs.Ephemeral}
	if e.Record == nil {
		e.Record = &store.Record{}
	}
	return j.Judge(e, s.survey.Now)
}

func TestABranchThatIsGoneIsForetoldOnceThatIsNoted(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	if d := judged(j, s, "gone"); d.Action != Keep || !strings.Contains(d.Reason, "expires in") {
		t.Errorf("before a sweep: %s, %q", d.Action, d.Reason)
	}
	sweepLive(t, j)
	for _, passed := range []time.Duration{time.Minute, 2 * time.Hour} {
		s.age(j, passed)
		for _, feature := range []string{"gone", "there"} {
			report, err := j.Sweep(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			said := report.Decisions[slices.IndexFunc(report.Decisions, func(d Decision) bool { return d.Env.Feature == feature })]
			if d := judged(j, s, feature); d.Action != said.Action || d.Reason != said.Reason || !d.Expiry.Equal(said.Expiry) {
				t.Errorf("of %s it is foretold: %s, %q, %v; the sweep says %s, %q, %v", feature, d.Action, d.Reason, d.Expiry, said.Action, said.Reason, said.Expiry)
			}
		}
	}
	if d := judged(j, s, "gone"); d.Action != Remove || !d.BranchGone() {
		t.Errorf("in the end %s, %q", d.Action, d.Reason)
	}
	j.Branches = Branches{}
	if d := judged(j, s, "gone"); d.Action != Keep {
		t.Errorf("where branches do not matter %s, %q", d.Action, d.Reason)
	}
}

func TestWhatIsNotKnownIsForetoldAsSuch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		warn    time.Duration
		quiet   bool
		change  func(*envs.Environment)
		action  Action
		reason  string
		hasNone string
	}{
		{"tags that were not read", 0, true, func(e *envs.Environment) { e.Tags = nil }, Remove, "unless its tags keep it", ""},
		{"tags that were not read, of which an owner is warned", time.Hour, false, func(e *envs.Environment) { e.Tags = nil }, Warn, "unless its tags keep it", ""},
		{"tags that were read", 0, true, func(*envs.Environment) {}, Remove, "its days are over", "unless"},
		{"tags that protect it", 0, true, func(e *envs.Environment) { e.Tags = envs.Tags{envs.TagLifecycle: envs.Keep} }, Keep, "is protected", ""},
		{"tags of an unknown lifecycle", 0, true, func(e *envs.Environment) { e.Tags = envs.Tags{envs.TagLifecycle: "forever"} }, Keep, "which is unknown", ""},
		{"no record", 0, true, func(e *envs.Environment) { e.Record = nil }, Unknown, unreadable, ""},
		{"a record that is garbage now", 0, true, func(e *envs.Environment) { e.Unread = errors.New("garbage") }, Unknown, unreadable, ""},
		{"a record that protects it", 0, true, func(e *envs.Environment) {
			e.Record = &store.Record{Environment: e.ID, Protected: &store.Protection{By: "kim"}}
		}, Keep, "kim keeps it", ""},
		{"no announcer to warn by", time.Hour, true, func(*envs.Environment) {}, Remove, "its days are over", ""},
		{"an owner that has to be warned", time.Hour, false, func(*envs.Environment) {}, Warn, "has to be warned", ""},
		{"a termination", 0, true, func(e *envs.Environment) { e.State, e.Updated = envs.Terminating, noon }, Keep, "is gone already", ""},
		{"a termination that is stuck", 0, true, func(e *envs.Environment) { e.State, e.Updated = envs.Terminating, noon.Add(-time.Hour) }, Wait, "AWS has been removing it", ""},
		{"an address that is another one's", 0, true, func(e *envs.Environment) { e.Moved = "it looks swapped" }, Keep, "swapped", ""},
	} {
		j, s := house("old")
		j.Warn, s.quiet = tt.warn, tt.quiet
		e := s.candidate("old").Environment
		e.Record, e.Tags = &store.Record{}, envs.Tags{envs.TagLifecycle: envs.Ephemeral}
		tt.change(&e)
		d := j.Judge(e, noon)
		if d.Action != tt.action || !strings.Contains(d.Reason, tt.reason) || tt.hasNone != "" && strings.Contains(d.Reason, tt.hasNone) {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, d.Action, d.Reason, tt.action, tt.reason)
		}
	}
}
