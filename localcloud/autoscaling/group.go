package autoscaling

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// group is an Auto Scaling group with everything that belongs to it.
type group struct {
	Region, Account, Name, ARN string
	Created                    time.Time
	Deleting                   bool
	sizes
	Cause        string // why the group has its desired capacity, as activities tell it
	Template     template
	Zones        []string // by name
	Subnets      []string // one in each of the zones
	TargetGroups []string
	Cooldown     int    // seconds
	Check        string // EC2 or ELB
	Grace        int    // seconds
	Warmup       *int   // seconds
	Termination  []string
	ProtectNew   bool
	Suspended    map[string]string // process -> reason
	Tags         []tag             // by key
	Instances    []member          // in the order of their launch
	Scheduled    []scheduled       // by name
	Policies     []policy          // by name
	Refreshes    []refresh         // oldest first
	RetryAt      time.Time         // after a launch that failed
	StuckNoted   bool              // that all are protected is told once
}

// sizes are the bounds of a group and how many instances it wants.
type sizes struct{ Min, Max, Desired int }

// template names a launch template as a group does.
type template struct{ ID, Name, Version string }

// member is an instance of a group.
type member struct {
	ID, Zone, Subnet, Type string
	Image                  string
	Template               instance.Template
	State                  string
	Sick                   string    // why it is unhealthy, as activities tell it
	Protected              bool      // from scale-in
	Launched               time.Time // when the group chose to launch it
	Started                bool      // the fleet has it
	Extra                  bool      // launched to balance the zones, before another one goes
	Since                  time.Time // of its service
	Until                  time.Time // the end of its draining, once that has begun
	Activity               uint64    // that is not over; 0 = none
}

// The lifecycle states of members.
const (
	pending         = "Pending"
	inService       = "InService"
	enteringStandby = "EnteringStandby"
	standby         = "Standby"
	terminating     = "Terminating"
	gone            = "" // is about to be taken off the list
)

// active reports whether the instance counts as capacity.
func (m member) active() bool { return m.State == pending || m.State == inService }

// active returns how many instances count as capacity.
func (g *group) active() (n int) {
	for _, m := range g.Instances {
		if m.active() {
			n++
		}
	}
	return n
}

func (g *group) suspended(process string) bool {
	_, ok := g.Suspended[process]
	return ok
}

