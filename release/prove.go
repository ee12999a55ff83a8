package release

import "fmt"

// unproved returns why the new side is not what the present step wants, or "".
func (r *reading) unproved() string {
	for _, c := range r.plan.Service.Components {
		for _, p := range c.Pairs {
			size := max(r.stepSize(r.group(p.Old.Name)), r.group(p.New.Name).Desired)
			if n, why := r.healthy(p.New, c.Artifact.Version); n < size {
				return fmt.Sprintf("%d of %d instances of %s are healthy: %s", n, size, p.New.Name, why)
			}
		}
	}
	return ""
}

func (r *reading) awaitHealth() Move {
	why := r.unproved()
	switch {
	case why == "":
		return r.enter(Proving, r.record.Step, "all are healthy")
	case r.now.Sub(r.record.Since) > r.plan.PrepareWithin:
		return r.enter(Aborting, r.record.Step, "after %s %s", r.plan.PrepareWithin, why)
	}
	return wait("%s", why)
}

// prove aborts when a new instance is found unhealthy, and goes on when all have been healthy long enough.
func (r *reading) prove() Move {
	step := r.plan.Steps[r.record.Step]
	why := r.unproved()
	for _, p := range r.plan.pairs() {
		if failing := r.failing(p.New); failing != "" {
			return r.enter(Aborting, r.record.Step, "%s", failing)
		}
	}
	elapsed := r.now.Sub(r.record.Since)
	switch {
	case why != "" && elapsed > step.For+r.plan.PrepareWithin:
		return r.enter(Aborting, r.record.Step, "after %s %s", elapsed, why)
	case why != "":
		return wait("%s", why)
	case elapsed < step.For:
		return wait("the new instances are to be healthy for %s", step.For)
	}
	return r.nextStep()
}

// nextStep enters the step after the present one.
func (r *reading) nextStep() Move {
	next := r.record.Step + 1
	switch {
	case next == len(r.plan.Steps):
		return r.enter(Shifting, r.record.Step, "all steps are done")
	case r.plan.Steps[next].Approve:
		return r.enter(Waiting, next, "a person has to approve")
	}
	return r.enter(Preparing, next, "step %d", next+1)
}

// awaitApproval goes on with an approval of this plan while the new side is proved. Without one in time it
// aborts.
func (r *reading) awaitApproval() Move {
	if !r.plan.Steps[r.record.Step].Approve {
		return halt("step %d is no approval, and the phase is %s", r.record.Step+1, r.record.Phase)
	}
	why := r.record.Approval.refusal(r.plan, r.record.Started)
	if unproved := r.unproved(); unproved != "" {
		why = unproved
	}
	switch {
	case why == "":
		return r.nextStep()
	case r.now.Sub(r.record.Since) >= r.plan.ApproveWithin:
		return r.enter(Aborting, r.record.Step, "after %s %s", r.plan.ApproveWithin, why)
	}
	return Move{Kind: Gate, Reason: why}
}
