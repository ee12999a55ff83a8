package elb

import (
	"slices"
	"strconv"
	"time"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// target is a port of an instance in the state. Registered ones and draining ones have their rows.
type target traffic.Target

func (t target) registered() bool { return t.Until.IsZero() }

// gone reports whether the draining is over.
func (t target) gone(now time.Time) bool { return !t.registered() && !now.Before(t.Until) }

// targetIn names a target. Without a port it is the one on the group's.
type targetIn struct {
	Id   string `aws:"required"`
	Port *int   `aws:"min=1,max=65535"`
}

type targetsIn struct {
	groupNamed
	Targets []targetIn `aws:"required,min=1"`
}

const targetsPerGroup = 1000

func registerTargets(st *state, in targetsIn) (*empty, error) {
	g, err := groups.must(st, in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		i, ok := st.Fleet.Get(t.Id)
		if !ok || i.Region != st.Region || i.State != instance.Running {
			return nil, wire.Errorf("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", t.Id)
		}
		g.register(target{Instance: t.Id, Address: i.Address, Port: or(t.Port, g.Port)})
	}
	g.prune(st.Now)
	if len(g.Targets) > targetsPerGroup {
		return nil, wire.Errorf("TooManyTargets", "You have reached the maximum number of targets in a target group: %d", targetsPerGroup)
	}
	groups.put(st, g.ARN, g)
	return &empty{}, nil
}

// register adds a target. If it is draining, it is a registered one again.
func (g *group) register(t target) {
	if i := g.find(t.Instance, t.Port); i >= 0 {
		g.Targets[i] = t
		return
	}
	g.Targets = append(g.Targets, t)
}

func (g *group) find(instance string, port int) int {
	return slices.IndexFunc(g.Targets, func(t target) bool { return t.Instance == instance && t.Port == port })
}

func (g *group) prune(now time.Time) {
	g.Targets = slices.DeleteFunc(g.Targets, func(t target) bool { return t.gone(now) })
}

// deregisterTargets succeeds for targets that are not registered.
func deregisterTargets(st *state, in targetsIn) (*empty, error) {
	g, err := groups.must(st, in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		g.deregister(t.Id, or(t.Port, g.Port), st.Now)
	}
	groups.put(st, g.ARN, g)
	return &empty{}, nil
}

// deregister begins to drain a target, unless it drains already, and returns when the draining ends.
// The zero time means that the target is not registered.
func (g *group) deregister(instance string, port int, now time.Time) (until time.Time) {
	g.prune(now)
	i := g.find(instance, port)
	if i < 0 {
		return time.Time{}
	}
	if t := &g.Targets[i]; t.registered() {
		t.Deregistered, t.Until = now.UTC(), now.UTC().Add(g.delay())
	}
	return g.Targets[i].Until
}

type describeTargetHealthIn struct {
	groupNamed
	Targets []targetIn `aws:"min=1"`
}

type targetHealthOut struct{ TargetHealthDescriptions []healthOut }

type healthOut struct {
	Target          targetOut
	HealthCheckPort string
	TargetHealth    statusOut
}

type targetOut struct {
	Id   string
	Port int
}

type statusOut struct{ State, Reason, Description string }

func describeTargetHealth(st *state, in describeTargetHealthIn) (out targetHealthOut, err error) {
	g, err := groups.must(st, in.TargetGroupArn)
	if err != nil {
		return out, err
	}
	all := st.plane.Health(g.ARN)
	out.TargetHealthDescriptions = []healthOut{}
	if in.Targets == nil {
		for _, h := range all {
			out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, g.show(h))
		}
		return out, nil
	}
	for _, t := range in.Targets {
		h := traffic.Health{Instance: t.Id, Port: or(t.Port, g.Port), Status: notRegistered}
		if i := slices.IndexFunc(all, func(other traffic.Health) bool { return other.Instance == h.Instance && other.Port == h.Port }); i >= 0 {
			h = all[i]
		}
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, g.show(h))
	}
	return out, nil
}

var notRegistered = traffic.Status{State: traffic.Unused, Reason: "Target.NotRegistered", Description: "Target is not registered to the target group"}

func (g group) show(h traffic.Health) healthOut {
	port := g.Check.Port
	if port == trafficPort {
		port = strconv.Itoa(h.Port)
	}
	return healthOut{targetOut{h.Instance, h.Port}, port, statusOut{string(h.State), h.Reason, h.Description}}
}
