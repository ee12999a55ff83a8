package janitor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"beansprout/envs"
)

func TestLeftoversShareTheBrakesOfASweep(t *testing.T) {
	j, s := house("old")
	j.MaxDeletions = 2
	s.addLeftovers("a", "b", "c")
	dry, err := j.Sweep(t.Context(), false)
	if err != nil || len(s.cleared) > 0 || len(dry.Leftovers) != 3 || dry.Leftovers[0].Action != Remove {
		t.Errorf("dry: %+v, %v and cleared %v", dry.Leftovers, err, s.cleared)
	}
	report, err := j.Sweep(t.Context(), true)
	if err != nil || strings.Join(s.removed, ",") != "old" || strings.Join(s.cleared, ",") != "a" {
		t.Errorf("removed %v, cleared %v, %v", s.removed, s.cleared, err)
	}
	checkReason(t, report.Leftovers[1], "one sweep removes at most 2")
	if d := report.Leftovers[0]; d.Action != Removed || d.Receipt == nil || d.Receipt.Environment != "a" {
		t.Errorf("got %+v", d)
	}
}

func TestTooManyLeftoversAreAMistake(t *testing.T) {
	j, s := house()
	j.MaxDeletions = 100
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprint("name-", i))
	}
	s.addLeftovers(names...)
	report, err := j.Sweep(t.Context(), true)
	if err != nil || len(s.cleared) > 0 {
		t.Errorf("%v, and cleared %v", err, s.cleared)
	}
	checkReason(t, report.Leftovers[0], "11 of 11 are to be removed, the limit is 10")
	j.Max = 11
	if _, err := j.Sweep(t.Context(), true); err != nil || len(s.cleared) != 11 {
		t.Errorf("%v, and cleared %d", err, len(s.cleared))
	}
}

func TestLeftoversThatCannotBeListedStayAndEnvironmentsGo(t *testing.T) {
	j, s := house("old")
	denied := errors.New("access denied")
	s.survey.LeftoversErr = denied
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, denied) || len(s.cleared) > 0 || len(report.Leftovers) > 0 {
		t.Errorf("%v, and cleared %v", err, s.cleared)
	}
	checkSweep(t, s, report, "old removed", "old")
}

func TestOneLeftoverThatFailsLeavesTheOthersAlone(t *testing.T) {
	j, s := house()
	s.addLeftovers("busy", "fine", "panics", "stuck")
	stuck := errors.New("access denied")
	s.clear = func(name string) error {
		switch name {
		case "busy":
			return fmt.Errorf("%w: up is at work", envs.ErrNotReady)
		case "stuck":
			return stuck
		case "panics":
			panic("nil map")
		}
		return nil
	}
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, stuck) || !strings.Contains(err.Error(), "panic: nil map") || errors.Is(err, envs.ErrNotReady) {
		t.Errorf("got %v", err)
	}
	if strings.Join(s.cleared, ",") != "fine" || len(report.Leftovers) != 4 {
		t.Errorf("cleared %v", s.cleared)
	}
	checkReason(t, report.Leftovers[0], "up is at work: next sweep")
}

func TestALeftoverThatFailedBeforeGoesLastAndSaysWhy(t *testing.T) {
	j, s := house()
	j.MaxDeletions = 1
	s.addLeftovers("a", "b")
	s.survey.Leftovers[0].Failure = "access denied"
	report, err := j.Sweep(t.Context(), true)
	if err != nil || strings.Join(s.cleared, ",") != "b" {
		t.Errorf("cleared %v, %v", s.cleared, err)
	}
	if d := report.Leftovers[1]; d.Env.Name != "a" || !strings.Contains(d.Reason, "left for the next sweep") || !strings.Contains(d.Reason, "its last removal failed: access denied") {
		t.Errorf("got %s because %q", d.Env.Name, d.Reason)
	}
	j.MaxDeletions = 2
	dry, err := j.Sweep(t.Context(), false)
	if d := dry.Leftovers[1]; err != nil || d.Action != Remove || d.Reason != "its last removal failed: access denied" {
		t.Errorf("dry: got %s because %q, %v", d.Action, d.Reason, err)
	}
}

func TestTheTagsOfImagesThatStayAreNamed(t *testing.T) {
	j, s := house()
	s.survey.Leftovers = []envs.Leftover{{Name: "a", Images: true, Reason: "isn't known to be ours"}, {Name: "b", Reason: "is young"}}
	report, err := j.Sweep(t.Context(), true)
	if err != nil || len(report.Leftovers) != 1 || report.Leftovers[0].Env.Name != "a" || report.Leftovers[0].Action != Keep {
		t.Errorf("%+v, %v", report.Leftovers, err)
	}
}
