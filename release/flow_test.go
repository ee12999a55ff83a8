package release

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/release/aws"
	"beansprout/test/must"
)

// call is a move in short, as a table of calls has it.
func call(m Move) string {
	s := fmt.Sprintf("%s %s", m.Kind, strings.TrimPrefix(m.Group, "web-0-"))
	for _, n := range []struct {
		name string
		n    *int
	}{{"min", m.Min}, {"max", m.Max}, {"desired", m.Desired}} {
		if n.n != nil {
			s += fmt.Sprintf(" %s=%d", n.name, *n.n)
		}
	}
	if len(m.IDs) > 0 {
		s += fmt.Sprintf(" %d", len(m.IDs))
	}
	if m.Key != "" {
		s += " " + m.Key + "=" + m.Tag.Value
	}
	for _, schedule := range m.Schedules {
		s += " " + schedule.Name
	}
	return strings.TrimRight(strings.Join(append([]string{s}, append(m.Processes, append(m.Names, m.Policy.Name)...)...), " "), " ")
}

func calls(moves []Move) (list []string) {
	for _, m := range moves {
		list = append(list, call(m))
	}
	return list
}

const (
	suspended = "AZRebalance ScheduledActions"
	versionIs = "docker:image:version="
)

// forwardCalls are those of a release of one pair of four, canary first, from start to finish.
var forwardCalls = []string{
	"suspend blue " + suspended,
	"resize blue min=4",
	"tag green " + versionIs + "r41-11111111",
	"tag green beansprout:release=production-41",
	"resize green min=1 max=8 desired=1",
	"resize green min=4 max=8 desired=4",
	"resume green AlarmNotification",
	"suspend blue AlarmNotification",
	"resize blue min=0",
	"enter standby blue 4",
	"resize green min=1",
	"resume green " + suspended,
	"terminate blue 1",
	"terminate blue 1",
	"terminate blue 1",
	"terminate blue 1",
}

// moveCalls are what a release adds that moves schedules and policies.
var moveCalls = []string{"put schedules green night", "put policy green cpu", "remove schedules blue night", "remove policy blue cpu"}

