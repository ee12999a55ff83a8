package janitor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

func TestAnOwnerIsWarnedOnceAndThenInTimeTheEnvironmentGoes(t *testing.T) {
	j, s := house()
	s.add("login", time.Hour)
	j.Warn = 12 * time.Hour
	steps := []struct {
		after   time.Duration
		warned  int
		removed int
	}{{0, 0, 0}, {11 * time.Hour, 1, 0}, {time.Hour, 1, 0}, {11*time.Hour - time.Second, 1, 0}, {time.Second, 1, 1}}
	for i, step := range steps {
		s.age(j, step.after)
		report := sweepLive(t, j)
		if len(s.warned) != step.warned || len(s.removed) != step.removed || report.Count(Warned) > 1 {
			t.Errorf("step %d: %q, warned %q, removed %q", i, said(report), s.warned, s.removed)
		}
	}
}

func TestARemovalWaitsForAWarningThatWasDelivered(t *testing.T) {
	j, s := house("late")
	j.Warn = time.Hour
	s.unheard = errors.New("Slack is down")
	for range 3 {
		report, err := j.Sweep(t.Context(), true)
		if !errors.Is(err, s.unheard) || len(s.removed) > 0 {
			t.Errorf("%v, removed %q", err, s.removed)
		}
		if d := report.Decisions[0]; d.Action != Wait || !strings.Contains(d.Reason, "could not be warned") {
			t.Errorf("%s because %q", d.Action, d.Reason)
		}
		s.age(j, 24*time.Hour)
	}
	s.unheard = nil
	checkSweep(t, s, sweepLive(t, j), "late warned", "")
	s.age(j, time.Hour)
	checkSweep(t, s, sweepLive(t, j), "late removed", "late")
}

func TestNoOwnerIsWarnedWithoutARuleOrAnAnnouncer(t *testing.T) {
	for _, change := range []func(j *Janitor, s *shelf){
		func(j *Janitor, _ *shelf) { j.Warn = 0 },
		func(j *Janitor, s *shelf) { j.Warn, s.quiet = time.Hour, true },
	} {
		j, s := house("a")
		change(j, s)
		checkSweep(t, s, sweepLive(t, j), "a removed", "a")
	}
}

func TestADrySweepWarnsNoOwner(t *testing.T) {
	j, s := house("a")
	j.Warn = time.Hour
	report, err := j.Sweep(t.Context(), false)
	if err != nil || len(s.warned) > 0 || report.Count(Warn) != 1 {
		t.Errorf("%q, %v, warned %q", said(report), err, s.warned)
	}
}

// Only its tags, or what has changed, tell that it stays.
func TestNoOwnerIsWarnedOfWhatStays(t *testing.T) {
	j, s := house("tagged", "unreadable")
	j.Warn = time.Hour
	s.refusals["tagged"] = &envs.KeptError{Reason: "its tag says keep"}
	s.refusals["unreadable"] = &envs.KeptError{Reason: "unreadable", Err: errors.New("denied")}
	report, _ := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "tagged kept, unreadable unknown", "")
	if len(s.warned) > 0 {
		t.Errorf("warned %q", s.warned)
	}
}

// A record that changes between the survey and the removal takes the warning with it.
func TestTheWarningIsAskedForAgainUnderTheLease(t *testing.T) {
	j, s := house("a")
	j.Warn = time.Hour
	sweepLive(t, j)
	s.age(j, 2*time.Hour)
	report := prepared(t, j)
	if report.Count(Remove) != 1 {
		t.Fatalf("%q", said(report))
	}
	s.record("a").Warned = nil
	j.act(t.Context(), &report, true)
	if d := report.Decisions[0]; d.Action != Keep || !strings.Contains(d.Reason, "has to be warned") || len(s.removed) > 0 {
		t.Errorf("%s because %q", d.Action, d.Reason)
	}
}
