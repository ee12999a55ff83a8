package beanstalk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// Namespaces of what one environment has alone (developer guide, "General options for all
// environments").
const (
	nsDatabase  = "aws:rds:dbinstance"
	nsSchedule  = "aws:autoscaling:scheduledaction"
	nsTopics    = "aws:elasticbeanstalk:sns:topics"
	nsManaged   = "aws:elasticbeanstalk:managedactions"
	nsListeners = "aws:elbv2:listener:"
)

// part is something that an environment has alone and a copy of it must not have.
type part struct {
	what      string
	namespace string                             // all of it belongs to the part; "" where only what off names does
	off       []types.ConfigurationOptionSetting // what switches it off
	rest      bool                               // what stays of the namespace then is better taken away
}

func (p part) has(o types.ConfigurationOptionSetting) bool {
	return p.namespace != "" && p.namespace == aws.ToString(o.Namespace) || slices.ContainsFunc(p.off, func(off types.ConfigurationOptionSetting) bool {
		return key(off) == key(o) && aws.ToString(off.ResourceName) == aws.ToString(o.ResourceName)
	})
}

// partsOf returns what the configuration switches on that is one environment's alone.
func partsOf(c Configuration) []part {
	var parts []part
	for _, find := range []func(Configuration) (part, bool){database, schedule, notifications, managed, rules} {
		if p, ok := find(c); ok {
			parts = append(parts, p)
		}
	}
	return parts
}

// database would be created once more for each copy. Environments from before there was
// HasCoupledDatabase show theirs by its engine.
func database(c Configuration) (part, bool) {
	coupled, known := c.values[nsDatabase+":HasCoupledDatabase"]
	has := strings.EqualFold(coupled, "true") || !known && c.values[nsDatabase+":DBEngine"] != ""
	return part{
		what: "its database (aws:rds)", namespace: nsDatabase, rest: true,
		off: []types.ConfigurationOptionSetting{setting(nsDatabase, "HasCoupledDatabase", "", "false")},
	}, has
}

// schedule would scale the copies by the source's clock.
func schedule(c Configuration) (part, bool) {
	p := part{namespace: nsSchedule, rest: true}
	var names, suspended []string
	for _, o := range c.options {
		if aws.ToString(o.Namespace) != nsSchedule || aws.ToString(o.Value) == "" {
			continue
		}
		names = append(names, aws.ToString(o.ResourceName))
		if aws.ToString(o.OptionName) == "Suspend" && strings.EqualFold(aws.ToString(o.Value), "true") {
			suspended = append(suspended, aws.ToString(o.ResourceName))
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return slices.Contains(suspended, name) })
	for _, name := range names {
		p.off = append(p.off, setting(nsSchedule, "Suspend", name, "true"))
	}
	p.what = fmt.Sprintf("its scheduled actions (%s)", strings.Join(names, ", "))
	return p, len(names) > 0
}

// notifications would go to the source's readers, by its topic even without an endpoint.
func notifications(c Configuration) (part, bool) {
	p := part{what: "its notification endpoint (" + nsTopics + ")", namespace: nsTopics}
	for _, name := range []string{"Notification Endpoint", "Notification Topic ARN", "Notification Topic Name"} {
		if c.values[nsTopics+":"+name] != "" {
			p.off = append(p.off, setting(nsTopics, name, "", ""))
		}
	}
	return p, len(p.off) > 0
}

// managed updates would change an environment of a few days beside its deploys.
func managed(c Configuration) (part, bool) {
	return part{
		what: "its managed platform updates", off: []types.ConfigurationOptionSetting{setting(nsManaged, "ManagedActionsEnabled", "", "false")},
	}, strings.EqualFold(c.values[nsManaged+":ManagedActionsEnabled"], "true")
}

// rules of a load balancer that is shared would send the source's visitors to the copies;
// "default" is the rule for an environment's own address.
func rules(c Configuration) (part, bool) {
	p := part{what: "its rules at the shared load balancer"}
	if !strings.EqualFold(c.values[nsEnvironment+":LoadBalancerIsShared"], "true") {
		return p, false
	}
	for _, o := range c.options {
		names := aws.ToString(o.Value)
		if strings.HasPrefix(aws.ToString(o.Namespace), nsListeners) && aws.ToString(o.OptionName) == "Rules" && names != "" && names != "default" {
			p.off = append(p.off, setting(*o.Namespace, "Rules", "", "default"))
		}
	}
	return p, len(p.off) > 0
}

func setting(namespace, name, resource, value string) types.ConfigurationOptionSetting {
	return types.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &name, ResourceName: optional(resource), Value: &value}
}
