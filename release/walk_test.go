package release

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"beansprout/release/aws"
)

// A walk drives one release through one world.
type walk struct {
	*world
	*oracle
	record Record
	moves  []Move
	last   Move
}

func newWalk(plan Plan, size int, rng *rand.Rand) *walk {
	w := newWorld(plan, size, rng)
	return &walk{world: w, oracle: newOracle(w), record: Record{Plan: plan, Digest: plan.Digest(), Phase: Planned}}
}

func (k *walk) approve() {
	k.approved = true
	k.record.Approval = &Approval{Number: k.plan.Number, Digest: k.plan.Digest(), By: person, At: k.now}
}

// step makes one move. Time passes with those that wait.
func (k *walk) step() error {
	f := k.facts()
	k.last = Next(k.plan, k.record, f, k.now)
	switch {
	case k.last.ChangesAWS():
		k.moves = append(k.moves, k.last)
		return k.try(k.last, f)
	case k.last.Kind == Wait || k.last.Kind == Halt || k.last.Kind == Gate:
		k.advance(time.Duration(5+k.rng.IntN(90)) * time.Second)
	}
	k.record.Apply(k.last, k.now)
	return nil
}

// run makes moves until the release has ended. Meanwhile is called before each.
func (k *walk) run(meanwhile func(int)) error {
	for i := range 3000 {
		meanwhile(i)
		if err := k.step(); err != nil {
			return fmt.Errorf("%s, move %d: %w", k.record.Phase, i, err)
		}
		if k.last.Kind == End {
			return k.ended(k.record.Outcome)
		}
	}
	return fmt.Errorf("the walk does not end: %s, %s %s", k.record.Phase, k.last.Kind, k.last.Reason)
}

// randomPlan draws how a release is to go.
func randomPlan(rng *rand.Rand) Plan {
	p := newPlan(1 + rng.IntN(2))
	if rng.IntN(2) == 0 {
		p.Schedules = MoveThem
	}
	switch rng.IntN(3) {
	case 0:
		p.Steps = []Step{{All: true}}
	case 1:
		p.Steps = []Step{{Approve: true}, {All: true, For: time.Minute}}
	}
	return p
}

// disturb does to a walk what others do, and crashes.
func (k *walk) disturb(left *int) {
	if *left == 0 || k.rng.IntN(12) > 0 {
		return
	}
	*left--
	pairs := k.plan.pairs()
	p := pairs[k.rng.IntN(len(pairs))]
	old, new := k.groups[p.Old.Name], k.groups[p.New.Name]
	g := old
	if k.rng.IntN(2) == 0 {
		g = new
	}
	switch k.rng.IntN(6) {
	case 0: // scaling, or a person, scales out a side that serves
		if n := len(g.with(aws.InService)); n > 0 && g.Desired > 0 && g.Desired < k.start[p.Old.Name].Max-1 && len(old.with(aws.Standby, aws.EnteringStandby)) == 0 {
			g.Desired++
			k.need[p.Old.Name] = max(k.need[p.Old.Name], g.Desired)
			k.reconcile(g)
		}
	case 1: // an instance dies
		if len(g.machines) > 0 {
			g.machines[k.rng.IntN(len(g.machines))].dead = true
		}
	case 2: // an answer is lost, and the move is made again after a crash
		if f := k.facts(); k.last.ChangesAWS() && k.last.Kind != EnterStandby && k.last.Kind != ExitStandby && k.last.Kind != Terminate && k.last.Kind != Register {
			if again := Next(k.plan, k.record, f, k.now); again.Kind == k.last.Kind {
				_ = k.try(k.last, f)
			}
		}
	case 3: // a crash while nothing is noted
		k.record.Notes = nil
		k.advance(time.Duration(k.rng.IntN(300)) * time.Second)
	case 4:
		k.broken[k.plan.Service.Components[0].Artifact.Version] = k.rng.IntN(2) == 0
	case 5:
		if k.rng.IntN(3) == 0 {
			k.record.Finish, k.finish = &Request{By: person}, true
		} else {
			k.ask(k.rng.IntN(2) == 0)
		}
	}
}

// ask has a person ask to go back.
func (k *walk) ask(abort bool) {
	if request := (&Request{By: person, At: k.now}); abort {
		k.record.Abort = request
	} else {
		k.record.Rollback = request
	}
}

func TestRandomWalksBreakNoRule(t *testing.T) {
	walks := 1000
	switch {
	case os.Getenv("BEANSPROUT_SOAK") != "":
		walks = 50_000
	case raced, testing.Short():
		walks = 100
	}
	ends := map[Outcome]int{}
	for seed := range walks {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		k := newWalk(randomPlan(rng), []int{1, 2, 4, 25}[rng.IntN(4)], rng)
		left, asked := rng.IntN(8), rng.IntN(50)
		err := k.run(func(i int) {
			k.disturb(&left)
			if i == 1000 { // a person mends what waits for one
				k.record.Rollback, k.broken = &Request{By: person}, map[string]bool{}
			}
			if i > asked && k.record.Phase == Waiting && rng.IntN(4) == 0 {
				k.approve()
			}
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		ends[k.record.Outcome]++
	}
	t.Logf("%v", ends)
	for _, end := range []Outcome{Finished, Aborted, RolledBack} {
		if ends[end] < walks/50 {
			t.Errorf("only %d of %d walks are %s", ends[end], walks, end)
		}
	}
}
