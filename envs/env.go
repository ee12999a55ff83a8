// Package envs is the dictionary of Beansprout: what an environment is, how it
// is named and tagged, whose it is, and when its days are over. It holds pure
// rules over the standard library and knows none of the doors.
//
// The map of the house, arrows pointing at what is used:
//
//	cmd/beansprout ──> builder, builder/ecr     source tree -> image by digest
//	               ──> dockerrun                template + values -> bundle
//	               ──> envs/beanstalk ──> envs  environments: find, launch, deploy, wait, terminate
//	               ──> envs/ledger    ──> envs  S3: bundles, what changes about an environment
//	               ──> janitor        ──> envs  clock -> deletions
//	               ──> notify         ──> envs  Slack
//	               ──> localcloud               AWS on this machine
package envs

import (
	"errors"
	"time"
)

// Errors that the doors report, to be told apart with errors.Is.
var (
	// ErrNotFound is reported when no environment, version or object of that name exists (any more).
	ErrNotFound = errors.New("not found")
	// ErrNotReady is reported when an environment is in a state in which it can't be changed now;
	// the same call may succeed later.
	ErrNotReady = errors.New("not ready")
	// ErrNotOurs is reported when an environment wasn't made by Beansprout for the feature in
	// question, or can't be proved to be. It must be left alone.
	ErrNotOurs = errors.New("not ours")
	// ErrCredentials is reported when AWS doesn't accept the credentials (any more), or there are none.
	ErrCredentials = errors.New("AWS doesn't accept the credentials")
	// ErrTaken is reported when a name is in use by somebody else.
	ErrTaken = errors.New("taken")
	// ErrQuota is reported when the account may have no more of what was to be made.
	ErrQuota = errors.New("quota used up")
)

// State is where an environment stands in AWS's state machine.
type State string

// The states that AWS knows.
const (
	Launching   State = "Launching"
	Updating    State = "Updating"
	Ready       State = "Ready"
	Aborting    State = "Aborting"
	LinkingFrom State = "LinkingFrom"
	LinkingTo   State = "LinkingTo"
	Terminating State = "Terminating"
	Terminated  State = "Terminated"
)

// Busy says whether AWS is at work on an environment in state s, so that it refuses changes.
func (s State) Busy() bool {
	switch s {
	case Launching, Updating, Aborting, LinkingFrom, LinkingTo:
		return true
	}
	return false
}

// Gone says whether an environment in state s is going away or has gone.
func (s State) Gone() bool { return s == Terminating || s == Terminated }

// Env is one environment as AWS describes it.
type Env struct {
	ID          string // AWS's id, "e-" and ten letters or digits: the one key that is never used twice
	ARN         string
	Name        string
	Application string
	CNAME       string // the host (and port, on the local cloud) under which it answers
	State       State
	Health      string // Green, Yellow, Red or Grey
	Status      string // the enhanced health status ("Ok", "Severe", ...); empty under basic health
	Version     string // label of the version that runs
	Platform    string // ARN of the platform version
	Description string
	Created     time.Time
	Updated     time.Time // of the last change of any kind, by AWS's clock
	Abortable   bool      // an update is under way that AWS could abort

	// What its description or tags say; empty when they say nothing that fits its name.
	Feature string
	Commit  string
	Owner   string
}

// URL returns the address under which the environment answers, or "" before it has one.
func (e Env) URL() string {
	if e.CNAME == "" {
		return ""
	}
	return "http://" + e.CNAME
}

// Receipt says what a removal took away, what stayed, and why.
type Receipt struct {
	Environment string   `json:"environment"`
	Removed     []string `json:"removed"`
	Kept        []Kept   `json:"kept"`
}

// Kept is one thing that a removal left where it was.
type Kept struct {
	Item   string `json:"item"`
	Reason string `json:"reason"`
}

// Remove notes that item was taken away.
func (r *Receipt) Remove(item string) { r.Removed = append(r.Removed, item) }

// Keep notes that item stayed, and why.
func (r *Receipt) Keep(item, reason string) { r.Kept = append(r.Kept, Kept{item, reason}) }
