package envs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// The account shares two reads a second of environments and their tags.
func TestASweepReadsNoTagsBeforeItsBrakes(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for i := range 12 {
		p.deployed(deployment(fmt.Sprint("feature-", i), "one"), Created)
	}
	p.cloud.Advance(6 * day)
	for what, tt := range map[string]struct {
		look  func() error
		limit int
	}{
		"Survey": {func() error { _, err := p.manager.Survey(t.Context(), pickDue); return err }, 5},
		"Expire": {func() error {
			_, err := p.manager.Expire(t.Context(), p.candidate("feature-1"), isTime, Options{DryRun: true})
			return err
		}, 5 + 2}, // with a survey, which lists; an environment and its tags
	} {
		before := len(p.cloud.Calls())
		if err := tt.look(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		metered := 0
		for _, call := range p.cloud.Calls()[before:] {
			if call.Service == "elasticbeanstalk" {
				metered++
			}
			if call.Action == "PutObject" {
				t.Errorf("%s writes", what)
			}
		}
		if metered > tt.limit {
			t.Errorf("%s of 12 environments makes %d metered calls, want at most %d", what, metered, tt.limit)
		}
	}
}

func TestASurveyReadsRecordsAndTheLastSweep(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for _, feature := range []string{"old", "protected", "extended", "garbled", "swapped"} {
		p.deployed(deployment(feature, "one"), Created)
	}
	p.protect(p.candidate("protected").Environment)
	if _, err := p.manager.Extend(t.Context(), p.candidate("extended").Environment, day, Options{}); err != nil {
		t.Fatal(err)
	}
	p.swap("swapped")
	noted := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	if err := p.manager.NoteSweep(t.Context(), LastSweep{Environments: 40, At: noted, Missing: []string{"e-x"}}); err != nil {
		t.Fatal(err)
	}
	p.cloud.Advance(5*day + time.Minute)
	p.putRecord(p.name("garbled"), "<html>")
	p.before(1, "TerminateEnvironment", func() string { return "AccessDenied" })
	if _, err := p.manager.Expire(t.Context(), p.candidate("old"), isTime, Options{}); err == nil {
		t.Error("what AWS refuses is no error")
	}
	v, err := p.manager.Survey(t.Context(), pickDue)
	if err != nil || v.Last.Environments != 40 || !v.Last.At.Equal(noted) || len(v.Last.Missing) != 1 || v.LastError != nil {
		t.Errorf("the last sweep noted %+v, %v, %v", v.Last, v.LastError, err)
	}
	if last, err := p.manager.LastSweep(t.Context()); err != nil || last.Environments != 40 {
		t.Errorf("the last sweep alone: %+v, %v", last, err)
	}
	for feature, want := range map[string]string{"old": "", "protected": "kim keeps it", "extended": "", "garbled": "", "swapped": ""} {
		c := p.candidate(feature)
		if c.Tried.IsZero() == (feature == "old") {
			t.Errorf("the removal of %s was begun at %v", feature, c.Tried)
		}
		if c.Proved == (feature == "swapped") || c.Foreign {
			t.Errorf("%s: proved %v, foreign %v", feature, c.Proved, c.Foreign)
		}
		if !strings.HasPrefix(c.Reason, want) || want == "" && c.Reason != "" || (c.Environment.Moved != "") != (feature == "swapped") || errors.Is(c.Err, store.ErrGarbage) != (feature == "garbled") {
			t.Errorf("%s: %+v", feature, c)
		}
	}
	for _, c := range v.Environments {
		if stranger := c.Environment.Name == "shop-live"; c.Foreign != stranger {
			t.Errorf("%s: foreign %v", c.Environment.Name, c.Foreign)
		}
	}
	p.before(1, "DescribeApplicationVersions", func() string { return "AccessDenied" })
	if v, err := p.manager.Survey(t.Context(), pickDue); err != nil || v.LeftoversErr == nil || len(v.Leftovers) > 0 {
		t.Errorf("where versions can't be listed: %+v, %v, %v", v.Leftovers, v.LeftoversErr, err)
	}
	if c := p.candidate("extended"); !c.Environment.Expires.After(v.Now) {
		t.Errorf("what was extended expires at %v", c.Environment.Expires)
	}
	if _, err := p.manager.Remove(t.Context(), p.candidate("swapped").Environment, RemoveOptions{}); !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), "lost its address") {
		t.Errorf("what may be production by now is removed: %v", err)
	}
}

// AWS may have deleted the tags of what is going away, and of nothing else.
func TestWhatHasLostItsTagsIsNotOurs(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created).Env
	for _, tt := range []struct {
		state  State
		proved bool
	}{{Ready, false}, {Terminating, true}} {
		e.State = tt.state
		p.before(1, "ListTagsForResource", func() string { return "ResourceNotFoundException" })
		if _, _, err := p.manager.identify(t.Context(), e); (err == nil) != tt.proved {
			t.Errorf("%s: %v", tt.state, err)
		}
	}
}

// swap gives the address of the feature's environment to another one, as a person does.
func (p *plot) swap(feature string) {
	p.Helper()
	e := p.launched("shop-live", nil)
	name := p.name(feature)
	_, err := p.bare().SwapEnvironmentCNAMEs(p.Context(), &elasticbeanstalk.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: &name, DestinationEnvironmentName: &e.Name})
	for _, name := range []string{name, e.Name} {
		if err == nil {
			e, err = p.manager.beanstalk.Find(p.Context(), name, nil)
		}
		if err == nil {
			_, err = p.manager.beanstalk.Settle(p.Context(), e)
		}
	}
	if err != nil {
		p.Fatal(err)
	}
}
