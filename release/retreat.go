package release

import (
	"slices"

	"beansprout/release/aws"
)

// retreat makes the old side serve, empties the new one, and puts everything else as it was.
func (r *reading) retreat(end Outcome) Move {
	pairs := r.plan.pairs()
	slices.Reverse(pairs)
	for _, do := range []func(Pair) Move{r.comeBack, r.empty, r.putBack} {
		for _, p := range pairs {
			if m := do(p); m.Kind != "" {
				return m
			}
		}
	}
	return Move{Kind: End, Outcome: end, Reason: r.record.Reason}
}

// comeBack has the old group take the traffic of a pair. Both groups are pinned meanwhile.
func (r *reading) comeBack(p Pair) Move {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	if isEmpty(new) && old.Count(aws.Standby, aws.EnteringStandby) == 0 {
		return Move{}
	}
	for _, g := range []aws.Group{old, new} {
		if m := suspend(g, aws.AZRebalance, aws.ScheduledActions); m.Kind != "" {
			return m
		}
	}
	size := max(demand(old), new.Desired)
	n, why := r.healthy(p.Old, "")
	if n < size && new.Min < new.Desired {
		return minimum(new, new.Desired)
	}
	if m := r.exitStandby(old); m.Kind != "" {
		return m
	}
	if m := r.register(p.Old, old); m.Kind != "" {
		return m
	}
	if old.Count(aws.EnteringStandby) == 0 && (old.Desired < size || old.Min < old.Desired) {
		if size > old.Max {
			return halt("%s needs %d instances, and its MaxSize is %d: raise it", old.Name, size, old.Max)
		}
		return Move{Kind: Resize, Group: old.Name, Min: &size, Desired: &size}
	}
	if m := r.handBack(p); m.Kind != "" {
		return m
	}
	if n >= size || isEmpty(new) || old.Count(aws.EnteringStandby) == 0 && !r.serves(p.New) {
		return Move{}
	}
	if r.now.Sub(r.record.Since) > r.plan.PrepareWithin {
		return halt("%d of %d instances of %s are healthy, so %s stays in traffic: %s", n, size, old.Name, new.Name, why)
	}
	return wait("%d of %d instances of %s are healthy: %s", n, size, old.Name, why)
}

// handBack gives the old group the right to scale again. It is pinned.
func (r *reading) handBack(p Pair) Move {
	if r.plan.Schedules == MoveThem && r.record.Phase == RollingBack {
		if m := r.carry(p, p.Old.Name, p.New.Name); m.Kind != "" {
			return m
		}
	}
	return resume(r.group(p.Old.Name), r.record.Before[p.Old.Name], aws.AlarmNotification)
}

// exitStandby takes instances of a group out of Standby, as many as one call and the group's bounds allow.
func (r *reading) exitStandby(g aws.Group) Move {
	ids := g.IDs(aws.Standby)
	if len(ids) == 0 {
		return Move{}
	}
	n := min(len(ids), standbyLimit, g.Max-g.Desired)
	if n <= 0 {
		return halt("%d instances of %s can't leave Standby: its desired capacity is %d of at most %d. Raise MaxSize", len(ids), g.Name, g.Desired, g.Max)
	}
	return Move{Kind: ExitStandby, Group: g.Name, IDs: ids[:n]}
}

// register has instances that are still on their way to Standby take traffic again.
func (r *reading) register(p Group, g aws.Group) Move {
	for _, arn := range p.TargetGroups {
		var ids []string
		for _, id := range g.IDs(aws.EnteringStandby) {
			state := r.targets(arn).Targets[id].State
			if !slices.Contains([]aws.TargetState{aws.Healthy, aws.Initial, aws.Unhealthy}, state) && r.machine(id).State == aws.Running {
				ids = append(ids, id)
			}
		}
		if len(ids) > 0 {
			return Move{Kind: Register, Group: p.Name, TargetGroup: arn, IDs: ids}
		}
	}
	return Move{}
}

// serves reports whether a group has an instance that takes traffic, or may.
func (r *reading) serves(p Group) bool {
	for _, i := range r.group(p.Name).Instances {
		if len(p.TargetGroups) == 0 && i.Lifecycle.Plain() == aws.InService {
			return true
		}
		for _, arn := range p.TargetGroups {
			if r.targets(arn).Targets[i.ID].State == aws.Healthy {
				return true
			}
		}
	}
	return false
}

// empty ends the new group's instances.
func (r *reading) empty(p Pair) Move {
	new := r.group(p.New.Name)
	if new.Desired != 0 || new.Min != 0 {
		zero := 0
		return Move{Kind: Resize, Group: new.Name, Min: &zero, Desired: &zero}
	}
	if n := occupants(new); n > 0 {
		return wait("%d instances of %s go", n, new.Name)
	}
	return Move{}
}

// putBack makes everything as it was before the release. The new group is empty.
func (r *reading) putBack(p Pair) Move {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	oldBefore, newBefore := r.record.Before[old.Name], r.record.Before[new.Name]
	if m := r.handBack(p); m.Kind != "" {
		return m
	}
	for _, key := range []string{ReleaseTag, r.plan.VersionTag} {
		was, had := newBefore.Tags[key]
		tag, has := new.Tags[key]
		switch {
		case had && tag != was:
			return Move{Kind: SetTag, Group: new.Name, Key: key, Tag: was}
		case !had && has:
			return Move{Kind: RemoveTag, Group: new.Name, Key: key}
		}
	}
	if new.Max != newBefore.Sizes.Max {
		ceiling := newBefore.Sizes.Max
		return Move{Kind: Resize, Group: new.Name, Max: &ceiling}
	}
	if floor := min(oldBefore.Sizes.Min, old.Desired); old.Min != floor {
		return minimum(old, floor)
	}
	if m := r.processesBack(old, oldBefore); m.Kind != "" {
		return m
	}
	return r.processesBack(new, newBefore)
}

// processesBack resumes and suspends what the release has suspended and resumed.
func (r *reading) processesBack(g aws.Group, before Before) Move {
	handled := []string{aws.AlarmNotification, aws.AZRebalance, aws.ScheduledActions}
	if m := resume(g, before, handled...); m.Kind != "" {
		return m
	}
	handled = slices.DeleteFunc(handled, func(p string) bool { return !slices.Contains(before.Suspended, p) })
	return suspend(g, handled...)
}
