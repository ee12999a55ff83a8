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
		"halt": next(t, MoveThem, Shifting, func(k *walk, old, _ *simGroup) {
			old.policies[0].Type, old.schedules = "StepScaling", nil
			k.record.Before["web-0-blue"] = Before{Policies: old.policies, Tags: old.Tags}
		}),
		"end":              next(t, Switch, Finishing, func(_ *walk, old, _ *simGroup) { old.machines = nil }),
		"terminate blue 1": next(t, Switch, Finishing, func(k *walk, _, _ *simGroup) { k.record.First = "" }),
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

func TestACheckFromBeforeTheShiftDoesNotRollBack(t *testing.T) {
	if got := next(t, Switch, Watching, func(k *walk, _, _ *simGroup) { k.failing = true }); got != "wait" {
		t.Errorf("got %s", got)
	}
}

func TestTheIdleSideRestsAlsoAfterAnEdit(t *testing.T) {
	k := reach(t, Switch, Finishing)
	old := k.groups["web-0-blue"]
	old.Suspended = nil
	if err := k.run(func(int) {}); err != nil || len(old.Suspended) != 3 {
		t.Errorf("%q is suspended: %v", old.Suspended, err)
	}
}

func TestARollbackLeavesTheIdleSideItsOwnSchedules(t *testing.T) {
	k := reach(t, MoveThem, Watching)
	idle := k.groups["web-0-green"]
	before := k.record.Before[idle.Name]
	before.Schedules, before.Policies = idle.schedules, idle.policies
	k.record.Before[idle.Name] = before
	k.ask(false)
	_ = k.run(func(int) {})
	if k.record.Outcome != RolledBack || len(idle.schedules) != 1 || len(idle.policies) != 1 {
		t.Errorf("%s: %v %v", k.record.Outcome, idle.schedules, idle.policies)
	}
}
