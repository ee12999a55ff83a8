package beanstalk

import (
	"maps"
	"slices"
	"strings"
)

// Setting is one of Beanstalk's configuration options with its value.
type Setting struct{ Namespace, Name, Value string }

func (s Setting) String() string { return s.Namespace + ":" + s.Name }

// Namespaces of the settings that Beansprout writes by itself (developer guide, "General
// options for all environments").
const (
	nsEnvironment = "aws:elasticbeanstalk:environment"
	nsLaunch      = "aws:autoscaling:launchconfiguration"
	nsInstances   = "aws:ec2:instances"
	nsHealth      = "aws:elasticbeanstalk:healthreporting:system"
	nsCommand     = "aws:elasticbeanstalk:command"
	nsVariables   = "aws:elasticbeanstalk:application:environment"
	nsSecrets     = "aws:elasticbeanstalk:application:environmentsecrets"
	nsGroup       = "aws:autoscaling:asg"
	nsBalancer    = "aws:elbv2:loadbalancer"
)

// Wish is what the settings of an environment are made from.
type Wish struct {
	InstanceType    string // this and the roles: "" leaves them to the base
	InstanceProfile string
	ServiceRole     string
	SharedBalancer  string // ARN of an application load balancer; "" for none, or the base's
	Variables       map[string]string
	Secrets         map[string]string            // ARN in Secrets Manager or SSM by name of the variable
	Options         map[string]map[string]string // namespace -> name -> value; they win over everything else
	// Overlay leaves out our defaults: the base is a configuration that has its own.
	Overlay bool
}

// Settings returns what a wish amounts to, in a stable order. The defaults are the cheap
// and right ones for an environment of a few days: a single instance, all at once, and
// enhanced health, without which AWS says little about why something fails.
func (w Wish) Settings() []Setting {
	all := map[string]Setting{}
	set := func(namespace, name, value string) {
		s := Setting{namespace, name, value}
		all[s.String()] = s
	}
	given := func(namespace, name, value string) {
		if value != "" {
			set(namespace, name, value)
		}
	}
	if !w.Overlay {
		set(nsEnvironment, "EnvironmentType", "SingleInstance")
		set(nsHealth, "SystemType", "enhanced")
		set(nsCommand, "DeploymentPolicy", "AllAtOnce")
	}
	if w.SharedBalancer != "" {
		w.balance(set)
	}
	given(nsEnvironment, "ServiceRole", w.ServiceRole)
	given(nsLaunch, "IamInstanceProfile", w.InstanceProfile)
	given(nsInstances, "InstanceTypes", w.InstanceType)
	for name, value := range w.Variables {
		given(nsVariables, name, value)
	}
	for name, arn := range w.Secrets {
		given(nsSecrets, name, arn)
	}
	for namespace, options := range w.Options {
		for name, value := range options {
			given(namespace, name, value)
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Setting) int { return strings.Compare(a.String(), b.String()) })
}

// balance puts the environment behind a load balancer that it shares with others. One
// instance is enough for a feature; AWS's default is up to four.
func (w Wish) balance(set func(namespace, name, value string)) {
	set(nsEnvironment, "EnvironmentType", "LoadBalanced")
	set(nsEnvironment, "LoadBalancerType", "application")
	set(nsEnvironment, "LoadBalancerIsShared", "true")
	set(nsBalancer, "SharedLoadBalancer", w.SharedBalancer)
	if !w.Overlay {
		set(nsGroup, "MinSize", "1")
		set(nsGroup, "MaxSize", "1")
	}
}
