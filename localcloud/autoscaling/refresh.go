package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"beansprout/localcloud/wire"
)

// refresh is an instance refresh: it replaces the instances that were in service at its start, one
// after another.
type refresh struct {
	ID             string
	Status         string
	Started, Ended time.Time
	Todo           []string // ids
	Total          int
}

func (r refresh) open() bool { return r.Status == "Pending" || r.Status == "InProgress" }

type startRefreshIn struct {
	named
	Strategy string `aws:"enum=Rolling"`
}

type startRefreshOut struct{ InstanceRefreshId string }

func startRefresh(st *state, in startRefreshIn) (out startRefreshOut, err error) {
	return out, st.change(in.AutoScalingGroupName, func(g *group) error {
		if n := len(g.Refreshes); n > 0 && g.Refreshes[n-1].open() {
			return wire.Errorf("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
		}
		r := refresh{ID: wire.UUID(), Status: "Pending", Started: st.Now}
		for _, m := range g.Instances {
			if m.State == inService {
				r.Todo = append(r.Todo, m.ID)
			}
		}
		r.Total = len(r.Todo)
		g.Refreshes = append(g.Refreshes, r)
		out.InstanceRefreshId = r.ID
		return nil
	})
}

type describeRefreshesIn struct {
	named
	InstanceRefreshIds []string `aws:"each,min=1,max=255,xml"`
	paged
}

// refreshOut is an instance refresh on the wire.
type refreshOut struct {
	InstanceRefreshId, AutoScalingGroupName, Status string
	StartTime, EndTime                              time.Time
	PercentageComplete, InstancesToUpdate           int
}

type refreshesOut struct {
	InstanceRefreshes []refreshOut
	NextToken         string
}

// describeRefreshes lists the refreshes of a group, the newest first.
func describeRefreshes(st *state, in describeRefreshesIn) (out refreshesOut, err error) {
	g, err := st.group(in.AutoScalingGroupName)
	if err != nil {
		return out, err
	}
	var all []refreshOut
	for _, r := range slices.Backward(g.Refreshes) {
		if in.InstanceRefreshIds == nil || slices.Contains(in.InstanceRefreshIds, r.ID) {
			shown := refreshOut{r.ID, g.Name, r.Status, r.Started, r.Ended, 100, len(r.Todo)}
			if r.open() && r.Total > 0 {
				shown.PercentageComplete = 100 * (r.Total - len(r.Todo)) / r.Total
			}
			all = append(all, shown)
		}
	}
	out.InstanceRefreshes, out.NextToken, err = page(all, in.paged, 50, func(r refreshOut) string { return r.InstanceRefreshId })
	return out, err
}

// refresh replaces the next instance once the group is as large as it wants to be.
func (p *pass) refresh() error {
	n := len(p.Refreshes)
	if n == 0 || !p.Refreshes[n-1].open() || p.suspended("InstanceRefresh") {
		return nil
	}
	r := &p.Refreshes[n-1]
	serving := 0
	for _, m := range p.Instances {
		switch m.State {
		case inService:
			serving++
		case pending, terminating:
			return nil
		}
	}
	if serving < p.Desired {
		return nil
	}
	p.dirty = true
	if len(r.Todo) == 0 {
		r.Status, r.Ended = "Successful", p.Now
		return nil
	}
	m := p.member(r.Todo[0])
	r.Status, r.Todo = "InProgress", r.Todo[1:]
	if m == nil || m.State != inService {
		return nil
	}
	cause := fmt.Sprintf("At %s an instance was taken out of service in response to an instance refresh.", stamp(p.Now))
	_, err := p.end(p.group, m, cause)
	return err
}
