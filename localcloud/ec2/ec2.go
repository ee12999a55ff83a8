// Package ec2 is the part of EC2 that releases need, on this machine: launch templates, the default
// network of a region, and the instances of a fleet with their tags and console output. One file
// holds the templates and survives a kill at any time; the fleet has its own.
package ec2

import (
	"context"
	"net/http"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// Config configures a Service.
type Config struct {
	File      string // of the state
	Fleet     *instance.Fleet
	Addresses func(region string) ([]beanstalk.Address, error) // elastic IPs
	Now       func() time.Time
}

// Service is EC2.
type Service struct {
	Config
	db *bolt.DB
}

// Open opens the state.
func Open(c Config) (*Service, error) {
	db, err := table.Open(c.File, templates.Bucket, tags.Bucket)
	return &Service{Config: c, db: db}, err
}

// Close closes the state.
func (s *Service) Close() error { return s.db.Close() }

const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// Handler returns the handler of EC2's protocol. Requests must come from [wire.WithCall].
func (s *Service) Handler() http.Handler {
	return wire.EC2(namespace, "2016-11-15", map[string]wire.Operation{
		"CreateLaunchTemplate":    changes(s, createLaunchTemplate),
		"CreateTags":              changes(s, createTags),
		"DescribeAddresses":       reads(s, describeAddresses),
		"DescribeInstances":       reads(s, describeInstances),
		"DescribeLaunchTemplates": reads(s, describeLaunchTemplates),
		"DescribeSubnets":         reads(s, describeSubnets),
		"DescribeTags":            reads(s, describeTags),
		"DescribeVpcs":            reads(s, describeVpcs),
		"GetConsoleOutput":        reads(s, getConsoleOutput),
		"TerminateInstances":      reads(s, terminateInstances), // changes the fleet alone
	})
}

var (
	templates = table.Table[template]{Bucket: "templates"}     // region, id
	tags      = table.Table[map[string]string]{Bucket: "tags"} // region, id of what is no instance
)

// state is what one call reads and changes in one transaction.
type state struct {
	wire.Call
	*Service
	ctx context.Context
	tx  *bolt.Tx
}

func (st *state) network() instance.Network { return instance.NetworkOf(st.Region, st.Account) }

// changes returns an operation that writes. It is undone if f fails.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return table.Op(s.db.Update, s.state, f)
}

// reads returns an operation that writes nothing to the state.
func reads[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return table.Op(s.db.View, s.state, f)
}

// state returns what an operation works on.
func (s *Service) state(ctx context.Context, call wire.Call, tx *bolt.Tx) *state {
	return &state{call, s, ctx, tx}
}

// done is the answer of an operation that has nothing else to say.
type done struct {
	Return bool `json:"return"`
}

type addressesOut struct {
	Addresses []beanstalk.Address `json:"addressesSet"`
}

func describeAddresses(st *state, _ struct{}) (addressesOut, error) {
	all, err := st.Addresses(st.Region)
	return addressesOut{all}, err
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}
