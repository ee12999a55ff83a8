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

// with returns the options with more added, which replace those of the same name, in order.
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

// without returns the options that are not in gone.
func (o options) without(gone options) options {
	return slices.DeleteFunc(slices.Clone(o), func(have option) bool {
		return slices.ContainsFunc(gone, func(g option) bool { return compareOptions(have, g) == 0 })
	})
}

// get returns the value of the option, or AWS's default.
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
	nsSecrets     = "aws:elasticbeanstalk:application:environmentsecrets"
	nsProcess     = "aws:elasticbeanstalk:environment:process:default"
	nsCommand     = "aws:elasticbeanstalk:command"
)

func (o options) enhanced() bool { return o.get(nsHealth, "SystemType") == "enhanced" }

func (o options) single() bool { return o.get(nsEnvironment, "EnvironmentType") == "SingleInstance" }

// paused reports whether the environment has been scaled to zero instances.
func (o options) paused() bool { return !o.single() && o.get(nsGroup, "MaxSize") == "0" }

// healthPath returns the path that must answer, and "" if none is set. The newer option takes
// precedence over the older one.
func (o options) healthPath() string {
	if o.set(o.process(), "HealthCheckPath") {
		return o.get(o.process(), "HealthCheckPath")
	}
	return o.get("aws:elasticbeanstalk:application", "Application Healthcheck URL")
}

// process returns the namespace of the process to which the load balancer sends requests.
func (o options) process() string {
	name := cmp.Or(o.get("aws:elbv2:listener:default", "DefaultProcess"), o.get("aws:elbv2:listener:80", "DefaultProcess"))
	if strings.EqualFold(o.get("aws:elbv2:listener:default", "ListenerEnabled"), "false") { // only HTTPS
		name = o.get("aws:elbv2:listener:443", "DefaultProcess")
	}
	return strings.TrimSuffix(nsProcess, "default") + cmp.Or(name, "default")
}

// port returns the port of the instance to which requests are sent.
func (o options) port() int {
	set := cmp.Or(o.get("aws:elb:listener", "InstancePort"), o.get("aws:elb:listener:80", "InstancePort"))
	if o.set(o.process(), "Port") || set == "" {
		set = o.get(o.process(), "Port")
	}
	port, _ := strconv.Atoi(set) // was checked when it was set
	return cmp.Or(port, 80)
}

// deadline returns how long a deployment may take, and 0 if that is not set.
func (o options) deadline() time.Duration {
	if !o.set(nsCommand, "Timeout") {
		return 0
	}
	seconds, _ := strconv.Atoi(o.get(nsCommand, "Timeout")) // was checked when it was set
	return time.Duration(seconds) * time.Second
}

// variables returns the environment variables of the application.
func (o options) variables() map[string]string {
	vars := map[string]string{}
	for _, have := range o {
		if have.Namespace == nsVariables {
			vars[have.OptionName] = have.Value
		}
	}
	return vars
}

// complete returns the options with AWS's defaults added. Those of a load balancer are added only if
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

// flaw returns a mistake that AWS finds only during the launch or update, and "" if there is none.
func (o options) flaw(roles Roles) string {
	profile, role := o.get(nsLaunch, "IamInstanceProfile"), o.get(nsEnvironment, "ServiceRole")
	switch {
	case profile == "":
		return "Environment must have instance profile associated with it."
	case !roles.HasProfile(base(profile)):
		return fmt.Sprintf("The instance profile %s associated with the environment does not exist.", profile)
	case role != "" && !roles.HasRole(base(role)):
		return fmt.Sprintf("The service role %s associated with the environment does not exist.", role)
	case o.variableBytes() > 4096:
		return "Service:AmazonCloudFormation, Message:Template format error: Parameter 'EnvironmentVariables' default value '[****]' length is greater than 4096."
	}
	return ""
}

// base returns the part of an ARN or a name after the last slash.
func base(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func (o options) variableBytes() (n int) {
	for name, value := range o.variables() {
		n += len(name) + len("=") + len(value)
	}
	return n
}
