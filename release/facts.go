package release

import (
	"time"

	"beansprout/release/aws"
)

// Facts are what AWS and the checks said last. What was not read is not in the maps; what was looked for
// and is not there is in them as missing.
type Facts struct {
	Groups       map[string]aws.Group // by name, as all of these up to Refreshes
	Schedules    map[string]aws.Schedules
	Policies     map[string]aws.Policies
	Refreshes    map[string]aws.Refreshes
	TargetGroups map[string]aws.TargetGroup // by ARN
	Machines     map[string]aws.Machine     // by id
	Images       map[string]Image           // by repository@digest
	Checks       map[string]Check           // of URLs, by component
	Rules        aws.Rules
}

// An Image is what the registry says of an artifact.
type Image struct {
	Missing       bool
	Architectures []string
	At            time.Time
}

// A Check is what asking a component's URL has come to.
type Check struct {
	Failed bool   // as often as it takes to believe it
	Reason string // in words
	At     time.Time
}

// FactKind is a kind of fact.
type FactKind string

// The kinds of facts.
const (
	GroupFact       FactKind = "group"
	SchedulesFact   FactKind = "schedules"
	PoliciesFact    FactKind = "policies"
	RefreshesFact   FactKind = "refreshes"
	TargetGroupFact FactKind = "target group"
	MachineFact     FactKind = "instance"
	CheckFact       FactKind = "check"
	ImageFact       FactKind = "image"
	RulesFact       FactKind = "rules"
)

// A Fact names a reading that a move stands on.
type Fact struct {
	Kind FactKind
	Name string
	At   time.Time
}
