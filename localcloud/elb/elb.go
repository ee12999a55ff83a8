// Package elb is Elastic Load Balancing, version 2, on this machine: application load balancers with
// their listeners, rules and target groups, and instances as targets. Requests really pass through
// them, see package traffic. One file holds the state and survives a kill at any time.
package elb

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// Config configures a Service.
type Config struct {
	File    string // of the state
	Account string // 12 digits
	URLPort int    // at which the load balancers answer
	Fleet   *instance.Fleet
	Taken   func(host string) bool // whether something else answers at host.localhost; nil = nothing does
	Now     func() time.Time
	Sleep   func(ctx context.Context, d time.Duration) error // of Now's time

	HealthSpeed   int           // divides the intervals of health checks; 0 = 20
	DeregisterLag time.Duration // how long a deregistered target still gets new requests
}

// Service is Elastic Load Balancing.
type Service struct {
	Config
	db    *bbolt.DB
	plane *traffic.Plane

	mu sync.Mutex // makes a change and what it means for the requests one step
}

const (
	defaultSpeed = 20
	service      = "elasticloadbalancing"
)

// Open opens the state, and asks the registered targets for their health.
func Open(c Config) (*Service, error) {
	if c.HealthSpeed == 0 {
		c.HealthSpeed = defaultSpeed
	}
	if c.Taken == nil {
		c.Taken = func(string) bool { return false }
	}
	db, err := table.Open(c.File, balancers.table.Bucket, listeners.table.Bucket, groups.table.Bucket)
	if err != nil {
		return nil, err
	}
	s := &Service{Config: c, db: db, plane: traffic.New(traffic.Config{
		Instances: dialer{c.Fleet}, Now: c.Now, Sleep: c.Sleep, Speed: c.HealthSpeed, Lag: c.DeregisterLag,
	})}
	if err := s.apply(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the health checks, cuts the open requests and closes the state.
func (s *Service) Close() error {
	s.plane.Close()
	return s.db.Close()
}

// Router returns a handler that has the load balancer of a request's host answer, and next if no
// load balancer has that host.
func (s *Service) Router(next http.Handler) http.Handler { return s.plane.Router(next) }

// Version is that of the API. Classic load balancers are signed for the same service and have
// another one.
const Version = "2015-12-01"

// Namespace is that of the answers.
const Namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"

// Handler returns the handler of the query protocol. Requests must come from [wire.WithCall].
func (s *Service) Handler() http.Handler {
	return wire.Query(Namespace, Version, map[string]wire.Operation{
		"CreateListener":                changes(s, createListener),
		"CreateLoadBalancer":            changes(s, createLoadBalancer),
		"CreateRule":                    changes(s, createRule),
		"CreateTargetGroup":             changes(s, createTargetGroup),
		"DeleteListener":                changes(s, deleteListener),
		"DeleteLoadBalancer":            changes(s, deleteLoadBalancer),
		"DeleteRule":                    changes(s, deleteRule),
		"DeleteTargetGroup":             changes(s, deleteTargetGroup),
		"DeregisterTargets":             changes(s, deregisterTargets),
		"DescribeListeners":             reads(s, describeListeners),
		"DescribeLoadBalancers":         reads(s, describeLoadBalancers),
		"DescribeRules":                 reads(s, describeRules),
		"DescribeTags":                  reads(s, describeTags),
		"DescribeTargetGroupAttributes": reads(s, describeTargetGroupAttributes),
		"DescribeTargetGroups":          reads(s, describeTargetGroups),
		"DescribeTargetHealth":          reads(s, describeTargetHealth),
		"ModifyTargetGroupAttributes":   changes(s, modifyTargetGroupAttributes),
		"RegisterTargets":               changes(s, registerTargets),
	})
}

// changes returns an operation that writes. It is undone if f fails.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return within(s, s.change, f)
}

// reads returns an operation that writes nothing.
func reads[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return within(s, s.look, f)
}

func within[In, Out any](s *Service, transaction func(wire.Call, func(*state) error) error, f func(*state, In) (Out, error)) wire.Operation {
	return wire.Op(func(_ context.Context, call wire.Call, in In) (out Out, err error) {
		err = transaction(call, func(st *state) error {
			out, err = f(st, in)
			return err
		})
		return out, err
	})
}
