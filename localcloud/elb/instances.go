package elb

import (
	"context"
	"net"
	"strings"
	"time"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// apply has the requests follow the state. It is called with mu held, but for Open.
func (s *Service) apply() error {
	var table traffic.Table
	err := s.look(wire.Call{}, func(st *state) error {
		of := map[string][]traffic.Listener{}
		for _, l := range listeners.everywhere(st) {
			of[l.Balancer] = append(of[l.Balancer], l.traffic())
		}
		for _, b := range balancers.everywhere(st) {
			table.Balancers = append(table.Balancers, traffic.Balancer{Host: b.Host, Listeners: of[b.ARN]})
		}
		for _, g := range groups.everywhere(st) {
			table.Groups = append(table.Groups, g.traffic(s.Now()))
		}
		return nil
	})
	if err == nil {
		s.plane.Apply(table)
	}
	return err
}

// Known reports whether a target group exists.
func (s *Service) Known(group string) (ok bool) {
	_ = s.look(s.callFor(group), func(st *state) error { // without the state nothing exists
		_, ok = groups.get(st, group)
		return nil
	})
	return ok
}

// Register registers an instance with the port of a target group, as RegisterTargets does. It ends a
// draining.
func (s *Service) Register(group, id string) error {
	return s.change(s.callFor(group), func(st *state) error {
		_, err := registerTargets(st, targetsIn{groupNamed{group}, []targetIn{{Id: id}}})
		return err
	})
}

// Deregister begins to drain an instance of a target group, unless it drains already, and returns when
// the draining ends: after the deregistration delay. The zero time means that the instance is not
// registered.
func (s *Service) Deregister(group, id string) (drained time.Time, err error) {
	err = s.change(s.callFor(group), func(st *state) error {
		g, err := groups.must(st, group)
		if err != nil {
			return err
		}
		drained = g.deregister(id, g.Port, st.Now)
		groups.put(st, g.ARN, g)
		return nil
	})
	return drained, err
}

// Health returns the state of an instance in a target group, such as "healthy". It is "unused" if the
// instance neither is registered nor drains.
func (s *Service) Health(group, id string) string {
	for _, h := range s.plane.Health(group) {
		if h.Instance == id {
			return string(h.State)
		}
	}
	return string(traffic.Unused)
}

// Healthy returns how many healthy targets each target group has, by ARN.
func (s *Service) Healthy() map[string]int { return s.plane.Healthy() }

// callFor returns a call of the region of an ARN.
func (s *Service) callFor(arn string) wire.Call {
	return wire.Call{Region: regionOf(arn), Account: s.Account, Now: s.Now()}
}

// regionOf returns the region in an ARN.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[3]
}

// dialer reaches the instances of a fleet. What was terminated has no address any more.
type dialer struct{ fleet *instance.Fleet }

// Dial implements [traffic.Instances].
func (d dialer) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	if i, ok := d.fleet.Get(id); !ok || i.State == instance.Terminated {
		return nil, traffic.ErrNotRunning
	}
	return d.fleet.Dial(ctx, id, port)
}
