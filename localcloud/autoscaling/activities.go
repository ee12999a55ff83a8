package autoscaling

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// activity is something that was done to a group's instances.
type activity struct {
	ID, Region, Group, ARN, Description, Cause string
	Start, End                                 time.Time
	Status, Message                            string
	Progress                                   int
	Details                                    string // JSON
	Number                                     uint64
}

// activityOut is an activity on the wire.
type activityOut struct {
	ActivityId, AutoScalingGroupName string
	Description, Cause               string
	StartTime, EndTime               time.Time
	StatusCode, StatusMessage        string
	Progress                         int
	Details                          string
	AutoScalingGroupARN              string
}

func (a activity) show() activityOut {
	return activityOut{a.ID, a.Group, a.Description, a.Cause, a.Start, a.End, a.Status, a.Message, a.Progress, a.Details, a.ARN}
}

// order is the key of an activity by which they are in the order of their start.
func order(number uint64) string { return fmt.Sprintf("%016x", number) }

// begin records the start of an activity that concerns a member, or the whole group if m is nil.
func (st *state) begin(g *group, m *member, a activity) (activity, error) {
	number, err := activities.Next(st.tx)
	if err != nil {
		return a, err
	}
	const longest = 1023
	a.ID, a.Region, a.Group, a.ARN, a.Start, a.Number = wire.UUID(), g.Region, g.Name, g.ARN, st.Now, number
	a.Cause = a.Cause[:min(len(a.Cause), longest)]
	if m != nil {
		if err := st.settle(g, m, func(a *activity) { a.End, a.Status = st.Now, "Cancelled" }); err != nil {
			return a, err
		}
		details, err := json.Marshal(map[string]string{"Subnet ID": m.Subnet, "Availability Zone": m.Zone})
		if err != nil {
			return a, err
		}
		a.Details = string(details)
		m.Activity = number
	}
	return a, activities.Put(st.tx, a, g.Region, order(number))
}

// finish ends the activity of a member: with success if message is "".
func (st *state) finish(g *group, m *member, message string) error {
	return st.settle(g, m, func(a *activity) {
		a.End, a.Status, a.Progress = st.Now, "Successful", 100
		if message != "" {
			a.Status, a.Message = "Failed", message[:min(len(message), 255)]
		}
		m.Activity = 0
	})
}

// settle changes the activity of a member, if one is under way.
func (st *state) settle(g *group, m *member, f func(*activity)) error {
	if m.Activity == 0 {
		return nil
	}
	key := order(m.Activity)
	a, ok, err := activities.Get(st.tx, g.Region, key)
	if err != nil || !ok {
		return err
	}
	f(&a)
	return activities.Put(st.tx, a, g.Region, key)
}

// note records an activity that is over.
func (st *state) note(g *group, a activity) error {
	a.End, a.Progress = st.Now, 100
	_, err := st.begin(g, nil, a)
	return err
}

// kept is how long activities are told.
const kept = 6 * 7 * 24 * time.Hour

// forget removes old activities of all regions.
func (s *Service) forget(tx *bolt.Tx) error {
	all, err := activities.All(tx)
	for _, a := range all {
		if err == nil && s.Now().Sub(a.Start) >= kept {
			err = activities.Delete(tx, a.Region, order(a.Number))
		}
	}
	return err
}

type describeActivitiesIn struct {
	ActivityIds          []string `aws:"each,xml"`
	AutoScalingGroupName string   `aws:"min=1,max=255,xml"`
	IncludeDeletedGroups bool
	paged
}

type describeActivitiesOut struct {
	Activities []activityOut
	NextToken  string
}

// describeActivities lists the activities of the last six weeks, the newest first.
func describeActivities(st *state, in describeActivitiesIn) (out describeActivitiesOut, err error) {
	all, err := activities.All(st.tx, st.Region)
	if err != nil {
		return out, err
	}
	living := map[string]bool{}
	present, err := groups.All(st.tx, st.Region)
	for _, g := range present {
		living[g.ARN] = true
	}
	if name := in.AutoScalingGroupName; err == nil && name != "" && !in.IncludeDeletedGroups {
		_, err = st.group(name)
	}
	if err != nil {
		return out, err
	}
	slices.Reverse(all)
	all = slices.DeleteFunc(all, func(a activity) bool {
		return in.AutoScalingGroupName != "" && a.Group != in.AutoScalingGroupName || !in.IncludeDeletedGroups && !living[a.ARN] ||
			in.ActivityIds != nil && !slices.Contains(in.ActivityIds, a.ID) || st.Now.Sub(a.Start) >= kept
	})
	part, next, err := page(all, in.paged, 100, func(a activity) string { return a.ID })
	for _, a := range part {
		out.Activities = append(out.Activities, a.show())
	}
	out.NextToken = next
	return out, err
}
