package autoscaling

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/test/must"
)

// TestDrawnOperationsKeepTheInvariants draws operations and looks at the group after each: the sizes
// are in order, no id was there before, the capacity is what is desired as far as the group can have it, the
// zones are balanced once nothing moves, and what is registered is what serves.
func TestDrawnOperationsKeepTheInvariants(t *testing.T) {
	steps := 60
	if testing.Short() {
		steps = 20
	}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inScene(t, func(s *scene) {
				s.create("1-8", "DesiredCapacity=3", "HealthCheckType=ELB", "HealthCheckGracePeriod=5", "TerminationPolicies.member.1=OldestInstance")
				w := &watch{scene: s, seen: map[string]bool{}, draw: rand.New(rand.NewPCG(seed, 17))}
				for range steps {
					done := w.step()
					w.look(done)
				}
				s.do("ResumeProcesses")
				s.balancer.is()
				s.after(5 * time.Minute)
				w.settled()
			})
		})
	}
}

// watch draws operations and knows all ids that there were.
type watch struct {
	*scene
	draw *rand.Rand
	seen map[string]bool // whether it is listed now
}

// step does something and returns what it was.
func (w *watch) step() string {
	some := func() string {
		all := w.group().Instances
		if len(all) == 0 {
			return "i-none"
		}
		return all[w.draw.IntN(len(all))].ID
	}
	n, id := fmt.Sprint(w.draw.IntN(9)), some()
	decrement := "ShouldDecrementDesiredCapacity=" + fmt.Sprint(w.draw.IntN(2) == 0)
	process := "ScalingProcesses.member.1=" + processes[w.draw.IntN(len(processes))]
	did := ""
	try := func(action string, parameters ...string) {
		did = fmt.Sprint(action, " ", parameters, ": ")
		did += strings.SplitN(w.call(action, parameters...), "\n", 2)[0]
	}
	switch w.draw.IntN(12) {
	case 0, 1:
		try("SetDesiredCapacity", "DesiredCapacity="+n)
	case 2:
		try("UpdateAutoScalingGroup", "MinSize="+fmt.Sprint(w.draw.IntN(4)), "MaxSize="+fmt.Sprint(4+w.draw.IntN(5)))
	case 3, 4:
		try("EnterStandby", "InstanceIds.member.1="+id, decrement)
	case 5, 6:
		try("ExitStandby", "InstanceIds.member.1="+id)
	case 7:
		try("TerminateInstanceInAutoScalingGroup", "InstanceId="+id, decrement)
	case 8:
		try("SuspendProcesses", process)
	case 9:
		try("ResumeProcesses")
	case 10:
		w.balancer.is(id)
		did = "sick: " + id
	case 11:
		must.Succeed(w, w.fleet.Terminate("Client.Test: gone", id))
		did = "terminated behind the group's back: " + id
	}
	w.after(time.Duration(w.draw.IntN(40)) * time.Second)
	if w.draw.IntN(20) == 0 {
		w.restart()
	}
	return did
}

// look checks what holds at every moment.
func (w *watch) look(after string) {
	w.Helper()
	g := w.group()
	if g.Min > g.Desired || g.Desired > g.Max {
		w.Errorf("%s: the sizes are %v", after, g.sizes)
	}
	for id, listed := range w.seen {
		if again := g.member(id) != nil; again && !listed {
			w.Errorf("%s: %s is listed again", after, id)
		} else {
			w.seen[id] = again
		}
	}
	for _, m := range g.Instances {
		w.seen[m.ID] = true
	}
	extra := slices.ContainsFunc(g.Instances, func(m member) bool { return m.Extra })
	switch active := g.active(); {
	case active < g.Desired && !g.suspended("Launch") && !g.RetryAt.After(time.Now()):
		w.Errorf("%s: %d are active, %d desired, and none is launched", after, active, g.Desired)
	case active > g.Desired && !g.suspended("Terminate") && !extra:
		w.Errorf("%s: %d are active, %d desired, and none is terminated", after, active, g.Desired)
	}
}

// settled checks what holds when nothing moves any more.
func (w *watch) settled() {
	w.Helper()
	w.look("at the end")
	g := w.group()
	counts := g.perZone()
	if slices.Max(counts)-slices.Min(counts) > 1 {
		w.Errorf("the zones have %v", counts)
	}
	serving := 0
	for _, m := range g.Instances {
		switch m.State {
		case inService:
			serving++
		case standby:
		default:
			w.Errorf("%s is still %s", m.ID, m.State)
		}
	}
	if serving != g.Desired {
		w.Errorf("%d serve, %d are desired", serving, g.Desired)
	}
	for _, i := range w.fleet.All(region) {
		if i.State == "running" && g.member(i.ID) == nil {
			w.Errorf("%s is running and in no group", i.ID)
		}
	}
}
