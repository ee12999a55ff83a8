// Package release decides how production comes to run what a feature's environment has tried. Next is pure:
// from a plan, a record and facts it chooses one move. Others read, act, and ask it again.
package release

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"beansprout/release/aws"
)

// A Service is what is released as one.
type Service struct {
	Name       string      `json:"name"`
	Components []Component `json:"components"` // in the order in which traffic moves
}

// A Component has its own artifact and its own groups: one pair, or more.
type Component struct {
	Name     string   `json:"name"`
	Artifact Artifact `json:"artifact"`
	Pairs    []Pair   `json:"pairs"`
	NoChecks bool     `json:"no_checks,omitempty"` // it has no URL that is checked
}

// An Artifact is an image by its digest.
type Artifact struct {
	Repository   string `json:"repository"`
	Digest       string `json:"digest"`
	Version      string `json:"version"` // an immutable tag of the digest; what instances are told to run
	Architecture string `json:"architecture"`
}

// A Pair is two groups: one of the old side, and the one of the new side that takes its place.
type Pair struct {
	Old Group `json:"old"`
	New Group `json:"new"`
}

// A Side is the groups of a component that serve, or those that will.
type Side []Group

// Old returns the side that serves when the release starts.
func (c Component) Old() (s Side) {
	for _, p := range c.Pairs {
		s = append(s, p.Old)
	}
	return s
}

// New returns the side that serves when the release is finished.
func (c Component) New() (s Side) {
	for _, p := range c.Pairs {
		s = append(s, p.New)
	}
	return s
}

// A Group is what a plan relies on about an Auto Scaling group. Sizes are no part of it.
type Group struct {
	Name         string       `json:"name"`
	TargetGroups []string     `json:"target_groups"` // ARNs
	Template     aws.Template `json:"template"`
	HealthCheck  string       `json:"health_check"`
}

// A Step is one of three: instances are added on the new side, or all that are required, or a person approves.
type Step struct {
	Instances int           `json:"instances,omitempty"` // in each group
	All       bool          `json:"all,omitempty"`
	Approve   bool          `json:"approve,omitempty"`
	For       time.Duration `json:"for,omitempty"` // for which they are to be healthy
}

// ScheduleMode says what becomes of scheduled actions and scaling policies.
type ScheduleMode string

// With Switch each group has its own, and those of the side that is idle are suspended. With Move the side
// that serves has them.
const (
	Switch   ScheduleMode = "switch"
	MoveThem ScheduleMode = "move"
)

// A Plan is what a release will do. It does not change while the release is open.
type Plan struct {
	Number     int64        `json:"number"`
	Service    Service      `json:"service"`
	VersionTag string       `json:"version_tag"` // of groups and instances
	Rules      []aws.Rule   `json:"rules"`
	Steps      []Step       `json:"steps"`
	Schedules  ScheduleMode `json:"schedules"`
	Approvers  []string     `json:"approvers,omitempty"` // ARNs of users and roles; * stands for any part of a name
	FourEyes   bool         `json:"four_eyes,omitempty"` // who started it may not approve it

	PrepareWithin time.Duration `json:"prepare_within"` // instances are to be healthy
	ApproveWithin time.Duration `json:"approve_within"`
	WatchFor      time.Duration `json:"watch_for"` // a failing check rolls back by itself
	KeepOld       time.Duration `json:"keep_old"`  // the old side stays in Standby, counted from the shift

	// Sizes are those at the time of the plan, by group. They are shown, and are no part of the digest.
	Sizes map[string]aws.Sizes `json:"sizes,omitempty"`
}

// ReleaseTag is the tag of a group that names the release which has changed it last.
const ReleaseTag = "beansprout:release"

