package beanstalk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"beansprout/localcloud/wire"
	"beansprout/pattern"
)

// optionRule gives the allowed values and the default of an option (developer guide, "General
// options for all environments").
type optionRule struct {
	namespace, name string
	fallback        string
	values          string // A|B, or the range 1-3600; "" is any value
	fixed           bool   // cannot be changed after the launch
	balanced        bool   // only with a load balancer
}

var optionRules = []optionRule{
	{namespace: nsGroup, name: "MaxSize", fallback: "4", values: "0-10000"},
	{namespace: nsGroup, name: "MinSize", fallback: "1", values: "0-10000"},
	{namespace: nsGroup, name: "Cooldown", fallback: "360", values: "0-10000"},
	{namespace: nsLaunch, name: "IamInstanceProfile"},
	{namespace: nsLaunch, name: "InstanceType"},
	{namespace: "aws:ec2:instances", name: "EnableSpot", fallback: "false", values: "true|false"},
	{namespace: "aws:ec2:instances", name: "InstanceTypes", fallback: "t3.micro, t3.small"},
	{namespace: "aws:ec2:instances", name: "SupportedArchitectures", fallback: "x86_64"},
	{namespace: nsCommand, name: "BatchSize", fallback: "100", values: "1-10000"},
	{namespace: nsCommand, name: "BatchSizeType", fallback: "Percentage", values: "Percentage|Fixed"},
	{namespace: nsCommand, name: "DeploymentPolicy", fallback: "AllAtOnce", values: "AllAtOnce|Rolling|RollingWithAdditionalBatch|Immutable|TrafficSplitting"},
	{namespace: nsCommand, name: "IgnoreHealthCheck", fallback: "false", values: "true|false"},
	{namespace: nsCommand, name: "Timeout", fallback: "600", values: "1-3600"},
	{namespace: nsEnvironment, name: "EnvironmentType", fallback: "LoadBalanced", values: "LoadBalanced|SingleInstance"},
	{namespace: nsEnvironment, name: "LoadBalancerIsShared", fallback: "false", values: "true|false", fixed: true, balanced: true},
	{namespace: nsEnvironment, name: "LoadBalancerType", fallback: "classic", values: "classic|application|network", fixed: true, balanced: true},
	{namespace: nsEnvironment, name: "ServiceRole"},
	{namespace: nsProcess, name: "DeregistrationDelay", fallback: "20", values: "0-3600"},
	{namespace: nsProcess, name: "HealthCheckPath", fallback: "/"},
	{namespace: nsProcess, name: "Port", fallback: "80", values: "1-65535"},
	{namespace: nsProcess, name: "Protocol", fallback: "HTTP", values: "TCP|HTTP|HTTPS"},
	{namespace: nsHealth, name: "SystemType", fallback: "basic", values: "basic|enhanced"},
	{namespace: "aws:elasticbeanstalk:hostmanager", name: "LogPublicationControl", fallback: "false", values: "true|false"},
	{namespace: "aws:elasticbeanstalk:managedactions", name: "ManagedActionsEnabled", fallback: "false", values: "true|false"},
}

// namespaces lists AWS's namespaces. One that ends in ":" stands for all that begin with it.
var namespaces = []string{
	"aws:autoscaling:asg", "aws:autoscaling:launchconfiguration", "aws:autoscaling:scheduledaction", "aws:autoscaling:trigger",
	"aws:autoscaling:updatepolicy:rollingupdate", "aws:cloudformation:template:parameter", "aws:ec2:instances", "aws:ec2:vpc",
	"aws:elasticbeanstalk:application", "aws:elasticbeanstalk:application:environment", "aws:elasticbeanstalk:application:environmentsecrets",
	"aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health", "aws:elasticbeanstalk:command",
	"aws:elasticbeanstalk:container:", "aws:elasticbeanstalk:control", "aws:elasticbeanstalk:customoption", "aws:elasticbeanstalk:environment",
	"aws:elasticbeanstalk:environment:process:", "aws:elasticbeanstalk:environment:proxy", "aws:elasticbeanstalk:environment:proxy:staticfiles",
	"aws:elasticbeanstalk:healthreporting:system", "aws:elasticbeanstalk:hostmanager", "aws:elasticbeanstalk:managedactions",
	"aws:elasticbeanstalk:managedactions:platformupdate", "aws:elasticbeanstalk:monitoring", "aws:elasticbeanstalk:sns:topics",
	"aws:elasticbeanstalk:sqsd", "aws:elasticbeanstalk:trafficsplitting", "aws:elasticbeanstalk:xray", "aws:elb:healthcheck",
	"aws:elb:listener", "aws:elb:listener:", "aws:elb:loadbalancer", "aws:elb:policies", "aws:elb:policies:", "aws:elbv2:listener:",
	"aws:elbv2:listenerrule:", "aws:elbv2:loadbalancer", "aws:rds:dbinstance",
}

