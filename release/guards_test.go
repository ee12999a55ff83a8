package release

import (
	"strings"
	"testing"
	"time"

	"beansprout/release/aws"
)

// next returns what is done after a change of what is true in a phase.
func next(t *testing.T, mode ScheduleMode, phase Phase, change func(k *walk, old, idle *simGroup)) string {
	t.Helper()
	k := reach(t, mode, phase)
	change(k, k.groups["web-0-blue"], k.groups["web-0-green"])
	for {
		m := Next(k.plan, k.record, k.facts(), k.now)
		if m.Kind != Suspend && m.Kind != Resume {
			return strings.TrimRight(call(m)+" "+string(m.Phase), " ")
		}
		if err := k.apply(m); err != nil {
			t.Fatal(err)
		}
	}
}

func unhealthy(groups ...*simGroup) {
	for _, g := range groups {
		for _, m := range g.machines {
			m.target = aws.Unhealthy
		}
	}
}

func TestWhatIsTrueNowDecidesTheMove(t *testing.T) {
	for want, got := range map[string]string{
		"enter rolling back": next(t, Switch, Shifting, func(k *walk, _, idle *simGroup) { unhealthy(idle); k.now = k.now.Add(time.Hour) }),
		"resize blue min=0":  next(t, Switch, Finishing, func(_ *walk, old, _ *simGroup) { old.Min = 1 }),
		"wait": next(t, Switch, Finishing, func(k *walk, old, _ *simGroup) {
			k.set(old.machine(k.record.First), aws.Terminating, "")
		}),
		"resize green min=0 desired=0": next(t, Switch, Proving, func(k *walk, old, idle *simGroup) { k.record.Phase = Aborting; unhealthy(old, idle) }),
		"terminate blue 1":             next(t, Switch, Finishing, func(k *walk, _, _ *simGroup) { k.record.First = "" }),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAnAbortLeavesSchedulesAsOthersEditedThem(t *testing.T) {
	k := reach(t, MoveThem, Proving)
	k.groups["web-0-blue"].schedules = nil
	k.ask(true)
	for range 200 {
		if err := k.step(); err != nil {
			t.Fatal(err)
		}
	}
	if k.record.Outcome != Aborted || k.groups["web-0-blue"].schedules != nil {
		t.Errorf("%s: %v", k.record.Outcome, k.groups["web-0-blue"].schedules)
	}
}
