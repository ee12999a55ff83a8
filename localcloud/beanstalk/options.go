package beanstalk

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// option is one configuration option, on the wire and in the state.
type option struct {
	Namespace    string
	OptionName   string
	ResourceName string `aws:"min=1,max=256"`
	Value        string
}

type options []option

func compareOptions(a, b option) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.OptionName, b.OptionName), cmp.Compare(a.ResourceName, b.ResourceName))
}

// with returns the options with others in place of or beside them, in order.
func (o options) with(more options) options {
	out := o.without(more)
	for i, m := range more {
		if !slices.ContainsFunc(more[i+1:], func(later option) bool { return compareOptions(m, later) == 0 }) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, compareOptions)
	return out
}

// without returns the options but for those named.
func (o options) without(gone options) options {
	return slices.DeleteFunc(slices.Clone(o), func(have option) bool {
		return slices.ContainsFunc(gone, func(g option) bool { return compareOptions(have, g) == 0 })
	})
}

// get returns what the option was set to, or AWS's default.
func (o options) get(namespace, name string) string {
	for _, have := range o {
		if have.Namespace == namespace && have.OptionName == name {
			return have.Value
		}
	}
	r, _ := ruleFor(namespace, name)
	return r.fallback
}

func (o options) set(namespace, name string) bool {
	return slices.ContainsFunc(o, func(have option) bool { return have.Namespace == namespace && have.OptionName == name })
}

const (
	nsEnvironment = "aws:elasticbeanstalk:environment"
	nsGroup       = "aws:autoscaling:asg"
	nsLaunch      = "aws:autoscaling:launchconfiguration"
	nsHealth      = "aws:elasticbeanstalk:healthreporting:system"
	nsVariables   = "aws:elasticbeanstalk:application:environment"
	nsProcess     = "aws:elasticbeanstalk:environment:process:default"
	nsCommand     = "aws:elasticbeanstalk:command"
)

func (o options) enhanced() bool { return o.get(nsHealth, "SystemType") == "enhanced" }

func (o options) single() bool { return o.get(nsEnvironment, "EnvironmentType") == "SingleInstance" }

// paused says whether the environment has been scaled to nothing.
func (o options) paused() bool { return !o.single() && o.get(nsGroup, "MaxSize") == "0" }

// healthPath is the path that must answer; the older option is the weaker.
func (o options) healthPath() string {
	if o.set(nsProcess, "HealthCheckPath") {
		return o.get(nsProcess, "HealthCheckPath")
	}
	return cmp.Or(o.get("aws:elasticbeanstalk:application", "Application Healthcheck URL"), "/")
}

// deadline is how long a deployment may take; 0 unless it was set.
func (o options) deadline() time.Duration {
	if !o.set(nsCommand, "Timeout") {
		return 0
	}
	seconds, _ := strconv.Atoi(o.get(nsCommand, "Timeout")) // checked when it was set
	return time.Duration(seconds) * time.Second
}

// variables are the environment variables of the application.
func (o options) variables() map[string]string {
	vars := map[string]string{}
	for _, have := range o {
		if have.Namespace == nsVariables {
			vars[have.OptionName] = have.Value
		}
	}
	return vars
}

// complete returns the options with AWS's defaults, those of a load balancer only where
// there is one.
func (o options) complete() options {
	var defaults options
	for _, r := range optionRules {
		if r.fallback != "" && !(r.balanced && o.single()) && !(r.name == "InstanceTypes" && o.set(nsLaunch, "InstanceType")) {
			defaults = append(defaults, option{Namespace: r.namespace, OptionName: r.name, Value: r.fallback})
		}
	}
	if o.single() {
		defaults = defaults.with(options{{Namespace: nsGroup, OptionName: "MaxSize", Value: "1"}})
	}
	return defaults.with(o)
}

// flaw is what AWS notices only once the launch or update is under way; "" is none. Only
// the two roles with AWS's conventional names exist here.
func (o options) flaw() string {
	profile, role := o.get(nsLaunch, "IamInstanceProfile"), o.get(nsEnvironment, "ServiceRole")
	switch {
	case profile == "":
		return "Environment must have instance profile associated with it."
	case base(profile) != InstanceProfile:
		return fmt.Sprintf("The instance profile %s associated with the environment does not exist.", profile)
	case role != "" && base(role) != ServiceRole:
		return fmt.Sprintf("The service role %s associated with the environment does not exist.", role)
	case o.variableBytes() > 4096:
		return "Service:AmazonCloudFormation, Message:Template format error: Parameter 'EnvironmentVariables' default value '[****]' length is greater than 4096."
	}
	return ""
}

// base returns the name that an ARN or a name ends with.
func base(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func (o options) variableBytes() (n int) {
	for name, value := range o.variables() {
		n += len(name) + len("=") + len(value)
	}
	return n
}
