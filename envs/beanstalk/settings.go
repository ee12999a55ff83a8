package beanstalk

import (
	"maps"
	"slices"
	"strings"
)

// Setting is one of Beanstalk's configuration options with its value.
type Setting struct{ Namespace, Name, Value string }

func (s Setting) String() string { return s.Namespace + ":" + s.Name }

// Names returns the names of settings, "namespace:name".
func Names(settings []Setting) []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.String())
	}
	return names
}

// Namespaces of the settings that Beansprout writes (developer guide, "General options for all
// environments").
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

// Settings are what the configuration of a project says about an environment's settings.
type Settings struct {
	InstanceType    string // "" here and for the roles leaves the base's value
	InstanceProfile string
	ServiceRole     string
	SharedBalancer  string // ARN of an application load balancer; "" for none, or the base's
	Variables       map[string]string
	Secrets         map[string]string            // ARN in Secrets Manager or SSM by name of the variable
	Options         map[string]map[string]string // namespace -> name -> value; they override everything else
	// An empty value in one of the three maps replaces the base's value.

	// Overlay leaves out our defaults, because the base is a configuration that has its own.
	Overlay bool
}

// List returns the settings in a stable order. The defaults suit an environment of a few days: a
// single instance, deployments to all instances at once, and enhanced health, without which AWS
// reports few causes of failures.
func (s Settings) List() []Setting {
	all := map[string]Setting{}
	set := func(namespace, name, value string) {
		o := Setting{namespace, name, value}
		all[o.String()] = o
	}
	given := func(namespace, name, value string) {
		if value != "" {
			set(namespace, name, value)
		}
	}
	if !s.Overlay {
		set(nsEnvironment, "EnvironmentType", "SingleInstance")
		set(nsHealth, "SystemType", "enhanced")
		set(nsCommand, "DeploymentPolicy", "AllAtOnce")
	}
	if s.SharedBalancer != "" {
		s.shareLoadBalancer(set)
	}
	given(nsEnvironment, "ServiceRole", s.ServiceRole)
	given(nsLaunch, "IamInstanceProfile", s.InstanceProfile)
	given(nsInstances, "InstanceTypes", s.InstanceType)
	for name, value := range s.Variables {
		set(nsVariables, name, value)
	}
	for name, arn := range s.Secrets {
		set(nsSecrets, name, arn)
	}
	for namespace, options := range s.Options {
		for name, value := range options {
			set(namespace, name, value)
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Setting) int { return strings.Compare(a.String(), b.String()) })
}

// shareLoadBalancer puts the environment behind a load balancer that others use, too. One
// instance is enough for a feature; AWS's default is up to four.
func (s Settings) shareLoadBalancer(set func(namespace, name, value string)) {
	set(nsEnvironment, "EnvironmentType", "LoadBalanced")
	set(nsEnvironment, "LoadBalancerType", "application")
	set(nsEnvironment, "LoadBalancerIsShared", "true")
	set(nsBalancer, "SharedLoadBalancer", s.SharedBalancer)
	if !s.Overlay {
		set(nsGroup, "MinSize", "1")
		set(nsGroup, "MaxSize", "1")
	}
}
