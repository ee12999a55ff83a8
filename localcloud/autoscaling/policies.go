package autoscaling

import (
	"fmt"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// policy is a scaling policy. There are no metrics here: a policy is kept and does nothing.
type policy struct {
	Name, ARN string
	policySettings
	Alarms []alarm
}

type alarm struct{ AlarmName, AlarmARN string }

type policySettings struct {
	PolicyType                  string `aws:"min=1,max=64,xml"`
	AdjustmentType              string `aws:"min=1,max=255,xml"`
	MinAdjustmentMagnitude      *int
	ScalingAdjustment           *int
	Cooldown                    *int
	MetricAggregationType       string `aws:"min=1,max=32,xml"`
	StepAdjustments             []step `aws:"max=20"`
	EstimatedInstanceWarmup     *int
	TargetTrackingConfiguration *tracking
	Enabled                     *bool
}

type step struct {
	MetricIntervalLowerBound, MetricIntervalUpperBound *float64
	ScalingAdjustment                                  *int `aws:"required"`
}

type tracking struct {
	PredefinedMetricSpecification *struct {
		PredefinedMetricType string `aws:"required,enum=ASGAverageCPUUtilization|ASGAverageNetworkIn|ASGAverageNetworkOut|ALBRequestCountPerTarget"`
		ResourceLabel        string `aws:"min=1,max=1023,xml"`
	}
	CustomizedMetricSpecification *struct {
		MetricName, Namespace string
		Dimensions            []dimension
		Statistic             string `aws:"enum=Average|Minimum|Maximum|SampleCount|Sum"`
		Unit                  string
		Period                *int `aws:"min=1"`
	}
	TargetValue    *float64 `aws:"required"`
	DisableScaleIn *bool
}

type dimension struct {
	Name  string `aws:"required"`
	Value string `aws:"required"`
}

type putPolicyIn struct {
	named
	PolicyName string `aws:"required,min=1,max=255,xml"`
	policySettings
}

type putPolicyOut struct {
	PolicyARN string
	Alarms    []alarm
}

const mostPolicies = 50

// putPolicy adds a policy in place of the one with its name in the group, whose ARN it keeps.
func putPolicy(st *state, in putPolicyIn) (out putPolicyOut, err error) {
	p := policy{Name: in.PolicyName, policySettings: in.policySettings}
	if err := p.check(); err != nil {
		return out, err
	}
	err = st.change(in.AutoScalingGroupName, func(g *group) error {
		i, found := slices.BinarySearchFunc(g.Policies, p, func(a, b policy) int { return strings.Compare(a.Name, b.Name) })
		switch {
		case found && g.Policies[i].PolicyType != p.PolicyType:
			return invalid("You cannot change the type of policy %s.", p.Name)
		case found:
			p.ARN, p.Alarms = g.Policies[i].ARN, g.Policies[i].Alarms
			g.Policies[i] = p
		case len(g.Policies) >= mostPolicies:
			return wire.Errorf("LimitExceeded", "Only %d policies are allowed for a group.", mostPolicies)
		default:
			p.ARN, p.Alarms = st.arn("scalingPolicy", "autoScalingGroupName/"+g.Name+":policyName/"+p.Name), st.alarms(g, p)
			g.Policies = slices.Insert(g.Policies, i, p)
		}
		out = putPolicyOut{p.ARN, p.Alarms}
		return nil
	})
	return out, err
}

// alarms returns the names of the two alarms that come with a policy that tracks a target.
func (st *state) alarms(g *group, p policy) []alarm {
	if p.TargetTrackingConfiguration == nil {
		return nil
	}
	var made []alarm
	for _, end := range []string{"High", "Low"} {
		name := fmt.Sprintf("TargetTracking-%s-Alarm%s-%s", g.Name, end, wire.UUID())
		made = append(made, alarm{name, wire.ARN("cloudwatch", st.Region, st.Account, "alarm:"+name)})
	}
	return made
}

// check refuses settings that do not belong to the type, and sets defaults.
func (p *policy) check() error {
	if p.PolicyType == "" {
		p.PolicyType = "SimpleScaling"
	}
	if p.Enabled == nil {
		p.Enabled = new(true)
	}
	if err := p.checkWords(); err != nil {
		return err
	}
	t := p.TargetTrackingConfiguration
	switch simple, steps := p.PolicyType == "SimpleScaling", p.PolicyType == "StepScaling"; {
	case (t != nil) != (p.PolicyType == "TargetTrackingScaling"):
		return invalid("TargetTrackingConfiguration must be specified for policies of type TargetTrackingScaling, and for no others.")
	case t != nil && (t.PredefinedMetricSpecification == nil) == (t.CustomizedMetricSpecification == nil):
		return invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified.")
	case t != nil && t.PredefinedMetricSpecification != nil &&
		(t.PredefinedMetricSpecification.PredefinedMetricType == "ALBRequestCountPerTarget") != (t.PredefinedMetricSpecification.ResourceLabel != ""):
		return invalid("ResourceLabel must be specified for ALBRequestCountPerTarget, and for no other metric.")
	case (simple || steps) != (p.AdjustmentType != ""):
		return invalid("AdjustmentType must be specified for policies of type SimpleScaling and StepScaling, and for no others.")
	case simple != (p.ScalingAdjustment != nil):
		return invalid("ScalingAdjustment must be specified for policies of type SimpleScaling, and for no others.")
	case steps != (len(p.StepAdjustments) > 0):
		return invalid("StepAdjustments must be specified for policies of type StepScaling, and for no others.")
	case !simple && p.Cooldown != nil:
		return invalid("Cooldown is not supported for policies of type %s.", p.PolicyType)
	case !steps && p.MetricAggregationType != "":
		return invalid("MetricAggregationType is not supported for policies of type %s.", p.PolicyType)
	case simple && p.EstimatedInstanceWarmup != nil:
		return invalid("EstimatedInstanceWarmup is not supported for policies of type SimpleScaling.")
	case p.MinAdjustmentMagnitude != nil && p.AdjustmentType != "PercentChangeInCapacity":
		return invalid("MinAdjustmentMagnitude is only supported with the AdjustmentType PercentChangeInCapacity.")
	}
	return nil
}

// checkWords refuses words that the members do not know.
func (p *policy) checkWords() error {
	for _, of := range []struct{ member, word, known string }{
		{"PolicyType", p.PolicyType, "SimpleScaling StepScaling TargetTrackingScaling"},
		{"AdjustmentType", p.AdjustmentType, "ChangeInCapacity ExactCapacity PercentChangeInCapacity"},
		{"MetricAggregationType", p.MetricAggregationType, "Minimum Maximum Average"},
	} {
		if known := strings.Fields(of.known); of.word != "" && !slices.Contains(known, of.word) {
			return invalid("Invalid value '%s' for %s. The valid values are: [%s].", of.word, of.member, strings.Join(known, ", "))
		}
	}
	return nil
}

type describePoliciesIn struct {
	AutoScalingGroupName string   `aws:"min=1,max=255,xml"`
	PolicyNames          []string `aws:"each,min=1,max=1600,xml"`
	PolicyTypes          []string `aws:"each,min=1,max=64,xml"`
	paged
}

// policyOut is a policy on the wire.
type policyOut struct {
	AutoScalingGroupName, PolicyName, PolicyARN string
	policySettings
	Alarms []alarm
}

type policiesOut struct {
	ScalingPolicies []policyOut
	NextToken       string
}

func describePolicies(st *state, in describePoliciesIn) (out policiesOut, err error) {
	of, err := st.meant(in.AutoScalingGroupName)
	var all []policyOut
	for _, g := range of {
		for _, p := range g.Policies {
			named := in.PolicyNames == nil || slices.Contains(in.PolicyNames, p.Name) || slices.Contains(in.PolicyNames, p.ARN)
			if named && (in.PolicyTypes == nil || slices.Contains(in.PolicyTypes, p.PolicyType)) {
				all = append(all, policyOut{g.Name, p.Name, p.ARN, p.policySettings, p.Alarms})
			}
		}
	}
	if err == nil {
		out.ScalingPolicies, out.NextToken, err = page(all, in.paged, 50, func(p policyOut) string { return p.PolicyARN })
	}
	return out, err
}

type deletePolicyIn struct {
	AutoScalingGroupName string `aws:"min=1,max=255,xml"`
	PolicyName           string `aws:"required,min=1,max=1600,xml"` // or ARN
}

// deletePolicy deletes the policy with an ARN, or with a name in a group.
func deletePolicy(st *state, in deletePolicyIn) (none, error) {
	of, err := st.meant(in.AutoScalingGroupName)
	if err != nil {
		return none{}, err
	}
	for i := range of {
		g := &of[i]
		at := slices.IndexFunc(g.Policies, func(p policy) bool {
			return p.ARN == in.PolicyName || p.Name == in.PolicyName && in.AutoScalingGroupName != ""
		})
		if at >= 0 {
			g.Policies = slices.Delete(g.Policies, at, at+1)
			return none{}, st.put(g)
		}
	}
	return none{}, invalid("PolicyName %s not found", in.PolicyName)
}
