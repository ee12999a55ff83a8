package release

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"beansprout/release/aws"
)

// refuseDrift halts when something contradicts the plan, and names it. Sizes are no drift.
func (r *reading) refuseDrift() Move {
	for _, p := range r.plan.pairs() {
		for _, g := range []Group{p.Old, p.New} {
			if why := r.drift(g); why != "" {
				return halt("%s", why)
			}
		}
		old, before := r.group(p.Old.Name), r.record.Before[p.Old.Name]
		if got, was := old.Tags[r.plan.VersionTag], before.Tags[r.plan.VersionTag]; got != was {
			return halt("the tag %s of %s was changed from %q to %q: set it back, or abort", r.plan.VersionTag, old.Name, was.Value, got.Value)
		}
	}
	if why := ruleDrift(r.plan.Rules, r.rules()); why != "" {
		return halt("%s", why)
	}
	return Move{}
}

// drift returns what contradicts a plan's view of a group, or "".
func (r *reading) drift(p Group) string {
	g := r.group(p.Name)
	switch {
	case g.Status != "":
		return fmt.Sprintf("the group %s is being deleted: %s", p.Name, g.Status)
	case !slices.Equal(sorted(g.TargetGroups), sorted(p.TargetGroups)) || len(g.LoadBalancers) > 0:
		return fmt.Sprintf("the load balancers of %s were edited: it has %q, the plan says %q", p.Name, slices.Concat(g.TargetGroups, g.LoadBalancers), p.TargetGroups)
	case g.Template != p.Template:
		return fmt.Sprintf("the launch template of %s was edited: it is %s %s, the plan says %s %s", p.Name, g.Template.ID, g.Template.Version, p.Template.ID, p.Template.Version)
	case g.HealthCheck != p.HealthCheck:
		return fmt.Sprintf("the health check of %s was edited: it is %s, the plan says %s", p.Name, g.HealthCheck, p.HealthCheck)
	case g.WarmPool:
		return fmt.Sprintf("%s was given a warm pool", p.Name)
	}
	if process := blocked(g); process != "" {
		return fmt.Sprintf("%s is suspended on %s: resume it", process, p.Name)
	}
	for _, i := range g.Instances {
		if !i.Lifecycle.Known() {
			return fmt.Sprintf("%s of %s is %q, which is not known", i.ID, p.Name, i.Lifecycle)
		}
	}
	for _, f := range r.refreshes(p.Name) {
		if !f.Ended() {
			return fmt.Sprintf("an instance refresh (%s) is at work on %s: cancel it, or wait for its end", f.ID, p.Name)
		}
	}
	return ""
}

// blocked returns a suspended process without which a release can't go back and forth, or "".
func blocked(g aws.Group) string {
	for _, p := range []string{aws.Launch, aws.Terminate, aws.AddToLoadBalancer} {
		if g.Suspends(p) {
			return p
		}
	}
	return ""
}

// ruleDrift returns which rule is not as the plan says, or "".
func ruleDrift(plan, now []aws.Rule) string {
	for _, want := range plan {
		i := slices.IndexFunc(now, func(r aws.Rule) bool { return r.ARN == want.ARN })
		if i < 0 {
			return fmt.Sprintf("the rule %s was removed", want.ARN)
		}
		if !reflect.DeepEqual(canonicalRule(now[i]), canonicalRule(want)) {
			return fmt.Sprintf("the rule %s was edited", want.ARN)
		}
	}
	if len(now) > len(plan) {
		added := slices.DeleteFunc(slices.Clone(now), func(r aws.Rule) bool {
			return slices.ContainsFunc(plan, func(p aws.Rule) bool { return p.ARN == r.ARN })
		})
		slices.SortFunc(added, func(a, b aws.Rule) int { return cmp.Compare(a.ARN, b.ARN) })
		if len(added) > 0 {
			return fmt.Sprintf("the rule %s was added", added[0].ARN)
		}
	}
	return ""
}
