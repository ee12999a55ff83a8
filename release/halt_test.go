package release

import (
	"strings"
	"testing"
	"time"

	"beansprout/release/aws"
)

// reach walks a release to a phase, and returns it there.
func reach(t *testing.T, mode ScheduleMode, phase Phase) *walk {
	t.Helper()
	k := walkOf(mode)
	for range 1000 {
		if k.record.Phase == phase {
			return k
		}
		if err := k.step(); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the release does not get to %s", phase)
	return nil
}

func TestWhatContradictsTheRecordHalts(t *testing.T) {
	const old, idle = "web-0-blue", "web-0-green"
	for want, change := range map[string]func(*walk){
		"the record is about another plan":   func(k *walk) { k.record.Digest = digest },
		"no step 0":                          func(k *walk) { k.record.Step = -1 },
		"the plan has no step 4":             func(k *walk) { k.record.Step = 3 },
		"step 2 is an approval":              func(k *walk) { k.record.Step = 1 },
		"step 1 is no approval":              func(k *walk) { k.record.Phase = Waiting },
		"what web-0-green was like before":   func(k *walk) { delete(k.record.Before, idle) },
		"phase \"\" is not known":            func(k *walk) { k.record.Phase = "" },
		"web-0-blue does not exist any more": func(k *walk) { k.groups[old].Missing = true },
		"the MaxSize of web-0-blue is 3":     func(k *walk) { k.record.Step, k.groups[old].Max = 2, 3 },
		"its MaxSize is 3: raise it": func(k *walk) {
			k.record.Phase, k.groups[old].Desired, k.groups[old].Max, k.groups[idle].Desired = RollingBack, 3, 3, 5
		},
		"can't leave Standby":                 func(k *walk) { k.record.Phase, k.groups[old].Max = RollingBack, 4; k.left(old, aws.Standby) },
		"traffic does not move: no person":    func(k *walk) { k.record.Phase, k.record.Approval = Shifting, nil },
		"is to have Standby instances":        func(k *walk) { k.record.Phase = Finishing },
		"so web-0-green stays in traffic":     func(k *walk) { k.toRollback(); k.advance(time.Hour) },
		"can't be carried out: the plan has ": func(k *walk) { k.plan.Service.Components = nil },
	} {
		k := reach(t, Switch, Proving)
		change(k)
		m := Next(k.plan, k.record, k.facts(), k.now)
		for range 10 {
			if !m.ChangesAWS() {
				break
			}
			if err := k.apply(m); err != nil {
				t.Fatal(err)
			}
			m = Next(k.plan, k.record, k.facts(), k.now)
		}
		if m.Kind != Halt || !strings.Contains(m.Reason, want) {
			t.Errorf("got %s %q, want: %s", m.Kind, m.Reason, want)
		}
	}
}

// toRollback has a release roll back to an old side whose instances are unhealthy.
func (k *walk) toRollback() {
	k.record.Phase = RollingBack
	k.broken["r40"] = true
	for _, m := range k.groups["web-0-blue"].machines {
		m.target = aws.Unhealthy
	}
}

func TestWhatWasNotReadJustNowMakesItWait(t *testing.T) {
	for what, change := range map[string]func(*walk, *Facts){
		"an old reading":          func(k *walk, _ *Facts) { k.now = k.now.Add(factMaxAge + time.Second) },
		"a reading of the future": func(k *walk, _ *Facts) { k.now = k.now.Add(-factMaxAge - time.Second) },
		"no group":                func(_ *walk, f *Facts) { delete(f.Groups, "web-0-blue") },
		"no health":               func(_ *walk, f *Facts) { delete(f.TargetGroups, "tg-0") },
		"no machine":              func(_ *walk, f *Facts) { f.Machines = nil },
		"no refreshes":            func(_ *walk, f *Facts) { f.Refreshes = nil },
		"no rules":                func(_ *walk, f *Facts) { f.Rules = aws.Rules{} },
	} {
		k := reach(t, Switch, Shifting)
		f := k.facts()
		if m := Next(k.plan, k.record, f, k.now); !m.ChangesAWS() && m.Kind != Wait {
			t.Fatalf("it starts with %s", m.Kind)
		}
		change(k, &f)
		if m := Next(k.plan, k.record, f, k.now); m.Kind != Wait || !strings.Contains(m.Reason, "read") {
			t.Errorf("%s: %s %q", what, m.Kind, m.Reason)
		}
	}
}

func TestOnlyInstancesThatRunAreRegisteredAgain(t *testing.T) {
	k := reach(t, Switch, Shifting)
	for k.last.Kind != EnterStandby {
		if err := k.step(); err != nil {
			t.Fatal(err)
		}
	}
	k.ask(false)
	k.groups["web-0-blue"].machines[0].dead = true
	for range 10 {
		if k.last.Kind == Register {
			break
		}
		if err := k.step(); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.last.IDs) != 3 {
		t.Errorf("%s", call(k.last))
	}
}

func TestAScheduledActionIsPutAsItCanBe(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	past, ahead := now.Add(-time.Hour), now.Add(time.Hour)
	for name, test := range map[string]struct {
		s    aws.Schedule
		puts bool
		same bool // as it was
	}{
		"absent stays absent":  {aws.Schedule{Recurrence: "0 0 * * *"}, true, true},
		"started long ago":     {aws.Schedule{Recurrence: "0 0 * * *", Start: &past}, true, true}, // its start is not compared
		"once, in the past":    {aws.Schedule{Start: &past}, false, false},
		"once, in the future":  {aws.Schedule{Start: &ahead}, true, true},
		"has ended":            {aws.Schedule{Recurrence: "0 0 * * *", End: &past}, false, true},
		"ends in the future":   {aws.Schedule{Recurrence: "0 0 * * *", End: &ahead}, true, true},
		"another zone of time": {aws.Schedule{Recurrence: "0 0 * * *", TimeZone: "Asia/Seoul", Start: &ahead}, true, true},
	} {
		got, puts := upcoming(test.s, now)
		if puts != test.puts || sameSchedule(got, test.s) != test.same || puts && got.Start != nil && !got.Start.After(now) {
			t.Errorf("%s: %+v, %t", name, got, puts)
		}
	}
	if one := 1; sameSchedule(aws.Schedule{Min: &one}, aws.Schedule{}) || sameSchedule(aws.Schedule{TimeZone: "x"}, aws.Schedule{}) || sameSchedule(aws.Schedule{Start: &past}, aws.Schedule{Start: &ahead}) || sameSchedule(aws.Schedule{End: &past}, aws.Schedule{}) {
		t.Error("different actions are the same")
	}
}

func TestWhatStandbyTookOutIsStillInDemand(t *testing.T) {
	g := aws.Group{Sizes: aws.Sizes{Desired: 1}}
	for i, state := range []aws.Lifecycle{aws.InService, aws.InService, aws.Standby, aws.EnteringStandby, aws.Terminating, aws.Pending} {
		g.Instances = append(g.Instances, aws.Instance{ID: string(rune('a' + i)), Lifecycle: state})
	}
	if n := demand(g); n != 4 {
		t.Errorf("%d instances are in demand, want 4", n)
	}
}

func TestAnApprovalOfWhatIsUnhealthyDoesNotGoOn(t *testing.T) {
	k := reach(t, Switch, Waiting)
	if m := Next(k.plan, k.record, k.facts(), k.now); m.Kind != Enter || m.Phase != Preparing {
		t.Fatalf("with an approval it goes on with %s %s", m.Kind, m.Phase)
	}
	k.groups["web-0-green"].machines[0].target = aws.Unhealthy
	if m := Next(k.plan, k.record, k.facts(), k.now); m.Kind != Gate || !strings.Contains(m.Reason, "0 of 1 instances of web-0-green are healthy") {
		t.Errorf("%s %q", m.Kind, m.Reason)
	}
	k.now = k.now.Add(k.plan.ApproveWithin)
	if m := Next(k.plan, k.record, k.facts(), k.now); m.Kind != Enter || m.Phase != Aborting {
		t.Errorf("after the time for an approval: %s %s", m.Kind, m.Phase)
	}
}
