package release

import (
	"fmt"
	"slices"
	"time"

	"beansprout/release/aws"
)

// factMaxAge is how old a reading may be that a move stands on.
const factMaxAge = 10 * time.Second

// reading gives out facts for one decision, and notes which ones it gave.
type reading struct {
	plan   Plan
	record Record
	facts  Facts
	now    time.Time

	stands []Fact
	unread string // the first fact that was asked for and is not there, or is too old
}

// use notes that the decision stands on a fact.
func (r *reading) use(kind FactKind, name string, at time.Time, found bool) {
	f := Fact{kind, name, at}
	if slices.Contains(r.stands, f) {
		return
	}
	age := r.now.Sub(at)
	switch {
	case r.unread != "":
	case !found:
		r.unread = fmt.Sprintf("%s %s was not read", kind, name)
	case age > factMaxAge || age < -factMaxAge:
		r.unread = fmt.Sprintf("%s %s was read at %s", kind, name, at.UTC().Format(time.RFC3339))
	}
	r.stands = append(r.stands, f)
}

func (r *reading) group(name string) aws.Group {
	g, ok := r.facts.Groups[name]
	r.use(GroupFact, name, g.At, ok)
	return g
}

func (r *reading) targets(arn string) aws.TargetGroup {
	t, ok := r.facts.TargetGroups[arn]
	r.use(TargetGroupFact, arn, t.At, ok)
	return t
}

func (r *reading) machine(id string) aws.Machine {
	m, ok := r.facts.Machines[id]
	r.use(MachineFact, id, m.At, ok)
	return m
}

func (r *reading) schedules(group string) []aws.Schedule {
	s, ok := r.facts.Schedules[group]
	r.use(SchedulesFact, group, s.At, ok)
	return s.Actions
}

func (r *reading) policies(group string) []aws.Policy {
	p, ok := r.facts.Policies[group]
	r.use(PoliciesFact, group, p.At, ok)
	return p.Policies
}

func (r *reading) refreshes(group string) []aws.Refresh {
	f, ok := r.facts.Refreshes[group]
	r.use(RefreshesFact, group, f.At, ok)
	return f.Refreshes
}

func (r *reading) rules() []aws.Rule {
	r.use(RulesFact, "", r.facts.Rules.At, true)
	return r.facts.Rules.Rules
}

func (r *reading) check(component string) Check {
	c, ok := r.facts.Checks[component]
	r.use(CheckFact, component, c.At, ok)
	return c
}

// healthy returns how many instances of a group take traffic: they run and are in service, they are healthy in
// every target group of the plan and, if a version is given, say that they run it. Why is about the first one that does not.
func (r *reading) healthy(p Group, version string) (n int, why string) {
	ids := r.group(p.Name).IDs(aws.InService)
	for _, id := range ids {
		problem, machine := "", r.machine(id)
		if runs := machine.Tags[r.plan.VersionTag]; version != "" && runs != version {
			problem = fmt.Sprintf("%s says that it runs %q, want %q", id, runs, version)
		}
		if machine.State != aws.Running {
			problem = fmt.Sprintf("%s is %s", id, machine.State)
		}
		for _, arn := range p.TargetGroups {
			if t := r.targets(arn).Targets[id]; t.State != aws.Healthy && problem == "" {
				problem = fmt.Sprintf("%s is %q in %s: %s %s", id, t.State, arn, t.Reason, t.Description)
			}
		}
		if problem == "" {
			n++
		} else if why == "" {
			why = problem
		}
	}
	if why == "" {
		why = fmt.Sprintf("%d of its instances are in service", len(ids))
	}
	return n, why
}

// failing returns what is wrong with an instance in service that a target group has judged unhealthy, or "".
func (r *reading) failing(p Group) string {
	for _, id := range r.group(p.Name).IDs(aws.InService) {
		for _, arn := range p.TargetGroups {
			if t := r.targets(arn).Targets[id]; t.State == aws.Unhealthy {
				return fmt.Sprintf("%s of %s is unhealthy in %s: %s %s", id, p.Name, arn, t.Reason, t.Description)
			}
		}
	}
	return ""
}

// demand returns how many instances the old group has to have, or its successor in its place: those that
// it has in Standby served until the release moved them.
func demand(old aws.Group) int {
	return max(old.Desired, old.Count(aws.InService)) + old.Count(aws.Standby, aws.EnteringStandby)
}

// isEmpty reports whether a group has no instances and will start none.
func isEmpty(g aws.Group) bool { return g.Desired == 0 && occupants(g) == 0 }

// occupants returns how many instances a group has. One that is retained is as good as gone.
func occupants(g aws.Group) int { return len(g.Instances) - g.Count(aws.Retained) }

func wait(format string, a ...any) Move { return Move{Kind: Wait, Reason: fmt.Sprintf(format, a...)} }

func halt(format string, a ...any) Move { return Move{Kind: Halt, Reason: fmt.Sprintf(format, a...)} }

func (r *reading) enter(phase Phase, step int, format string, a ...any) Move {
	return Move{Kind: Enter, Phase: phase, Step: step, Reason: fmt.Sprintf(format, a...)}
}

func minimum(g aws.Group, n int) Move { return Move{Kind: Resize, Group: g.Name, Min: &n} }
