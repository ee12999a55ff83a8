// Package aws is what Auto Scaling, EC2 and the load balancers say, as far as a release decides by it.
package aws

import (
	"slices"
	"strings"
	"time"
)

// A Group is an Auto Scaling group at one moment.
type Group struct {
	Name    string
	Missing bool   // AWS was asked and does not know the group
	Status  string // not empty while the group is being deleted
	Sizes
	Suspended     []string // processes
	Tags          map[string]Tag
	Instances     []Instance
	HealthCheck   string // EC2 or ELB
	Grace         time.Duration
	Template      Template
	TargetGroups  []string // ARNs of all that are attached, in either family of calls
	LoadBalancers []string // classic ones
	WarmPool      bool
	At            time.Time // when it was read
}

// Sizes are the bounds of a group and how many instances it is to have.
type Sizes struct {
	Min     int `json:"min"`
	Max     int `json:"max"`
	Desired int `json:"desired"`
}

// A Tag is the value of a group's tag.
type Tag struct {
	Value     string `json:"value"`
	Propagate bool   `json:"propagate,omitempty"` // to instances that are launched from now on
}

// A Template names the launch template of a group.
type Template struct {
	ID      string `json:"id"`
	Version string `json:"version"` // a number, $Latest or $Default
}

// The processes of a group that a release suspends or relies on.
const (
	AddToLoadBalancer = "AddToLoadBalancer"
	AlarmNotification = "AlarmNotification"
	AZRebalance       = "AZRebalance"
	Launch            = "Launch"
	ScheduledActions  = "ScheduledActions"
	Terminate         = "Terminate"
)

// Suspends reports whether a process is suspended.
func (g Group) Suspends(process string) bool { return slices.Contains(g.Suspended, process) }

// Count returns how many instances have one of the lifecycle states.
func (g Group) Count(states ...Lifecycle) int { return len(g.IDs(states...)) }

// IDs returns the ids of the instances that have one of the lifecycle states, sorted.
func (g Group) IDs(states ...Lifecycle) (ids []string) {
	for _, i := range g.Instances {
		if slices.Contains(states, i.Lifecycle.Plain()) {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// An Instance is one of a group's instances.
type Instance struct {
	ID        string
	Lifecycle Lifecycle
	Zone      string
	Protected bool // from scale-in
}

// Lifecycle is the state of an instance in its group.
type Lifecycle string

// The states that a release knows. Pending and Terminating also come with :Wait and :Proceed.
const (
	Pending         Lifecycle = "Pending"
	InService       Lifecycle = "InService"
	EnteringStandby Lifecycle = "EnteringStandby"
	Standby         Lifecycle = "Standby"
	Terminating     Lifecycle = "Terminating"
	Retained        Lifecycle = "Terminating:Retained" // as good as gone
)

// Plain returns the state without the part that tells of hooks.
func (l Lifecycle) Plain() Lifecycle {
	if l == Retained {
		return Retained
	}
	plain, rest, _ := strings.Cut(string(l), ":")
	if rest != "" && rest != "Wait" && rest != "Proceed" {
		return l
	}
	return Lifecycle(plain)
}

// Known reports whether a release knows what the state means.
func (l Lifecycle) Known() bool {
	return slices.Contains([]Lifecycle{Pending, InService, EnteringStandby, Standby, Terminating, Retained}, l.Plain())
}

// Schedules are the scheduled actions of one group.
type Schedules struct {
	Actions []Schedule
	At      time.Time
}

// A Schedule is a scheduled action. What it does not set is nil or empty.
type Schedule struct {
	Name       string     `json:"name"`
	Recurrence string     `json:"recurrence,omitempty"`
	TimeZone   string     `json:"time_zone,omitempty"`
	Start      *time.Time `json:"start,omitempty"` // of a recurring one: when it is executed next
	End        *time.Time `json:"end,omitempty"`
	Min        *int       `json:"min,omitempty"`
	Max        *int       `json:"max,omitempty"`
	Desired    *int       `json:"desired,omitempty"`
}

// Policies are the scaling policies of one group.
type Policies struct {
	Policies []Policy
	At       time.Time
}

// TargetTracking is the one type of policy that a release can move.
const TargetTracking = "TargetTrackingScaling"

// A Policy is a scaling policy. Tracking is nil unless its type is TargetTracking.
type Policy struct {
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Enabled  bool      `json:"enabled"`
	Warmup   *int      `json:"warmup,omitempty"` // seconds
	Tracking *Tracking `json:"tracking,omitempty"`
}

// Tracking is what a target tracking policy goes by: a predefined or a customized metric.
type Tracking struct {
	Target         float64           `json:"target"`
	DisableScaleIn *bool             `json:"disable_scale_in,omitempty"`
	Predefined     *PredefinedMetric `json:"predefined,omitempty"`
	Customized     *CustomizedMetric `json:"customized,omitempty"`
}

// PredefinedMetric is one of Auto Scaling's own metrics.
type PredefinedMetric struct {
	Type  string `json:"type"`
	Label string `json:"label,omitempty"` // the end of a load balancer's ARN and of a target group's
}

// CustomizedMetric is a metric of CloudWatch's.
type CustomizedMetric struct {
	Name       string      `json:"name"`
	Namespace  string      `json:"namespace"`
	Statistic  string      `json:"statistic"`
	Unit       string      `json:"unit,omitempty"`
	Period     *int        `json:"period,omitempty"` // seconds
	Dimensions []Dimension `json:"dimensions,omitempty"`
	Unreadable bool        `json:"unreadable,omitempty"` // it has parts that a release does not know, such as metric maths
}

// Dimension is a dimension of a metric.
type Dimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Refreshes are the instance refreshes of one group.
type Refreshes struct {
	Refreshes []Refresh
	At        time.Time
}

// A Refresh replaces the instances of a group.
type Refresh struct {
	ID     string
	Status string
}

// Ended reports whether the refresh replaces no instance any more. A status that is not known counts as
// at work.
func (r Refresh) Ended() bool {
	return slices.Contains([]string{"Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed"}, r.Status)
}
