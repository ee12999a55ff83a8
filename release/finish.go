package release

import (
	"slices"

	"beansprout/release/aws"
)

// watch goes back by itself while checks fail, and ends the way back when the old side was retained long enough.
func (r *reading) watch() Move {
	if r.now.Before(r.record.Since.Add(r.plan.WatchFor)) {
		if why := r.alarm(); why != "" {
			return r.enter(RollingBack, r.record.Step, "%s", why)
		}
		return wait("the new side is watched for %s", r.plan.WatchFor)
	}
	if r.record.Finish == nil && r.now.Before(r.record.Since.Add(r.plan.KeepOld)) {
		return wait("the old side stays in Standby for %s", r.plan.KeepOld)
	}
	if m := r.refuseTermination(); m.Kind != "" {
		return m
	}
	m := r.enter(Finishing, r.record.Step, "the old instances may go")
	for _, p := range r.plan.pairs() {
		m.IDs = append(m.IDs, r.group(p.Old.Name).IDs(aws.Standby)...)
	}
	m.IDs = m.IDs[:min(len(m.IDs), 1)]
	return m
}

// alarm returns why the new side must not serve, or "".
func (r *reading) alarm() string {
	for _, c := range r.plan.Service.Components {
		for _, p := range c.Pairs {
			if why := r.failing(p.New); why != "" {
				return why
			}
		}
		if c.NoChecks {
			continue
		}
		if check := r.check(c.Name); check.Failed && check.At.After(r.record.Since) {
			return "the check of " + c.Name + " fails: " + check.Reason
		}
	}
	return ""
}

// refuseTermination halts or waits while the old side has anything but Standby instances, or the new side
// is not whole.
func (r *reading) refuseTermination() Move {
	for _, c := range r.plan.Service.Components {
		for _, p := range c.Pairs {
			old, new := r.group(p.Old.Name), r.group(p.New.Name)
			if old.Desired != 0 || occupants(old) != old.Count(aws.Standby, aws.Terminating) {
				return halt("%s is to have Standby instances and none that serve: set its desired capacity to 0", old.Name)
			}
			n, why := r.healthy(p.New, c.Artifact.Version)
			if n < new.Desired || n == 0 && old.Count(aws.Standby) > 0 {
				return wait("the old instances stay while %d of %d instances of %s are healthy: %s", n, new.Desired, new.Name, why)
			}
		}
	}
	return Move{}
}

// finish terminates one old instance, looks whether its group starts another one, and then the rest. No group
// has ever more than one call between two readings.
func (r *reading) finish() Move {
	if m := r.refuseTermination(); m.Kind != "" {
		return m
	}
	for _, p := range r.plan.pairs() {
		if old := r.group(p.Old.Name); old.Min != 0 {
			return minimum(old, 0)
		}
	}
	for _, p := range r.plan.pairs() {
		if m := r.terminate(r.group(p.Old.Name), r.record.First); m.Kind != "" {
			return m
		}
	}
	for _, p := range r.plan.pairs() {
		if ids := r.group(p.Old.Name).IDs(aws.Standby); len(ids) > 0 {
			return Move{Kind: Terminate, Group: p.Old.Name, IDs: ids[:1]}
		}
	}
	for _, p := range r.plan.pairs() {
		old := r.group(p.Old.Name)
		if occupants(old) > 0 {
			return wait("the old instances of %s go", old.Name)
		}
		if m := suspend(old, aws.AlarmNotification, aws.AZRebalance, aws.ScheduledActions); m.Kind != "" {
			return m
		}
	}
	return Move{Kind: End, Outcome: Finished}
}

// terminate terminates an instance of a group if it is in Standby, and waits until it is gone.
func (r *reading) terminate(g aws.Group, id string) Move {
	switch {
	case slices.Contains(g.IDs(aws.Standby), id):
		return Move{Kind: Terminate, Group: g.Name, IDs: []string{id}}
	case slices.Contains(g.IDs(aws.Terminating), id):
		return wait("the first old instance (%s) goes", id)
	}
	return Move{}
}
