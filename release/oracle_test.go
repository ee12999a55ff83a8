package release

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"beansprout/release/aws"
)

// An oracle judges what moves do to a world. It shares no rule with the code that chooses them.
type oracle struct {
	w        *world
	start    map[string]simGroup // as everything was before the release
	need     map[string]int      // how many healthy targets each old group and its successor have to have
	approved bool
	finish   bool      // a person has asked for it
	shifted  time.Time // when the last old instance left the traffic
}

func newOracle(w *world) *oracle {
	o := &oracle{w: w, start: map[string]simGroup{}, need: map[string]int{}, approved: !w.plan.asksApproval()}
	for name, g := range w.groups {
		o.start[name] = g.copy()
	}
	for _, p := range w.plan.pairs() {
		o.need[p.Old.Name] = w.groups[p.Old.Name].Desired
	}
	return o
}

func (g *simGroup) copy() simGroup {
	c := *g
	c.Suspended, c.Tags, c.machines = slices.Sorted(slices.Values(g.Suspended)), maps.Clone(g.Tags), nil
	c.schedules, c.policies = slices.Clone(g.schedules), slices.Clone(g.policies)
	return c
}

// inTraffic counts the healthy targets of a pair.
func (o *oracle) inTraffic(p Pair) (n int) {
	for _, name := range []string{p.Old.Name, p.New.Name} {
		for _, m := range o.w.groups[name].machines {
			if m.target == aws.Healthy && !m.dead {
				n++
			}
		}
	}
	return n
}

// try applies a move, and returns what it breaks.
func (o *oracle) try(m Move, f Facts) error {
	if err := o.standsOnFacts(m, f); err != nil {
		return err
	}
	pairs, healthy, serving := o.w.plan.pairs(), map[string]int{}, map[string]int{}
	old := slices.ContainsFunc(pairs, func(p Pair) bool { return p.Old.Name == m.Group })
	for _, p := range pairs {
		healthy[p.Old.Name] = o.inTraffic(p)
		serving[p.Old.Name] = len(o.w.groups[p.Old.Name].with(aws.InService))
	}
	g := o.w.groups[m.Group]
	switch {
	case (m.Kind == SetTag || m.Kind == RemoveTag) && m.Key == o.w.plan.VersionTag && len(g.machines) > 0:
		return fmt.Errorf("I6: the version tag of %s changes while it has %d instances", m.Group, len(g.machines))
	case m.Kind == Terminate && (!old || !o.approved || o.shifted.IsZero() || !o.finish && o.w.now.Before(o.shifted.Add(o.w.plan.KeepOld))):
		return fmt.Errorf("I4: %v is terminated too early", m.IDs)
	case m.Kind == Resize && old && m.Desired != nil && *m.Desired < g.Desired:
		return fmt.Errorf("I4: %s shrinks from %d to %d", m.Group, g.Desired, *m.Desired)
	case m.Kind == EnterStandby && (!old || !o.approved):
		return fmt.Errorf("I7: %s leaves the traffic before an approval", m.Group)
	}
	if err := o.w.apply(m); err != nil {
		return fmt.Errorf("AWS refuses %s of %s: %w", m.Kind, m.Group, err)
	}
	gone := true
	for _, p := range pairs {
		if n := o.inTraffic(p); n < healthy[p.Old.Name] && n < o.need[p.Old.Name] {
			return fmt.Errorf("I1: %s of %s leaves %d healthy targets, want %d", m.Kind, m.Group, n, o.need[p.Old.Name])
		}
		if n := len(o.w.groups[p.Old.Name].with(aws.InService)); n < serving[p.Old.Name] && m.Kind != EnterStandby {
			return fmt.Errorf("I4: %s of %s ends old instances", m.Kind, m.Group)
		}
		gone = gone && len(o.w.groups[p.Old.Name].with(aws.InService, aws.Pending)) == 0
	}
	if gone && o.shifted.IsZero() {
		o.shifted = o.w.now
	}
	return nil
}

