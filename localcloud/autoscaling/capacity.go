package autoscaling

import (
	"cmp"
	"fmt"
	"slices"

	"beansprout/localcloud/instance"
)

// fill adds members while the group wants more of them. They are launched in the next pass, when
// their ids are on disk.
func (p *pass) fill() error {
	if p.Deleting || p.suspended("Launch") {
		return nil
	}
	missing := p.Desired - p.active()
	if missing <= 0 {
		return nil
	}
	if p.RetryAt.After(p.Now) {
		p.later(p.RetryAt)
		return nil
	}
	for range missing {
		n := p.active()
		cause := fmt.Sprintf("At %s an instance was started in response to a difference between desired and actual capacity, increasing the capacity from %d to %d.", stamp(p.Now), n, n+1)
		if err := p.add(p.emptiest(), p.because(cause), false); err != nil {
			return err
		}
	}
	return nil
}

// because puts before a cause why the group has its desired capacity.
func (g *group) because(cause string) string {
	if g.Cause == "" {
		return cause
	}
	return g.Cause + "  " + cause
}

// add adds a member in one of the group's zones.
func (p *pass) add(zone int, cause string, extra bool) error {
	p.dirty = true
	m := member{ID: instance.NewID("i-"), Zone: p.Zones[zone], Subnet: p.Subnets[zone], State: pending, Launched: p.Now, Extra: extra}
	if _, err := p.begin(p.group, &m, activity{Description: "Launching a new EC2 instance: " + m.ID, Cause: cause, Status: "PreInService", Progress: 30}); err != nil {
		return err
	}
	p.Instances = append(p.Instances, m)
	return nil
}

// emptiest returns the zone with the fewest active members: the first one by name.
func (p *pass) emptiest() int {
	counts := p.perZone()
	return slices.Index(counts, slices.Min(counts))
}

// perZone counts the active members in each of the group's zones.
func (g *group) perZone() []int {
	counts := make([]int, len(g.Zones))
	for _, m := range g.Instances {
		if i := slices.Index(g.Zones, m.Zone); i >= 0 && m.active() {
			counts[i]++
		}
	}
	return counts
}

// shrink terminates members while the group has more of them than it wants. An extra one that is not
// in service yet does not count: it comes before another one goes.
func (p *pass) shrink() error {
	if p.Deleting || p.suspended("Terminate") {
		return nil
	}
	excess := p.active() - p.Desired
	for _, m := range p.Instances {
		if m.Extra && m.State == pending {
			excess--
		}
	}
	for range max(0, excess) {
		m := p.victim()
		if m == nil {
			return p.noteStuck()
		}
		p.dirty = true
		n := p.active()
		cause := fmt.Sprintf("At %s an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from %d to %d.  "+
			"At %s instance %s was selected for termination.", stamp(p.Now), n, n-1, stamp(p.Now), m.ID)
		if _, err := p.end(p.group, m, p.because(cause)); err != nil {
			return err
		}
	}
	return nil
}

// noteStuck tells once that nothing can be terminated.
func (p *pass) noteStuck() error {
	if p.StuckNoted {
		return nil
	}
	p.StuckNoted, p.dirty = true, true
	cause := fmt.Sprintf("At %s the group had more instances than desired.", stamp(p.Now))
	return p.note(p.group, activity{Description: "Terminating EC2 instances", Cause: p.because(cause), Status: "Cancelled",
		Message: "Could not scale to desired capacity because all remaining instances are protected from scale-in."})
}

// victim returns the member that is terminated next, or nil if all are protected. It is in the zone
// with the most active members among those where one is not protected: the first by name if there are
// several. There the termination policies decide, each among those that the ones before it leave, and
// at last the order of launch.
func (g *group) victim() *member {
	free := map[string][]*member{} // by zone
	for i := range g.Instances {
		if m := &g.Instances[i]; m.active() && !m.Protected {
			free[m.Zone] = append(free[m.Zone], m)
		}
	}
	most, left := 0, []*member(nil)
	for i, n := range g.perZone() {
		if n > most && len(free[g.Zones[i]]) > 0 {
			most, left = n, free[g.Zones[i]]
		}
	}
	for _, policy := range g.Termination {
		left = narrow(left, policy)
	}
	if len(left) == 0 {
		return nil
	}
	return left[0]
}

// narrow returns the members that a termination policy would terminate first. All of them have the
// only version of the group's template, unless the group has another template now.
func narrow(left []*member, policy string) []*member {
	switch policy {
	case "OldestInstance":
		return first(left, func(a, b *member) int { return a.Launched.Compare(b.Launched) })
	case "NewestInstance":
		return first(left, func(a, b *member) int { return b.Launched.Compare(a.Launched) })
	case "OldestLaunchTemplate", "Default":
		return first(left, func(a, b *member) int { return cmp.Compare(a.Template.Version, b.Template.Version) })
	}
	return left // of those that depend on prices, hours and launch configurations none has a say here
}

// first returns all members that come before the others in an order.
func first(all []*member, order func(a, b *member) int) []*member {
	if len(all) == 0 {
		return nil
	}
	least := slices.MinFunc(all, order)
	return slices.DeleteFunc(slices.Clone(all), func(m *member) bool { return order(m, least) != 0 })
}

// balance launches an instance in the emptiest zone if another zone has at least two more, of which
// one is not protected. When it is in service, one of the fullest zone goes.
func (p *pass) balance() error {
	if p.Deleting || p.suspended("AZRebalance") || p.suspended("Launch") || p.suspended("Terminate") || p.active() != p.Desired || p.RetryAt.After(p.Now) {
		return nil
	}
	counts := p.perZone()
	most, least := slices.Max(counts), slices.Min(counts)
	movable := slices.ContainsFunc(p.Instances, func(m member) bool {
		return m.State == inService && !m.Protected && counts[slices.Index(p.Zones, m.Zone)] == most
	})
	moving := slices.ContainsFunc(p.Instances, func(m member) bool { return m.State == pending || m.State == terminating })
	if most-least < 2 || !movable || moving {
		return nil
	}
	cause := fmt.Sprintf("At %s an instance was launched to aid in balancing the group's zones.", stamp(p.Now))
	return p.add(p.emptiest(), cause, true)
}