// member returns the member with an id, or nil.
func (g *group) member(id string) *member {
	i := slices.IndexFunc(g.Instances, func(m member) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &g.Instances[i]
}

// templateOut is a launch template on the wire.
type templateOut struct{ LaunchTemplateId, LaunchTemplateName, Version string }

type memberOut struct {
	InstanceId, InstanceType, AvailabilityZone string
	LifecycleState, HealthStatus, ImageId      string
	LaunchTemplate                             templateOut
	ProtectedFromScaleIn                       bool
}

type trafficSource struct{ Identifier, Type string }

type suspendedOut struct{ ProcessName, SuspensionReason string }

// groupOut is a group on the wire.
type groupOut struct {
	AutoScalingGroupName, AutoScalingGroupARN string
	LaunchTemplate                            templateOut
	MinSize, MaxSize, DesiredCapacity         int
	DefaultCooldown                           int
	AvailabilityZones                         []string
	LoadBalancerNames                         []string
	TargetGroupARNs                           []string
	HealthCheckType                           string
	HealthCheckGracePeriod                    int
	Instances                                 []memberOut
	CreatedTime                               time.Time
	SuspendedProcesses                        []suspendedOut
	VPCZoneIdentifier                         string
	EnabledMetrics                            []struct{}
	Status                                    string
	Tags                                      []tagOut
	TerminationPolicies                       []string
	NewInstancesProtectedFromScaleIn          bool
	ServiceLinkedRoleARN                      string
	DefaultInstanceWarmup                     *int
	TrafficSources                            []trafficSource
}

func (st *state) show(g *group, instances bool) groupOut {
	out := groupOut{
		AutoScalingGroupName: g.Name, AutoScalingGroupARN: g.ARN, LaunchTemplate: templateOut{g.Template.ID, g.Template.Name, g.Template.Version},
		MinSize: g.Min, MaxSize: g.Max, DesiredCapacity: g.Desired, DefaultCooldown: g.Cooldown, AvailabilityZones: g.Zones, TargetGroupARNs: g.TargetGroups,
		HealthCheckType: g.Check, HealthCheckGracePeriod: g.Grace, CreatedTime: g.Created, VPCZoneIdentifier: strings.Join(g.Subnets, ","),
		TerminationPolicies: g.Termination, NewInstancesProtectedFromScaleIn: g.ProtectNew, DefaultInstanceWarmup: g.Warmup,
		ServiceLinkedRoleARN: wire.GlobalARN("iam", st.Region, st.Account, "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"),
	}
	if g.Deleting {
		out.Status = "Delete in progress"
	}
	for _, arn := range g.TargetGroups {
		out.TrafficSources = append(out.TrafficSources, trafficSource{arn, "elbv2"})
	}
	for _, process := range processes {
		if reason, ok := g.Suspended[process]; ok {
			out.SuspendedProcesses = append(out.SuspendedProcesses, suspendedOut{process, reason})
		}
	}
	for i := range g.Tags {
		out.Tags = append(out.Tags, g.Tags[i].show(g.Name))
	}
	if instances {
		for _, m := range g.Instances {
			out.Instances = append(out.Instances, m.show())
		}
	}
	return out
}

func (m member) show() memberOut {
	health := "Healthy"
	if m.Sick != "" {
		health = "Unhealthy"
	}
	return memberOut{
		InstanceId: m.ID, InstanceType: m.Type, AvailabilityZone: m.Zone, LifecycleState: m.State, HealthStatus: health, ImageId: m.Image,
		LaunchTemplate: templateOut{m.Template.ID, m.Template.Name, strconv.Itoa(m.Template.Version)}, ProtectedFromScaleIn: m.Protected,
	}
}

// filter is one of a describe's: its values are alternatives.
type filter struct {
	Name   string   `aws:"xml"`
	Values []string `aws:"each,xml"`
}

type describeGroupsIn struct {
	AutoScalingGroupNames []string `aws:"each,min=1,max=255,xml"`
	Filters               []filter
	IncludeInstances      *bool
	paged
}

type groupsOut struct {
	AutoScalingGroups []groupOut
	NextToken         string
}

func describeGroups(st *state, in describeGroupsIn) (out groupsOut, err error) {
	all, err := groups.All(st.tx, st.Region)
	if err != nil {
		return out, err
	}
	all = slices.DeleteFunc(all, func(g group) bool {
		return in.AutoScalingGroupNames != nil && !slices.Contains(in.AutoScalingGroupNames, g.Name)
	})
	passing := all[:0]
	for _, g := range all {
		ok, err := g.passes(in.Filters)
		if err != nil {
			return out, err
		}
		if ok {
			passing = append(passing, g)
		}
	}
	part, next, err := page(passing, in.paged, 50, func(g group) string { return g.Name })
	for i := range part {
		out.AutoScalingGroups = append(out.AutoScalingGroups, st.show(&part[i], in.IncludeInstances == nil || *in.IncludeInstances))
	}
	out.NextToken = next
	return out, err
}

// passes reports whether the tags of a group pass all filters. Letters' case matters.
func (g *group) passes(filters []filter) (bool, error) {
	for _, f := range filters {
		key, byKey := strings.CutPrefix(f.Name, "tag:")
		if !byKey && f.Name != "tag-key" && f.Name != "tag-value" {
			return false, invalid("Filter type %s is not correct. Allowed Filter types are: tag-key,tag-value,tag:<key>", f.Name)
		}
		if !slices.ContainsFunc(g.Tags, func(t tag) bool {
			value := t.Value
			if f.Name == "tag-key" {
				value = t.Key
			}
			return (!byKey || t.Key == key) && slices.Contains(f.Values, value)
		}) {
			return false, nil
		}
	}
	return true, nil
}

// paged are the parameters of a describe in pages.
type paged struct {
	NextToken  string `aws:"xml"`
	MaxRecords *int   `aws:"min=1,max=100"`
}

// page returns the part of a list after the token, and the token of the next part. Tokens are the ids
// of the last rows. usual is how many rows a page has if the call does not say it.
func page[T any](all []T, in paged, usual int, id func(T) string) (part []T, next string, err error) {
	if in.NextToken != "" {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == in.NextToken })
		if i < 0 {
			return nil, "", wire.Errorf("InvalidNextToken", "The token '%s' is invalid.", in.NextToken)
		}
		all = all[i+1:]
	}
	if in.MaxRecords != nil {
		usual = *in.MaxRecords
	}
	if usual < len(all) {
		return all[:usual], id(all[usual-1]), nil
	}
	return all, "", nil
}