// standsOnFacts refuses a move that changes AWS and does not name what it must have looked at.
func (o *oracle) standsOnFacts(m Move, f Facts) error {
	named := map[FactKind]map[string]bool{}
	for _, s := range m.Stands {
		if named[s.Kind] == nil {
			named[s.Kind] = map[string]bool{}
		}
		named[s.Kind][s.Name] = true
		if o.w.now.Sub(s.At) > 10*time.Second {
			return fmt.Errorf("%s stands on %s %s, which is from %s", m.Kind, s.Kind, s.Name, s.At)
		}
	}
	if _, ok := f.Groups[m.Group]; !ok || !named[GroupFact][m.Group] {
		return fmt.Errorf("%s stands on no reading of %q", m.Kind, m.Group)
	}
	for _, p := range o.w.plan.pairs() {
		if m.Group != p.Old.Name && m.Group != p.New.Name {
			continue
		}
		leaves := m.Kind == EnterStandby || m.Kind == Terminate || m.Kind == Register
		for _, arn := range p.New.TargetGroups {
			if _, ok := f.TargetGroups[arn]; leaves && (!ok || !named[TargetGroupFact][arn]) {
				return fmt.Errorf("%s stands on no health in %s", m.Kind, arn)
			}
		}
		if leaves && !(named[GroupFact][p.Old.Name]) {
			return fmt.Errorf("%s stands on no reading of %s", m.Kind, p.Old.Name)
		}
	}
	return nil
}

// ended returns what a release that has ended has left behind.
func (o *oracle) ended(end Outcome) error {
	for _, p := range o.w.plan.pairs() {
		old, new := o.w.groups[p.Old.Name].copy(), o.w.groups[p.New.Name].copy()
		wantOld, wantNew := o.start[p.Old.Name], o.start[p.New.Name]
		wantOld.Desired = old.Desired // scaling may have moved it
		if end == Finished {
			wantOld, wantNew = o.finished(p, new.Desired)
			if n := len(o.w.groups[p.Old.Name].machines); n > 0 {
				return fmt.Errorf("I5: %d old instances are left", n)
			}
		} else if n := len(o.w.groups[p.New.Name].machines); n > 0 || len(o.w.groups[p.Old.Name].with(aws.Standby, aws.EnteringStandby)) > 0 {
			return fmt.Errorf("I5: %d new instances are left, or old ones in Standby", n)
		}
		for _, x := range []struct{ got, want simGroup }{{old, wantOld}, {new, wantNew}} {
			x.got.At, x.want.At = time.Time{}, time.Time{}
			if got, want := x.got.text(), x.want.text(); got != want {
				return fmt.Errorf("I5: %s is left as\n%s, want\n%s", end, got, want)
			}
		}
	}
	return nil
}

// finished returns what a pair has to be like after a release.
func (o *oracle) finished(p Pair, desired int) (old, new simGroup) {
	old, new = o.start[p.Old.Name], o.start[p.New.Name]
	new.Sizes = aws.Sizes{Min: old.Min, Max: old.Max, Desired: desired}
	new.Suspended = old.Suspended
	new.Tags = map[string]aws.Tag{o.w.plan.VersionTag: {Value: "r41-11111111", Propagate: true}, ReleaseTag: {Value: "production-41", Propagate: true}}
	old.Min, old.Desired = 0, 0
	old.Suspended = []string{aws.AZRebalance, aws.AlarmNotification, aws.ScheduledActions}
	slices.Sort(old.Suspended)
	if o.w.plan.Schedules == MoveThem {
		new.schedules, old.schedules = old.schedules, nil
		tracking := *old.policies[0].Tracking
		metric := *tracking.Customized
		metric.Dimensions = []aws.Dimension{{Name: "AutoScalingGroupName", Value: p.New.Name}}
		tracking.Customized = &metric
		moved := old.policies[0]
		moved.Tracking = &tracking
		new.policies, old.policies = []aws.Policy{moved}, nil
	}
	return old, new
}

func (g simGroup) text() string {
	text := fmt.Sprintln(g.Name, g.Sizes, g.Suspended, g.Tags, g.TargetGroups)
	for _, s := range g.schedules {
		text += fmt.Sprintln(s.Name, s.Recurrence, s.TimeZone, s.Start, s.End, *s.Desired, s.Min, s.Max)
	}
	for _, p := range g.policies {
		text += fmt.Sprintln(p.Name, p.Type, p.Enabled, p.Warmup, p.Tracking.Target, *p.Tracking.Customized)
	}
	return text
}
