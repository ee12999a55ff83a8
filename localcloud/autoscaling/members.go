package autoscaling

import (
	"fmt"
	"time"

	"beansprout/localcloud/wire"
)

type standbyIn struct {
	named
	InstanceIds []string `aws:"required,min=1,max=20,each,min=1,max=19,xml"`
}

type enterIn struct {
	standbyIn
	ShouldDecrementDesiredCapacity bool `aws:"required"`
}

type activitiesOut struct{ Activities []activityOut }

// members returns the members with the ids, which must be in a state.
func (g *group) members(ids []string, state string) (all []*member, err error) {
	seen := map[string]bool{}
	for _, id := range ids {
		m := g.member(id)
		switch {
		case m == nil:
			return nil, invalid("The instance %s is not part of Auto Scaling group %s.", id, g.Name)
		case m.State != state:
			return nil, invalid("The instance %s is not in %s.", id, state)
		case seen[id]:
			return nil, invalid("Duplicate instance IDs were specified: %s.", id)
		}
		seen[id] = true
		all = append(all, m)
	}
	return all, nil
}

// enterStandby takes instances out of service. They are EnteringStandby until they are drained.
func enterStandby(st *state, in enterIn) (out activitiesOut, err error) {
	err = st.change(in.AutoScalingGroupName, func(g *group) error {
		all, err := g.members(in.InstanceIds, inService)
		if err != nil {
			return err
		}
		if n := len(all); in.ShouldDecrementDesiredCapacity && g.Desired-n < g.Min {
			return invalid("AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. To place into standby %d instance%s, please update the AutoScalingGroup sizes appropriately.",
				g.Name, g.Min, g.Max, g.Desired, n, plural(n))
		}
		for _, m := range all {
			cause := fmt.Sprintf("At %s instance %s was moved to standby in response to a user request", stamp(st.Now), m.ID)
			if in.ShouldDecrementDesiredCapacity {
				cause += fmt.Sprintf(", shrinking the capacity from %d to %d", g.Desired, g.Desired-1)
				g.Desired--
			}
			a, err := st.begin(g, m, activity{Description: "Moving EC2 instance to Standby: " + m.ID, Cause: cause + ".", Status: "InProgress", Progress: 50})
			if err != nil {
				return err
			}
			m.State = enteringStandby
			out.Activities = append(out.Activities, a.show())
		}
		return nil
	})
	return out, err
}

// exitStandby puts instances back in service, for which there must be room under the maximum.
func exitStandby(st *state, in standbyIn) (out activitiesOut, err error) {
	err = st.change(in.AutoScalingGroupName, func(g *group) error {
		all, err := g.members(in.InstanceIds, standby)
		switch n := len(all); {
		case err != nil:
			return err
		case g.suspended("Launch"):
			return invalid("The Launch process of AutoScalingGroup %s is suspended, so no instance can be moved out of standby.", g.Name)
		case g.Desired+n > g.Max:
			return invalid("AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. To move out of standby %d instance%s, please update the AutoScalingGroup sizes appropriately.",
				g.Name, g.Min, g.Max, g.Desired, n, plural(n))
		}
		for _, m := range all {
			cause := fmt.Sprintf("At %s instance %s was moved out of standby in response to a user request, increasing the capacity from %d to %d.", stamp(st.Now), m.ID, g.Desired, g.Desired+1)
			a, err := st.begin(g, m, activity{Description: "Moving EC2 instance out of Standby: " + m.ID, Cause: cause, Status: "PreInService", Progress: 30})
			if err != nil {
				return err
			}
			g.Desired++
			m.State = pending
			out.Activities = append(out.Activities, a.show())
		}
		return nil
	})
	return out, err
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

type terminateIn struct {
	InstanceId                     string `aws:"required,min=1,max=19,xml"`
	ShouldDecrementDesiredCapacity bool   `aws:"required"`
}

type terminateOut struct{ Activity activityOut }

// terminateInstance terminates an instance in any state, protected or not.
func terminateInstance(st *state, in terminateIn) (out terminateOut, err error) {
	all, err := groups.All(st.tx, st.Region)
	if err != nil {
		return out, err
	}
	for i := range all {
		if g := &all[i]; g.member(in.InstanceId) != nil {
			return st.terminate(g, g.member(in.InstanceId), in.ShouldDecrementDesiredCapacity)
		}
	}
	return out, invalid("Instance Id not found - No managed instance found for instance ID: %s", in.InstanceId)
}

func (st *state) terminate(g *group, m *member, decrement bool) (out terminateOut, err error) {
	if m.State == terminating {
		return out, wire.Errorf("ScalingActivityInProgress", "Instance %s is already being terminated.", m.ID)
	}
	if decrement && g.Desired <= g.Min {
		return out, invalid("Currently, desiredSize equals minSize (%d). Terminating instance without replacement will violate group's min size constraint. "+
			"Either set shouldDecrementDesiredCapacity flag to false or lower group's min size", g.Min)
	}
	cause := fmt.Sprintf("At %s instance %s was taken out of service in response to a user request", stamp(st.Now), m.ID)
	if decrement {
		cause += fmt.Sprintf(", shrinking the capacity from %d to %d", g.Desired, g.Desired-1)
		g.Desired--
	}
	a, err := st.end(g, m, cause+".")
	if err != nil {
		return out, err
	}
	return terminateOut{a.show()}, st.put(g)
}

// end begins to terminate a member.
func (st *state) end(g *group, m *member, cause string) (activity, error) {
	m.State, m.Until = terminating, time.Time{} // its draining is looked at anew
	return st.begin(g, m, activity{Description: "Terminating EC2 instance: " + m.ID, Cause: cause, Status: "InProgress"})
}
