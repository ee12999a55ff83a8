package release

import (
	"beansprout/release/aws"
)

// shift moves the traffic, one pair after another, and then lets the new side scale.
func (r *reading) shift() Move {
	if why := r.record.Approval.refusal(r.plan, r.record.Started); why != "" && r.plan.asksApproval() {
		return halt("traffic does not move: %s", why)
	}
	if m := r.refuseDrift(); m.Kind != "" {
		return m
	}
	for _, c := range r.plan.Service.Components {
		for _, p := range c.Pairs {
			if m := r.replace(p, c.Artifact.Version); m.Kind != "" {
				return m
			}
		}
	}
	for _, p := range r.plan.pairs() {
		if m := r.release(p); m.Kind != "" {
			return m
		}
	}
	return r.enter(Watching, r.record.Step, "all traffic goes to the new side")
}

// replace moves the old instances of a pair to Standby, while the new ones are counted healthy by id in the
// same reading.
func (r *reading) replace(p Pair, version string) Move {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	if old.Desired == 0 && old.Count(aws.InService, aws.Pending, aws.EnteringStandby) == 0 {
		return Move{} // all have left the traffic
	}
	if m := suspend(old, aws.AZRebalance, aws.ScheduledActions); m.Kind != "" {
		return m
	}
	if m := suspend(new, aws.AZRebalance, aws.ScheduledActions); m.Kind != "" {
		return m
	}
	if m := r.tag(new, version); m.Kind != "" {
		return m
	}
	if m := grow(old, new, demand(old)); m.Kind != "" {
		return m
	}
	if n, why := r.healthy(p.New, version); n < new.Desired {
		if r.now.Sub(r.record.Since) > r.plan.PrepareWithin {
			return r.enter(RollingBack, r.record.Step, "%d of %d instances of %s are healthy: %s", n, new.Desired, new.Name, why)
		}
		return wait("%d of %d instances of %s are healthy: %s", n, new.Desired, new.Name, why)
	}
	if m := r.handOver(p); m.Kind != "" {
		return m
	}
	if old.Min > 0 {
		return minimum(old, 0)
	}
	if ids := old.IDs(aws.InService); len(ids) > 0 {
		return Move{Kind: EnterStandby, Group: old.Name, IDs: ids[:min(len(ids), standbyLimit)]}
	}
	return wait("the old instances of %s leave the traffic", old.Name)
}

// handOver gives the new group the right to scale, and takes it from the old one. The new group is pinned.
func (r *reading) handOver(p Pair) Move {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	if r.plan.Schedules == MoveThem {
		if m := r.refuseScheduleDrift(p); m.Kind != "" {
			return m
		}
		if m := r.carry(p, p.New.Name, p.Old.Name); m.Kind != "" {
			return m
		}
	}
	if m := resume(new, r.record.Before[old.Name], aws.AlarmNotification); m.Kind != "" {
		return m
	}
	return suspend(old, aws.AlarmNotification)
}

// release takes off the new group what held it during the shift.
func (r *reading) release(p Pair) Move {
	if m := r.handOver(p); m.Kind != "" {
		return m
	}
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	before := r.record.Before[old.Name]
	if floor := min(before.Sizes.Min, new.Desired); new.Min != floor {
		return minimum(new, floor)
	}
	return resume(new, before, aws.AZRebalance, aws.ScheduledActions)
}
