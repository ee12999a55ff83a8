package release

import (
	"reflect"
	"slices"
	"time"

	"beansprout/release/aws"
)

// scheduleLimit is how many scheduled actions one call may put or remove.
const scheduleLimit = 50

// refuseScheduleDrift halts when the old group has scheduled actions or policies that the record does not.
func (r *reading) refuseScheduleDrift(p Pair) Move {
	before := r.record.Before[p.Old.Name]
	for _, s := range r.schedules(p.Old.Name) {
		if !slices.ContainsFunc(before.Schedules, func(b aws.Schedule) bool { return sameSchedule(b, s) }) {
			return halt("the scheduled action %q of %s was added or edited: remove it, or abort", s.Name, p.Old.Name)
		}
	}
	for _, policy := range r.policies(p.Old.Name) {
		if !slices.ContainsFunc(before.Policies, func(b aws.Policy) bool { return reflect.DeepEqual(b, policy) }) {
			return halt("the policy %q of %s was added or edited: remove it, or abort", policy.Name, p.Old.Name)
		}
	}
	return Move{}
}

// carry puts the scheduled actions and policies that the old group of a pair had before onto one of its
// groups, and removes them from the other when they are seen there.
func (r *reading) carry(p Pair, to, from string) Move {
	before := r.record.Before[p.Old.Name]
	if m := r.put(before, p.Old.Name, to); m.Kind != "" {
		return m
	}
	own := r.record.Before[p.New.Name]
	var names []string
	for _, s := range r.schedules(from) {
		if hasSchedule(before.Schedules, s.Name) && (from == p.Old.Name || !hasSchedule(own.Schedules, s.Name)) {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		return Move{Kind: RemoveSchedules, Group: from, Names: names[:min(len(names), scheduleLimit)]}
	}
	for _, policy := range r.policies(from) {
		if hasPolicy(before.Policies, policy.Name) && (from == p.Old.Name || !hasPolicy(own.Policies, policy.Name)) {
			return Move{Kind: RemovePolicy, Group: from, Names: []string{policy.Name}}
		}
	}
	return Move{}
}

// put returns the move that puts what is missing or differs onto a group.
func (r *reading) put(before Before, old, to string) Move {
	have, policies := r.schedules(to), r.policies(to)
	var missing []aws.Schedule
	for _, s := range before.Schedules {
		s, ahead := upcoming(s, r.now)
		if ahead && !slices.ContainsFunc(have, func(h aws.Schedule) bool { return sameSchedule(h, s) }) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		return Move{Kind: PutSchedules, Group: to, Schedules: missing[:min(len(missing), scheduleLimit)]}
	}
	for _, policy := range before.Policies {
		if policy.Type != aws.TargetTracking || policy.Tracking == nil {
			return halt("the policy %q of %s is no target tracking policy, and can't be moved", policy.Name, old)
		}
		policy = retarget(policy, old, to)
		if !slices.ContainsFunc(policies, func(h aws.Policy) bool { return reflect.DeepEqual(h, policy) }) {
			return Move{Kind: PutPolicy, Group: to, Policy: policy}
		}
	}
	return Move{}
}

// upcoming returns a scheduled action as it can be put now, and whether it is still to be executed. AWS
// refuses a start that has passed.
func upcoming(s aws.Schedule, now time.Time) (aws.Schedule, bool) {
	if s.End != nil && !s.End.After(now) {
		return s, false
	}
	if s.Start != nil && !s.Start.After(now) {
		s.Start = nil
		return s, s.Recurrence != ""
	}
	return s, true
}

// sameSchedule reports whether two scheduled actions are equal. The start of a recurring one is when it is
// executed next, which AWS moves on.
func sameSchedule(a, b aws.Schedule) bool {
	if a.Recurrence != "" {
		a.Start, b.Start = nil, nil
	}
	same := sameTime(a.Start, b.Start) && sameTime(a.End, b.End)
	a.Start, a.End, b.Start, b.End = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

func hasSchedule(list []aws.Schedule, name string) bool {
	return slices.ContainsFunc(list, func(s aws.Schedule) bool { return s.Name == name })
}

func hasPolicy(list []aws.Policy, name string) bool {
	return slices.ContainsFunc(list, func(p aws.Policy) bool { return p.Name == name })
}

// retarget returns a policy of one group as another one has it: a metric of the group follows.
func retarget(p aws.Policy, from, to string) aws.Policy {
	if p.Tracking == nil || p.Tracking.Customized == nil {
		return p
	}
	tracking, metric := *p.Tracking, *p.Tracking.Customized
	metric.Dimensions = slices.Clone(metric.Dimensions)
	for i, d := range metric.Dimensions {
		if d.Name == "AutoScalingGroupName" && d.Value == from {
			metric.Dimensions[i].Value = to
		}
	}
	tracking.Customized, p.Tracking = &metric, &tracking
	return p
}
