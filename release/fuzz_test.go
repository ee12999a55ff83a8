package release

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"beansprout/release/aws"
)

// confused returns facts and a record in which anything may be: what was true at some moment of a release,
// with parts of it changed, missing or old.
func confused(rng *rand.Rand) (*walk, Facts) {
	k := newWalk(randomPlan(rng), []int{1, 4, 25}[rng.IntN(3)], rng)
	for range rng.IntN(60) {
		if k.record.Phase == Waiting {
			k.approve()
		}
		_ = k.step()
	}
	phases := []Phase{Planned, Preparing, Proving, Waiting, Shifting, Watching, Finishing, Aborting, RollingBack, "unknown", ""}
	if rng.IntN(2) == 0 {
		k.record.Phase = phases[rng.IntN(len(phases))]
	}
	if rng.IntN(4) == 0 {
		k.record.Step = rng.IntN(5) - 1
	}
	for _, p := range k.plan.pairs() {
		for _, g := range []*simGroup{k.groups[p.Old.Name], k.groups[p.New.Name]} {
			shake(rng, g)
		}
	}
	f := k.facts()
	drop(rng, f.Groups)
	drop(rng, f.TargetGroups)
	drop(rng, f.Machines)
	drop(rng, f.Schedules)
	drop(rng, f.Policies)
	drop(rng, f.Refreshes)
	drop(rng, f.Checks)
	drop(rng, k.record.Before)
	for name, g := range f.Groups {
		if rng.IntN(8) == 0 {
			g.At = k.now.Add(time.Duration(rng.IntN(60)-30) * time.Second)
			f.Groups[name] = g
		}
	}
	return k, f
}

// shake changes a group as no one foresees.
func shake(rng *rand.Rand, g *simGroup) {
	states := []aws.Lifecycle{aws.Pending, "Pending:Wait", aws.InService, aws.EnteringStandby, aws.Standby, aws.Terminating, aws.Retained, "Warmed:Running", "Detaching", ""}
	for _, m := range g.machines {
		if rng.IntN(4) == 0 {
			m.state = states[rng.IntN(len(states))]
		}
		if rng.IntN(4) == 0 {
			m.target = []aws.TargetState{aws.Healthy, aws.Unhealthy, aws.Draining, aws.Initial, ""}[rng.IntN(5)]
		}
		if rng.IntN(10) == 0 {
			m.version = "other"
		}
	}
	if rng.IntN(3) == 0 {
		g.Sizes = aws.Sizes{Min: rng.IntN(5), Max: rng.IntN(30), Desired: rng.IntN(8)}
	}
	if rng.IntN(6) == 0 {
		g.Suspended = []string{[]string{aws.Launch, aws.Terminate, aws.AZRebalance}[rng.IntN(3)]}
	}
}

func drop[V any](rng *rand.Rand, facts map[string]V) {
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		if rng.IntN(40) == 0 {
			delete(facts, name)
		}
	}
}

// FuzzNext has Next decide about anything at all. No move of it stops an old instance that must serve.
func FuzzNext(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(binary.BigEndian.AppendUint64(nil, seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 8 {
			return
		}
		k, facts := confused(rand.New(rand.NewPCG(binary.BigEndian.Uint64(text), 2)))
		m := Next(k.plan, k.record, facts, k.now)
		if again := Next(k.plan, k.record, facts, k.now); call(again) != call(m) || again.Reason != m.Reason {
			t.Errorf("first %s, then %s", call(m), call(again))
		}
		_ = Refusals(k.plan, facts, k.now)
		if !m.ChangesAWS() {
			return
		}
		if err := k.standsOnFacts(m, facts); err != nil {
			t.Error(err)
		}
		if why := k.unsafe(m, facts); why != "" {
			t.Errorf("%s while %s: %s", call(m), k.record.Phase, why)
		}
	})
}

// unsafe returns why a move must not be made by these facts, or "".
func (k *walk) unsafe(m Move, f Facts) string {
	for _, p := range k.plan.pairs() {
		old, new := f.Groups[p.Old.Name], f.Groups[p.New.Name]
		serving := func(g aws.Group) (n int) {
			for _, i := range g.Instances {
				if i.Lifecycle == aws.InService && f.TargetGroups[p.New.TargetGroups[0]].Targets[i.ID].State == aws.Healthy {
					n++
				}
			}
			return n
		}
		switch {
		case m.Kind == EnterStandby && m.Group == new.Name:
			return "new instances leave the traffic"
		case m.Kind == EnterStandby && m.Group == old.Name && serving(new) < max(old.Desired, old.Count(aws.InService)):
			return "too few new ones are healthy"
		case m.Kind == EnterStandby && m.Group == old.Name && k.plan.asksApproval() && !k.approved:
			return "it is not approved"
		case m.Kind == Resize && m.Group == new.Name && m.Desired != nil && *m.Desired == 0 && serving(new) > 0 && serving(old) < max(old.Desired, new.Desired):
			return "too few old ones are healthy"
		case m.Kind == Resize && m.Group == old.Name && m.Desired != nil && *m.Desired < old.Desired:
			return "the old side shrinks"
		case m.Kind == Terminate && (k.record.Phase != Finishing || m.Group != old.Name || old.Desired != 0 || old.Min != 0 || !slices.Contains(old.IDs(aws.Standby), m.IDs[0])):
			return "it is terminated"
		case (m.Kind == SetTag || m.Kind == RemoveTag) && (m.Group != new.Name || len(new.Instances) > new.Count(aws.Retained)) && (m.Group == new.Name || m.Group == old.Name):
			return "a tag of a group with instances changes"
		}
	}
	return ""
}
