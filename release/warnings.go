package release

import (
	"fmt"
	"time"
)

// slowDelay is a deregistration delay that makes a rollback slow to ask for in the middle of a shift.
const slowDelay = time.Minute

// Warnings returns what does not stand against a release, but makes it slower or less sure than it could be.
// What was not read is left out: Refusals names it.
func Warnings(plan Plan, facts Facts) (all []string) {
	seen := map[string]bool{}
	for _, p := range plan.pairs() {
		for _, g := range []Group{p.Old, p.New} {
			if g.HealthCheck == "EC2" && len(g.TargetGroups) > 0 {
				all = append(all, fmt.Sprintf("%s has EC2 health checks: an instance whose application has failed is not replaced", g.Name))
			}
			if g.Template.Version == "$Latest" || g.Template.Version == "$Default" {
				all = append(all, fmt.Sprintf("%s starts what %s of its launch template is at that moment: it may change during the release", g.Name, g.Template.Version))
			}
			for _, arn := range g.TargetGroups {
				if delay := facts.TargetGroups[arn].Delay; delay > slowDelay && !seen[arn] {
					seen[arn] = true
					all = append(all, fmt.Sprintf("the deregistration delay of %s is %s: the old instances of a rollback during the shift leave Standby only after it", arn, delay))
				}
			}
		}
	}
	return all
}
