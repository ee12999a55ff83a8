package release

import (
	"fmt"
	"slices"
	"time"

	"beansprout/release/aws"
)

// A Refusal is a reason not to start a release, and what to do about it.
type Refusal struct {
	About  string // a group, an image or a component
	Reason string
	Next   string
}

func (f Refusal) String() string { return fmt.Sprintf("%s: %s. %s", f.About, f.Reason, f.Next) }

// Refusals returns what stands against starting a plan now: all of it, in the plan's order. What was not
// read is a refusal, too. Nothing has been changed when it is asked.
func Refusals(plan Plan, facts Facts, now time.Time) (all []Refusal) {
	if err := plan.Check(); err != nil {
		return []Refusal{{plan.Service.Name, err.Error(), "Correct the configuration."}}
	}
	r := &reading{plan: plan, facts: facts, now: now}
	for _, c := range plan.Service.Components {
		all = append(all, r.refuseImage(c.Artifact)...)
		for _, p := range c.Pairs {
			all = append(all, r.refusePair(p)...)
			for _, g := range []Group{p.Old, p.New} {
				all = append(all, r.refuseGroup(g)...)
			}
			all = append(all, r.refuseSchedules(p)...)
		}
	}
	if why := ruleDrift(plan.Rules, r.rules()); why != "" {
		all = append(all, Refusal{"rules", why, "Plan again."})
	}
	if r.unread != "" {
		all = append(all, Refusal{plan.Service.Name, r.unread, "Try again; if it stays so, see that the policy for releases is attached."})
	}
	return all
}

func (r *reading) refuseImage(a Artifact) []Refusal {
	name := a.Repository + "@" + a.Digest
	image, ok := r.facts.Images[name]
	r.use(ImageFact, name, image.At, ok)
	switch {
	case !ok:
		return nil
	case image.Missing:
		return []Refusal{{name, "the image is not in the registry any more", "Release a feature whose image exists, or push it again."}}
	case !slices.Contains(image.Architectures, a.Architecture):
		return []Refusal{{name, fmt.Sprintf("the image is for %q, and the instances are %s", image.Architectures, a.Architecture), "Build the image for " + a.Architecture + "."}}
	}
	return nil
}

// refusePair refuses sides that are not one that serves and one that is idle, and bounds that are too small.
func (r *reading) refusePair(p Pair) (all []Refusal) {
	old, new := r.group(p.Old.Name), r.group(p.New.Name)
	if old.Missing || new.Missing {
		return nil
	}
	both := old.Name + " and " + new.Name
	switch {
	case old.Desired == 0 && new.Desired == 0:
		all = append(all, Refusal{both, "both sides are idle", "Start instances of the version that is to serve on one side, and plan again."})
	case old.Desired == 0:
		all = append(all, Refusal{both, "the side that is to be replaced does not serve", "Plan again."})
	case new.Desired > 0:
		all = append(all, Refusal{both, fmt.Sprintf("no side is idle: %s has a desired capacity of %d", new.Name, new.Desired), "Set MinSize and the desired capacity of the side that is not to serve to 0."})
	}
	if n := occupants(new); n > 0 && new.Desired == 0 {
		all = append(all, Refusal{new.Name, fmt.Sprintf("%d instances are left of an earlier release", n), "Wait for those that terminate; terminate those in Standby without lowering the desired capacity."})
	}
	if new.Min > 0 && new.Desired == 0 {
		all = append(all, Refusal{new.Name, fmt.Sprintf("MinSize is %d", new.Min), "Set it to 0."})
	}
	if n := demand(old); n > old.Max {
		all = append(all, Refusal{old.Name, fmt.Sprintf("it needs %d instances, and MaxSize is %d", n, old.Max), fmt.Sprintf("Set MaxSize to at least %d.", n)})
	}
	if old.Tags[r.plan.VersionTag].Value == "" {
		all = append(all, Refusal{old.Name, "no tag " + r.plan.VersionTag + " says what it runs, so there would be no way back", "Set the tag to the version that runs there."})
	}
	return all
}

