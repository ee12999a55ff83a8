// Package instance has the instances of the local cloud: what is known of each, a [Fleet] that
// launches and terminates them, and a [Pretended] runner, whose instances are HTTP servers in the
// cloud's process. EC2, Auto Scaling and the load balancers share it.
package instance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net"
	"time"
)

// State is a state of an instance, in EC2's words.
type State string

// The states of an instance.
const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
)

// Instance is what EC2 knows of an instance. Values of it are copies.
type Instance struct {
	ID, Reservation   string
	Region, Account   string
	Image, Type, Key  string
	Zone, Subnet, VPC string
	Address           string // private IPv4 address; Fleet.Dial connects to its ports
	Profile           string // ARN of the instance profile, or ""
	SecurityGroups    []string
	Template          Template // the zero value if it was launched without one
	UserData          string   // as the instance reads it, not in base64
	MetadataTags      bool     // its tags are in its metadata
	MetadataTokens    bool     // its metadata need a token: version 2 alone
	Tags              map[string]string
	Version           string // what it runs: its tag docker:image:version, else that of its group, at launch
	Launched, Ended   time.Time
	State             State
	Reason            string            // why it was terminated, as "CODE: text"
	GroupTags         map[string]string `json:"-"` // of its group, whether they are its own or not; asked for at launch
}

// Template is the version of a launch template that an instance was launched from.
type Template struct {
	ID, Name string
	Version  int
}

// VersionTag is the tag that names what an instance runs.
const VersionTag = "docker:image:version"

// A Runner runs instances. Its methods may be called concurrently, but not for the same instance.
type Runner interface {
	// Start runs an instance and returns when it is running, which is before its application answers.
	// An instance that runs already goes on running.
	Start(ctx context.Context, i Instance) error
	// Stop removes all of an instance. It succeeds if there is nothing.
	Stop(ctx context.Context, id string) error
	// Dial connects to a port of a running instance. It is refused if nothing listens there.
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	// Console returns what an instance has written while it booted.
	Console(ctx context.Context, id string) (string, error)
}

// Targets are the target groups of the load balancers, as Auto Scaling uses them. Groups are named
// by ARN, instances by id. Each method may be repeated and is durable when it returns.
type Targets interface {
	// Known reports whether a target group exists.
	Known(group string) bool
	// Register adds an instance with the port of the target group. It ends a draining.
	Register(group, id string) error
	// Deregister begins to drain an instance, unless it drains already, and returns when the draining
	// ends: after the deregistration delay. The zero time means that the instance is not registered.
	Deregister(group, id string) (drained time.Time, err error)
	// Health returns the state that DescribeTargetHealth tells, such as "healthy", and "unused" if the
	// instance is not registered.
	Health(group, id string) string
}

// NewID returns a new id with EC2's prefix for the kind, such as "i-".
func NewID(prefix string) string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // does not fail
	return prefix + hex.EncodeToString(b[:])[:17]
}

// living reports whether a runner has the instance.
func (i Instance) living() bool { return i.State == Pending || i.State == Running }

// copied returns the instance without anything that it shares with i.
func (i Instance) copied() Instance {
	i.Tags, i.GroupTags = maps.Clone(i.Tags), nil
	return i
}