// Digest returns what an approval approves: everything but sizes. Lists whose order means nothing may come
// in any order.
func (p Plan) Digest() string {
	p.Sizes = nil
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i] = canonicalRule(p.Rules[i])
	}
	slices.SortFunc(p.Rules, func(a, b aws.Rule) int { return cmp.Compare(a.ARN, b.ARN) })
	p.Approvers = sorted(p.Approvers)
	p.Service.Components = slices.Clone(p.Service.Components)
	for i, c := range p.Service.Components {
		c.Pairs = slices.Clone(c.Pairs)
		for j := range c.Pairs {
			c.Pairs[j].Old.TargetGroups = sorted(c.Pairs[j].Old.TargetGroups)
			c.Pairs[j].New.TargetGroups = sorted(c.Pairs[j].New.TargetGroups)
		}
		slices.SortFunc(c.Pairs, func(a, b Pair) int { return cmp.Compare(a.Old.Name, b.Old.Name) })
		p.Service.Components[i] = c
	}
	text, err := json.Marshal(p)
	if err != nil { // there is no value in a plan that JSON has not
		panic(err)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func canonicalRule(r aws.Rule) aws.Rule {
	r.Forwards = slices.SortedFunc(slices.Values(r.Forwards), func(a, b aws.Forward) int { return cmp.Compare(a.TargetGroup, b.TargetGroup) })
	return r
}

// sorted returns a sorted copy that is nil when it is empty.
func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// pairs returns the pairs of all components, in the order in which traffic moves.
func (p Plan) pairs() (all []Pair) {
	for _, c := range p.Service.Components {
		all = append(all, c.Pairs...)
	}
	return all
}

// artifact returns what a new group is to run.
func (p Plan) artifact(group string) Artifact {
	for _, c := range p.Service.Components {
		for _, pair := range c.Pairs {
			if pair.New.Name == group {
				return c.Artifact
			}
		}
	}
	return Artifact{}
}

// asksApproval reports whether a step of the plan is a gate.
func (p Plan) asksApproval() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Approve })
}

// Check returns what is wrong with a plan by itself, whatever the facts are.
func (p Plan) Check() error {
	groups := map[string]bool{}
	for _, c := range p.Service.Components {
		if c.Artifact.Version == "" || c.Artifact.Digest == "" {
			return fmt.Errorf("component %q has no version or no digest", c.Name)
		}
		if len(c.Pairs) == 0 {
			return fmt.Errorf("component %q has no groups", c.Name)
		}
		for _, g := range slices.Concat(c.Old(), c.New()) {
			if g.Name == "" || groups[g.Name] {
				return fmt.Errorf("group %q of component %q has no name, or is named twice", g.Name, c.Name)
			}
			groups[g.Name] = true
		}
	}
	if len(groups) == 0 {
		return errors.New("the plan has no components")
	}
	if err := p.checkSteps(); err != nil {
		return err
	}
	return p.checkTerms()
}

func (p Plan) checkTerms() error {
	switch {
	case p.VersionTag == "" || p.VersionTag == ReleaseTag:
		return fmt.Errorf("%q can't be the tag of versions", p.VersionTag)
	case p.Schedules != Switch && p.Schedules != MoveThem:
		return fmt.Errorf("schedules are %q, want switch or move", p.Schedules)
	case p.PrepareWithin <= 0 || p.WatchFor < 0 || p.KeepOld < 0 || p.asksApproval() && p.ApproveWithin <= 0:
		return errors.New("a time of the plan is missing or negative")
	}
	return nil
}

func (p Plan) checkSteps() error {
	approvals := 0
	for i, s := range p.Steps {
		kinds := 0
		for _, is := range []bool{s.Instances != 0, s.All, s.Approve} {
			if is {
				kinds++
			}
		}
		if kinds != 1 || s.Instances < 0 || s.For < 0 {
			return fmt.Errorf("step %d must have one of instances, all and approve", i+1)
		}
		if s.Approve {
			approvals++
		}
	}
	switch {
	case len(p.Steps) == 0 || !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.All }):
		return errors.New("no step starts all instances")
	case approvals > 1:
		return errors.New("more than one step asks for an approval")
	case approvals == 1 && len(p.Approvers) == 0:
		return errors.New("a step asks for an approval, and no approver is named")
	}
	return nil
}
