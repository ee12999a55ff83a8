package aws

import "time"

// A TargetGroup is a target group and the health of each of its targets.
type TargetGroup struct {
	ARN     string
	Missing bool          // AWS was asked and does not know the target group
	Delay   time.Duration // for which a target is drained
	Targets map[string]Target
	At      time.Time
}

// A Target is what a target group says of an instance.
type Target struct {
	Port        int
	State       TargetState
	Reason      string
	Description string
}

// TargetState is the health of a target.
type TargetState string

// The states of targets.
const (
	Initial     TargetState = "initial"
	Healthy     TargetState = "healthy"
	Unhealthy   TargetState = "unhealthy"
	Unused      TargetState = "unused"
	Draining    TargetState = "draining"
	Unavailable TargetState = "unavailable"
)

// A Rule says which target groups get the requests of a rule of a listener.
type Rule struct {
	ARN      string    `json:"arn"`
	Listener string    `json:"listener"`
	Priority string    `json:"priority"` // a number, or default
	Forwards []Forward `json:"forwards"`
}

// Forward is a target group's share of a rule's requests.
type Forward struct {
	TargetGroup string `json:"target_group"`
	Weight      int    `json:"weight"`
}

// Rules are the rules that name the target groups of a release.
type Rules struct {
	Rules []Rule
	At    time.Time
}
