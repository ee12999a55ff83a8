package autoscaling

import (
	"errors"
	"fmt"
	"time"

	"beansprout/localcloud/wire"
)

// resize sets those of the sizes that are given, judged by the values that they end with. Without a
// desired capacity, the present one follows the bounds. why is what the change comes from, as
// activities tell it.
func (g *group) resize(least, most, desired *int, now time.Time, why string) error {
	after := g.sizes
	override(&after.Min, least)
	override(&after.Max, most)
	if after.Min > after.Max {
		return invalid("Max bound, %d, must be greater than or equal to min bound, %d", after.Max, after.Min)
	}
	if desired == nil {
		after.Desired = min(max(after.Desired, after.Min), after.Max)
	} else if after.Desired = *desired; *desired < after.Min || *desired > after.Max {
		return invalid("Desired capacity:%d must be between the specified min size:%d and max size:%d", *desired, after.Min, after.Max)
	}
	if least != nil || most != nil {
		why += fmt.Sprintf(" to min: %d, max: %d, desired: %d", after.Min, after.Max, after.Desired)
	}
	g.want(after.Desired, now, why)
	g.sizes = after
	return nil
}

// want sets the desired capacity, and why.
func (g *group) want(desired int, now time.Time, why string) {
	if desired != g.Desired {
		g.Cause = fmt.Sprintf("At %s %s changing the desired capacity from %d to %d.", stamp(now), why, g.Desired, desired)
		g.StuckNoted = false
	}
	g.Desired = desired
}

type setDesiredIn struct {
	named
	DesiredCapacity int `aws:"required,min=0"`
	HonorCooldown   bool
}

func setDesiredCapacity(st *state, in setDesiredIn) (none, error) {
	return none{}, st.change(in.AutoScalingGroupName, func(g *group) error {
		switch wanted := in.DesiredCapacity; {
		case in.HonorCooldown:
			return invalid("The local cloud has no cooldown that could be honored.")
		case wanted > g.Max:
			return invalid("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", wanted, g.Max)
		case wanted < g.Min:
			return invalid("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", wanted, g.Min)
		}
		g.want(in.DesiredCapacity, st.Now, "a user request explicitly set group desired capacity")
		return nil
	})
}

// plain returns the message of a refusal without its code.
func plain(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Message
	}
	return err.Error()
}
