package autoscaling

import (
	"slices"
)

// processes are what can be suspended.
var processes = []string{
	"AZRebalance", "AddToLoadBalancer", "AlarmNotification", "HealthCheck", "InstanceRefresh", "Launch", "ReplaceUnhealthy", "ScheduledActions", "Terminate",
}

type processesIn struct {
	named
	ScalingProcesses []string `aws:"each,min=1,max=255,xml"`
}

// meant returns the processes of a call: all if it names none.
func (in processesIn) meant() ([]string, error) {
	for _, p := range in.ScalingProcesses {
		if !slices.Contains(processes, p) {
			return nil, invalid("'%s' is not a valid scaling process.", p)
		}
	}
	if len(in.ScalingProcesses) == 0 {
		return processes, nil
	}
	return in.ScalingProcesses, nil
}

func suspendProcesses(st *state, in processesIn) (none, error) {
	meant, err := in.meant()
	if err != nil {
		return none{}, err
	}
	return none{}, st.change(in.AutoScalingGroupName, func(g *group) error {
		for _, p := range meant {
			if g.Suspended == nil {
				g.Suspended = map[string]string{}
			}
			if !g.suspended(p) {
				g.Suspended[p] = "User suspended at " + stamp(st.Now)
			}
		}
		return nil
	})
}

func resumeProcesses(st *state, in processesIn) (none, error) {
	meant, err := in.meant()
	if err != nil {
		return none{}, err
	}
	return none{}, st.change(in.AutoScalingGroupName, func(g *group) error {
		for _, p := range meant {
			delete(g.Suspended, p)
		}
		return nil
	})
}