func TestAReleaseCallByCall(t *testing.T) {
	for mode, want := range map[ScheduleMode][]string{Switch: forwardCalls, MoveThem: slices.Insert(slices.Clone(forwardCalls), 6, moveCalls...)} {
		k := walkOf(mode)
		must.Succeed(t, k.run(func(int) {}))
		if got := calls(k.moves); !slices.Equal(got, want) {
			t.Errorf("%s: the calls are\n%s, want\n%s", mode, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if k.record.Outcome != Finished || k.record.ApprovedBy != person {
			t.Errorf("%s, approved by %q", k.record.Outcome, k.record.ApprovedBy)
		}
	}
}

func walkOf(mode ScheduleMode) *walk {
	plan := newPlan(1)
	plan.Schedules = mode
	k := newWalk(plan, 4, rand.New(rand.NewPCG(1, 1)))
	k.approve()
	return k
}

func TestARollbackFromTheWatchCallByCall(t *testing.T) {
	want := []string{
		"suspend blue ", "resize green min=4", "exit standby blue 4", "resize blue min=4 desired=4", "resume blue AlarmNotification",
		"resize green min=0 desired=0", "tag green " + versionIs + "r39", "resize green max=6", "resize blue min=1", "resume blue " + suspended, "suspend green AlarmNotification",
	}
	k := walkOf(Switch)
	before := -1
	must.Succeed(t, k.run(func(int) {
		if before < 0 && k.record.Phase == Watching {
			before, k.record.Rollback = len(k.moves), &Request{By: person}
		}
	}))
	want = slices.Insert(want[1:], 0, "suspend green "+suspended)
	want = slices.Insert(want, 6, "remove tag green beansprout:release=")
	if got := calls(k.moves[before:]); !slices.Equal(got, want) {
		t.Errorf("the calls are\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestThereIsAWayBackFromEveryMove asks to go back before the first move and after each other one.
func TestThereIsAWayBackFromEveryMove(t *testing.T) {
	for _, mode := range []ScheduleMode{Switch, MoveThem} {
		all := walkOf(mode)
		must.Succeed(t, all.run(func(int) {}))
		for n := range len(all.moves) + 1 {
			for _, abort := range []bool{false, true} {
				k := walkOf(mode)
				phase := Phase("")
				err := k.run(func(int) {
					if phase == "" && len(k.moves) == n {
						phase = k.record.Phase
						k.ask(abort)
					}
				})
				want := map[Phase]Outcome{Planned: Aborted, Preparing: Aborted, Proving: Aborted, Waiting: Aborted, Shifting: RolledBack, Watching: RolledBack, Finishing: Finished}[phase]
				if err != nil || k.record.Outcome != want {
					t.Errorf("%s, after %d moves, while %s: %s, want %s; %v", mode, n, phase, k.record.Outcome, want, err)
				}
			}
		}
	}
}

func TestOldInstancesOnTheirWayToStandbyServeAgainAtOnce(t *testing.T) {
	k := walkOf(Switch)
	var registered, requested time.Time
	must.Succeed(t, k.run(func(int) {
		if n := len(k.groups["web-0-blue"].with(aws.EnteringStandby)); n == 4 && requested.IsZero() {
			k.ask(false)
			requested = k.now
		}
		if k.last.Kind == Register && registered.IsZero() {
			registered = k.now
		}
	}))
	i := slices.IndexFunc(k.moves, func(m Move) bool { return m.Kind == Register })
	if i < 0 || !registered.Equal(requested) || k.moves[i].TargetGroup != "tg-0" || len(k.moves[i].IDs) != 4 {
		t.Errorf("requested at %s, registered at %s: %s", requested, registered, strings.Join(calls(k.moves), "\n"))
	}
}

func TestAtMostTwentyLeaveTheTrafficWithOneCall(t *testing.T) {
	plan := newPlan(1)
	k := newWalk(plan, 45, rand.New(rand.NewPCG(1, 1)))
	k.approve()
	must.Succeed(t, k.run(func(int) {
		if k.record.Phase == Watching && k.record.Rollback == nil {
			k.ask(false)
		}
	}))
	got := strings.Join(calls(k.moves), "\n")
	for _, want := range []string{"enter standby blue 20\nenter standby blue 20\nenter standby blue 5\n", "exit standby blue 20\nexit standby blue 20\nexit standby blue 5\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the calls are\n%s", got)
		}
	}
}

func TestWhatIsScaledOutMeanwhileIsTakenOver(t *testing.T) {
	for _, phase := range []Phase{Preparing, Proving, Waiting, Shifting} {
		k, done := walkOf(Switch), false
		must.Succeed(t, k.run(func(int) {
			if g := k.groups["web-0-blue"]; !done && k.record.Phase == phase {
				done = true
				g.Desired, k.need[g.Name] = 6, 6
				k.reconcile(g)
			}
		}))
		if g := k.groups["web-0-green"]; g.Desired != 6 || k.record.Outcome != Finished {
			t.Errorf("scaled out while %s: %s with %d instances", phase, k.record.Outcome, g.Desired)
		}
	}
}

func TestAReleaseGoesBackByItself(t *testing.T) {
	for want, change := range map[string]func(*walk){
		"after 15m0s 0 of 1 instances":  func(k *walk) { k.broken["r41-11111111"] = true },
		"is unhealthy in tg-0":          func(k *walk) { k.broken["r41-11111111"] = k.record.Phase == Proving || k.record.Phase == Aborting },
		"green is unhealthy in tg-0":    func(k *walk) { k.broken["r41-11111111"] = k.record.Phase == Watching || k.record.Phase == RollingBack },
		"the check of web fails: 503":   func(k *walk) { k.failing = k.record.Phase == Watching },
		"no person has approved it yet": func(k *walk) { k.record.Approval, k.approved = nil, false },
		`says that it runs "other"`: func(k *walk) {
			for _, m := range k.groups["web-0-green"].machines {
				m.version = "other"
			}
		},
		"is for another plan": func(k *walk) { k.record.Approval.Digest, k.approved = digest, false },
	} {
		k := walkOf(Switch)
		must.Succeed(t, k.run(func(int) { change(k) }))
		if k.record.Outcome == Finished || !strings.Contains(k.last.Reason, want) {
			t.Errorf("%s: %q, want: %s", k.record.Outcome, k.last.Reason, want)
		}
	}
}

func TestOldInstancesThatStartAgainStopTheFinish(t *testing.T) {
	k, halted := walkOf(Switch), 0
	err := k.run(func(int) {
		if g := k.groups["web-0-blue"]; k.record.Phase == Finishing && k.last.Kind == Terminate && halted == 0 {
			g.Desired = 1
			k.reconcile(g)
		}
		if k.last.Kind == Halt {
			halted++
			k.record.Outcome = Aborted
		}
	})
	if n := len(k.groups["web-0-blue"].with(aws.Standby)); halted != 1 || n != 3 {
		t.Errorf("halted %d times with %d in Standby: %v", halted, n, err)
	}
}
