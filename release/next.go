package release

import (
	"fmt"
	"time"

	"beansprout/release/aws"
)

// Next returns the one move that a release needs now. It knows nothing but its arguments: after a crash, a
// lost answer or an edit by others the next reading leads on. A move that changes something stands on facts
// that are at most ten seconds old, and may be made twice.
func Next(plan Plan, record Record, facts Facts, now time.Time) Move {
	r := &reading{plan: plan, record: record, facts: facts, now: now}
	m := r.decide()
	if r.unread != "" {
		m = wait("%s: it is read again", r.unread)
	}
	m.Stands = r.stands
	return m
}

func (r *reading) decide() Move {
	if r.record.Outcome != "" {
		return Move{Kind: End, Outcome: r.record.Outcome}
	}
	if err := r.plan.Check(); err != nil {
		return halt("the plan can't be carried out: %v", err)
	}
	if r.record.Digest != r.plan.Digest() {
		return halt("the record is about another plan")
	}
	if r.record.Step < 0 || r.record.Step >= len(r.plan.Steps) {
		return halt("the plan has no step %d", r.record.Step+1)
	}
	if m := r.answer(); m.Kind != "" {
		return m
	}
	if r.record.Phase == Planned {
		return r.begin()
	}
	for _, p := range r.plan.pairs() {
		for _, g := range []Group{p.Old, p.New} {
			if _, ok := r.record.Before[g.Name]; !ok {
				return halt("the record does not say what %s was like before the release", g.Name)
			}
			if r.group(g.Name).Missing {
				return halt("the group %s does not exist any more", g.Name)
			}
		}
	}
	return r.inPhase()
}

func (r *reading) inPhase() Move {
	switch r.record.Phase {
	case Preparing, Proving, Waiting:
		return r.forward()
	case Shifting:
		return r.shift()
	case Watching:
		return r.watch()
	case Finishing:
		return r.finish()
	case Aborting:
		return r.retreat(Aborted)
	case RollingBack:
		return r.retreat(RolledBack)
	}
	return halt("the phase %q is not known", r.record.Phase)
}

// answer returns what a person's request to go back leads to, if there is one and there is a way back.
func (r *reading) answer() Move {
	request := r.record.Rollback
	if request == nil {
		request = r.record.Abort
	}
	if request == nil {
		return Move{}
	}
	switch r.record.Phase {
	case Planned:
		if r.record.Before == nil {
			return Move{Kind: End, Outcome: Aborted, Reason: "nothing has been changed"}
		}
		return r.enter(Aborting, r.record.Step, "%s asked for it", request.By)
	case Preparing, Proving, Waiting:
		return r.enter(Aborting, r.record.Step, "%s asked for it", request.By)
	case Shifting, Watching:
		return r.enter(RollingBack, r.record.Step, "%s asked for it", request.By)
	}
	return Move{}
}

// begin has the record say what is there before anything is changed.
func (r *reading) begin() Move {
	if r.record.Before == nil {
		before := map[string]Before{}
		for _, p := range r.plan.pairs() {
			for _, g := range []Group{p.Old, p.New} {
				before[g.Name] = r.before(g.Name)
			}
		}
		return Move{Kind: Remember, Before: before}
	}
	if m := r.refuseDrift(); m.Kind != "" {
		return m
	}
	if r.plan.Steps[0].Approve {
		return r.enter(Waiting, 0, "an approval comes first")
	}
	return r.enter(Preparing, 0, "the new side starts")
}

func (r *reading) before(group string) Before {
	g := r.group(group)
	b := Before{Sizes: g.Sizes, Suspended: sorted(g.Suspended), Tags: map[string]aws.Tag{}, Schedules: r.schedules(group), Policies: r.policies(group)}
	for _, key := range []string{r.plan.VersionTag, ReleaseTag} {
		if tag, ok := g.Tags[key]; ok {
			b.Tags[key] = tag
		}
	}
	return b
}

// forward is for the phases before traffic moves.
func (r *reading) forward() Move {
	if r.record.Phase != Waiting && r.plan.Steps[r.record.Step].Approve {
		return halt("step %d is an approval, and the phase is %s", r.record.Step+1, r.record.Phase)
	}
	if m := r.refuseDrift(); m.Kind != "" {
		return m
	}
	for _, p := range r.plan.pairs() {
		if m := r.prepare(p); m.Kind != "" {
			return m
		}
	}
	switch r.record.Phase {
	case Preparing:
		return r.awaitHealth()
	case Proving:
		return r.prove()
	}
	return r.awaitApproval()
}

// prepare returns the move that brings a pair nearer to what the step wants, if one is needed: what could
// start or stop instances in between is suspended, the old group can't shrink, and the new one starts.
func (r *reading) prepare(p Pair) Move {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	for _, g := range []aws.Group{old, new} {
		if m := suspend(g, aws.AZRebalance, aws.ScheduledActions); m.Kind != "" {
			return m
		}
	}
	if old.Min < old.Desired {
		return minimum(old, old.Desired)
	}
	if m := r.tag(new, r.plan.artifact(new.Name).Version); m.Kind != "" {
		return m
	}
	return grow(old, new, r.stepSize(old))
}

// stepSize returns how many instances the new group of a pair has in the present step.
func (r *reading) stepSize(old aws.Group) int {
	for i := r.record.Step; i >= 0; i-- {
		switch s := r.plan.Steps[i]; {
		case s.All:
			return demand(old)
		case s.Instances > 0:
			return min(s.Instances, demand(old))
		}
	}
	return 0
}

// grow pins a new group at n instances, or at as many as it has been scaled out to.
func grow(old, new aws.Group, n int) Move {
	n = max(n, new.Desired)
	if new.Min == n && new.Desired == n && new.Max == old.Max {
		return Move{}
	}
	if n > old.Max {
		return halt("%s needs %d instances, and the MaxSize of %s is %d: raise it", new.Name, n, old.Name, old.Max)
	}
	ceiling := old.Max
	return Move{Kind: Resize, Group: new.Name, Min: &n, Max: &ceiling, Desired: &n}
}

// tag tells a new group what to run. It does so only while the group is empty.
func (r *reading) tag(g aws.Group, version string) Move {
	for _, t := range []struct{ key, value string }{{r.plan.VersionTag, version}, {ReleaseTag, fmt.Sprintf("%s-%d", r.plan.Service.Name, r.plan.Number)}} {
		want := aws.Tag{Value: t.value, Propagate: true}
		if g.Tags[t.key] == want {
			continue
		}
		if !isEmpty(g) {
			return halt("the tag %s of %s is %q while it has instances, want %q: set it back", t.key, g.Name, g.Tags[t.key].Value, t.value)
		}
		return Move{Kind: SetTag, Group: g.Name, Key: t.key, Tag: want}
	}
	return Move{}
}

// suspend returns the move that suspends those of the processes that are not suspended.
func suspend(g aws.Group, processes ...string) Move {
	var missing []string
	for _, p := range processes {
		if !g.Suspends(p) {
			missing = append(missing, p)
		}
	}
	if missing == nil {
		return Move{}
	}
	return Move{Kind: Suspend, Group: g.Name, Processes: missing}
}

// resume returns the move that resumes those of the processes that are suspended and were not before.
func resume(g aws.Group, before Before, processes ...string) Move {
	was := aws.Group{Suspended: before.Suspended}
	var added []string
	for _, p := range processes {
		if g.Suspends(p) && !was.Suspends(p) {
			added = append(added, p)
		}
	}
	if added == nil {
		return Move{}
	}
	return Move{Kind: Resume, Group: g.Name, Processes: added}
}