// refuseGroup refuses what makes a group unfit on either side.
func (r *reading) refuseGroup(p Group) (all []Refusal) {
	g := r.group(p.Name)
	refuse := func(next, reason string, a ...any) {
		all = append(all, Refusal{p.Name, fmt.Sprintf(reason, a...), next})
	}
	switch {
	case g.Missing:
		refuse("Correct the tag or the prefix by which groups are found.", "the group does not exist")
		return all
	case g.Status != "":
		refuse("Wait until it is gone, and create it again.", "the group is being deleted: %s", g.Status)
	}
	for _, i := range g.Instances {
		switch {
		case !i.Lifecycle.Known():
			refuse("Wait until the instance is InService, or terminate it.", "%s is %q, which is not known", i.ID, i.Lifecycle)
		case slices.Contains([]aws.Lifecycle{aws.Standby, aws.EnteringStandby}, i.Lifecycle.Plain()):
			refuse("Take it out of Standby, or terminate it.", "%s is in Standby", i.ID)
		case i.Lifecycle.Plain() == aws.Terminating:
			refuse("Wait until it is gone.", "%s is being terminated", i.ID)
		}
	}
	if process := blocked(g); process != "" {
		refuse("Resume "+process+".", "%s is suspended: no instance could be started, ended or registered", process)
	}
	if g.WarmPool {
		refuse("Delete the warm pool.", "it has a warm pool")
	}
	if g.HealthCheck == "ELB" && g.Grace <= 0 {
		refuse("Set the grace period to more than an instance takes to start.", "its health checks are the load balancer's and the grace period is 0: what starts slowly is replaced for ever")
	}
	if len(g.LoadBalancers) > 0 {
		refuse("Use target groups.", "it is attached to classic load balancers: %q", g.LoadBalancers)
	}
	for _, f := range r.refreshes(p.Name) {
		if !f.Ended() {
			refuse("Cancel the refresh, or wait for its end.", "an instance refresh (%s) is at work: %s", f.ID, f.Status)
		}
	}
	return append(all, r.refuseAttachments(p, g)...)
}

// refuseAttachments refuses target groups that are gone, that the plan does not know, or that no rule uses.
func (r *reading) refuseAttachments(p Group, g aws.Group) (all []Refusal) {
	if !slices.Equal(sorted(g.TargetGroups), sorted(p.TargetGroups)) || g.Template != p.Template || g.HealthCheck != p.HealthCheck {
		all = append(all, Refusal{p.Name, "its target groups, launch template or health check are not those of the plan", "Plan again."})
	}
	for _, arn := range p.TargetGroups {
		if r.targets(arn).Missing {
			all = append(all, Refusal{p.Name, "the target group " + arn + " does not exist", "Detach it from the group."})
			continue
		}
		used := slices.ContainsFunc(r.rules(), func(rule aws.Rule) bool {
			return slices.ContainsFunc(rule.Forwards, func(f aws.Forward) bool { return f.TargetGroup == arn })
		})
		if !used {
			all = append(all, Refusal{p.Name, "no rule uses the target group " + arn + ", so its health is never checked", "Add a rule that forwards to it, or detach it from the group."})
		}
	}
	return all
}

// refuseSchedules refuses what would happen in the middle of the release, and what can't be moved.
func (r *reading) refuseSchedules(p Pair) (all []Refusal) {
	end := r.now.Add(r.plan.Expected())
	for _, s := range r.schedules(p.Old.Name) {
		if at, due := dueBefore(s, r.now, end); due {
			all = append(all, Refusal{p.Old.Name, fmt.Sprintf("the scheduled action %q is due at %s, before the release ends", s.Name, at.UTC().Format(time.RFC3339)), "Start after it."})
		}
	}
	if r.plan.Schedules != MoveThem {
		return all
	}
	const next = "Set schedules to switch, so that each group has its own."
	for _, policy := range r.policies(p.Old.Name) {
		switch {
		case policy.Type != aws.TargetTracking || policy.Tracking == nil:
			all = append(all, Refusal{p.Old.Name, fmt.Sprintf("the policy %q is of the type %s, which can't be moved", policy.Name, policy.Type), next})
		case policy.Tracking.Customized != nil && policy.Tracking.Customized.Unreadable:
			all = append(all, Refusal{p.Old.Name, fmt.Sprintf("the policy %q has a metric that can't be moved", policy.Name), next})
		case policy.Tracking.Predefined != nil && policy.Tracking.Predefined.Label != "" && !slices.Equal(sorted(p.Old.TargetGroups), sorted(p.New.TargetGroups)):
			all = append(all, Refusal{p.Old.Name, fmt.Sprintf("the policy %q counts the requests of a target group that %s does not have", policy.Name, p.New.Name), next})
		}
	}
	if n := len(r.schedules(p.New.Name)) + len(r.policies(p.New.Name)); n > 0 {
		all = append(all, Refusal{p.New.Name, fmt.Sprintf("the idle side has %d scheduled actions and policies of its own", n), "Remove them, or set schedules to switch."})
	}
	return all
}