func ruleFor(namespace, name string) (optionRule, bool) {
	for _, r := range optionRules {
		if r.namespace == namespace && r.name == name {
			return r, true
		}
	}
	return optionRule{}, false
}

// check refuses options that Beanstalk refuses. before are the present options, nil at a launch.
func (o options) check(before options) error {
	for _, have := range o {
		if err := have.check(before); err != nil {
			return err
		}
	}
	small, _ := strconv.Atoi(o.get(nsGroup, "MinSize"))
	large, _ := strconv.Atoi(o.get(nsGroup, "MaxSize"))
	if small > large {
		return misconfigured("MinSize is greater than MaxSize. Update MinSize or MaxSize.")
	}
	if o.enhanced() && o.get(nsEnvironment, "ServiceRole") == "" {
		return misconfigured("Invalid option specification (Namespace: '%s', OptionName: 'SystemType'): Enhanced health reporting requires a service role.", nsHealth)
	}
	return o.checkBalancer()
}

// checkBalancer refuses a shared load balancer that is not named, or is not an application load
// balancer.
func (o options) checkBalancer() error {
	const named = "aws:elbv2:loadbalancer"
	switch {
	case o.get(nsEnvironment, "LoadBalancerIsShared") != "true":
		return nil
	case o.get(nsEnvironment, "LoadBalancerType") != "application":
		return misconfigured("Invalid option specification (Namespace: '%s', OptionName: 'LoadBalancerIsShared'): Only an application load balancer can be shared.", nsEnvironment)
	case !strings.HasPrefix(o.get(named, "SharedLoadBalancer"), "arn:"):
		return misconfigured("Invalid option specification (Namespace: '%s', OptionName: 'SharedLoadBalancer'): Specify the ARN of the shared load balancer.", named)
	}
	return nil
}

func (o option) check(before options) error {
	if !o.exists() {
		return misconfigured("Invalid option specification (Namespace: '%s', OptionName: '%s'): Unknown configuration setting.", o.Namespace, o.OptionName)
	}
	if err := o.checkText(); err != nil {
		return err
	}
	r, _ := ruleFor(o.Namespace, o.OptionName)
	wrong := r.refuses(o.Value)
	if o.Namespace == nsSecrets && !strings.HasPrefix(o.Value, "arn:") {
		wrong = "Value is not the ARN of a Secrets Manager secret or a Systems Manager parameter"
	}
	if o.Namespace+":"+o.OptionName == "aws:ec2:instances:InstanceTypes" || o.Namespace == nsLaunch && o.OptionName == "InstanceType" {
		wrong = wrongInstance(o.Value)
	}
	if r.fixed && before != nil && before.get(o.Namespace, o.OptionName) != o.Value {
		wrong = "You can set this option only when you create the environment"
	}
	if wrong == "" {
		return nil
	}
	return misconfigured("Invalid option value: '%s' (Namespace: '%s', OptionName: '%s'): %s", o.Value, o.Namespace, o.OptionName, wrong)
}

// variableName matches the name of a variable (developer guide, "Environment properties").
var variableName = pattern.New(`^[A-Za-z0-9_.:/+\\@-]{1,128}$`)

// checkText refuses an invalid name of a variable, and values that Beanstalk cannot pass on: it writes
// all variables into one parameter of a template, a pair on each line.
func (o option) checkText() error {
	variable := o.Namespace == nsVariables || o.Namespace == nsSecrets
	broken := strings.ContainsFunc(o.Value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && (variable || r != '\n' && r != '\r') })
	switch {
	case variable && !variableName.MatchString(o.OptionName):
		return misconfigured("Invalid option specification (Namespace: '%s', OptionName: '%s'): The name may contain letters, digits and the symbols _ . : / + \\ - @ only.", o.Namespace, o.OptionName)
	case broken && variable:
		return misconfigured("Invalid option value: '****' (Namespace: 'aws:cloudformation:template:parameter', OptionName: 'EnvironmentVariables'): Not a List of Key/Value pairs.")
	case broken:
		return misconfigured("Invalid option value: '****' (Namespace: '%s', OptionName: '%s'): Value contains a control character", o.Namespace, o.OptionName)
	}
	return nil
}

// refuses returns why the value is invalid, and "" if it is valid.
func (r optionRule) refuses(value string) string {
	var low, high int
	if r.values == "" {
		return ""
	}
	if n, _ := fmt.Sscanf(r.values, "%d-%d", &low, &high); n < 2 {
		if allowed := strings.Split(r.values, "|"); !slices.Contains(allowed, value) {
			return "Value is not one of the allowed values: [" + strings.Join(allowed, ", ") + "]"
		}
		return ""
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		return "Value is not an integer"
	case n < low:
		return "Value is less than minimum allowed value: " + strconv.Itoa(low)
	case n > high:
		return "Value is greater than maximum allowed value: " + strconv.Itoa(high)
	}
	return ""
}

func misconfigured(format string, args ...any) error {
	return wire.Errorf("ConfigurationValidationException", "Configuration validation exception: "+format, args...)
}
