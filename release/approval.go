package release

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// An Approval is one person's yes to one plan.
type Approval struct {
	Number int64     `json:"number"`
	Digest string    `json:"digest"` // of the plan
	By     string    `json:"by"`     // the ARN of the caller, as STS tells it
	At     time.Time `json:"at"`
}

// refusal returns why an approval does not count for a plan that started asked for, or "".
func (a *Approval) refusal(p Plan, started Request) string {
	switch {
	case a == nil:
		return "no person has approved it yet"
	case a.Number != p.Number || a.Digest != p.Digest():
		return "the approval is for another plan"
	case !MayApprove(p.Approvers, a.By):
		return fmt.Sprintf("%s may not approve it", a.By)
	case p.FourEyes && role(a.By) == role(started.By):
		return fmt.Sprintf("%s has started it, and another person must approve it", a.By)
	}
	return ""
}

// MayApprove reports whether an ARN is one of the approvers'. An assumed role is compared by the ARN of its
// role, without the session. * in an approver's ARN stands for any characters of a name but /.
func MayApprove(approvers []string, arn string) bool {
	for _, approver := range approvers {
		if match, err := path.Match(approver, role(arn)); err == nil && match && arn != "" {
			return true
		}
	}
	return false
}

// role returns the ARN of the role of an assumed role, and any other ARN as it is.
func role(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return arn
	}
	name, ok := strings.CutPrefix(parts[5], "assumed-role/")
	if !ok {
		return arn
	}
	name, _, _ = strings.Cut(name, "/")
	return strings.Join([]string{parts[0], parts[1], "iam", "", parts[4], "role/" + name}, ":")
}
