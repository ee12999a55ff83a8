package beanstalk

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
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
	nsBalancer    = "aws:elbv2:loadbalancer"
)

// Wish is what the settings of an environment are made from.
type Wish struct {
	InstanceType    string // this and the roles: "" leaves them to the base
	InstanceProfile string
	ServiceRole     string
	Variables       map[string]string
	Secrets         map[string]string            // ARN in Secrets Manager or SSM by name of the variable
	SharedBalancer  string                       // ARN of an application load balancer; "" for none
	Options         map[string]map[string]string // namespace -> name -> value; they win over everything else
	// Overlay leaves out our defaults: the base is a configuration that has its own.
	Overlay bool
}

// Settings returns what a wish amounts to, in a stable order. The defaults are the cheap
// and right ones for an environment of a few days: a single instance, all at once, and
// enhanced health, without which AWS says little about why something fails.
func (w Wish) Settings() []Setting {
	all := map[string]map[string]string{}
	set := func(ns, name, value string) {
		if value == "" {
			return
		}
		if all[ns] == nil {
			all[ns] = map[string]string{}
		}
		all[ns][name] = value
	}
	if !w.Overlay {
		set(nsEnvironment, "EnvironmentType", "SingleInstance")
		set(nsHealth, "SystemType", "enhanced")
		set(nsCommand, "DeploymentPolicy", "AllAtOnce")
	}
	if w.SharedBalancer != "" {
		set(nsEnvironment, "EnvironmentType", "LoadBalanced")
		set(nsEnvironment, "LoadBalancerType", "application")
		set(nsEnvironment, "LoadBalancerIsShared", "true")
		set(nsBalancer, "SharedLoadBalancer", w.SharedBalancer)
	}
	set(nsEnvironment, "ServiceRole", w.ServiceRole)
	set(nsLaunch, "IamInstanceProfile", w.InstanceProfile)
	set(nsInstances, "InstanceTypes", w.InstanceType)
	for name, value := range w.Variables {
		set(nsVariables, name, value)
	}
	for name, arn := range w.Secrets {
		set(nsSecrets, name, arn)
	}
	for ns, options := range w.Options {
		for name, value := range options {
			set(ns, name, value)
		}
	}
	var out []Setting
	for ns, options := range all {
		for name, value := range options {
			out = append(out, Setting{ns, name, value})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out
}

// Difference is what has to change about an environment's settings.
type Difference struct {
	Set    []Setting
	Remove []Setting // their values don't matter
}

// Empty says whether nothing has to change.
func (d Difference) Empty() bool { return len(d.Set)+len(d.Remove) == 0 }

// Compare returns how the environment's settings differ from those wanted. Settings that
// were written before ("namespace:name") and are wanted no longer are to be removed; those
// that others wrote stay.
func (c *Client) Compare(ctx context.Context, e envs.Env, want []Setting, before []string) (Difference, error) {
	have, err := c.settings(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &e.Application, EnvironmentName: &e.Name})
	if err != nil {
		return Difference{}, fmt.Errorf("read the configuration of environment %s: %w", e.Name, err)
	}
	return compare(have, want, before), nil
}

func compare(have map[string]string, want []Setting, before []string) Difference {
	var d Difference
	wanted := map[string]bool{}
	for _, s := range want {
		wanted[s.String()] = true
		if value, ok := have[s.String()]; !ok || !same(value, s.Value) {
			d.Set = append(d.Set, s)
		}
	}
	for _, key := range before {
		if _, there := have[key]; !there || wanted[key] {
			continue
		}
		d.Remove = append(d.Remove, named(key))
	}
	return d
}

// same says whether a setting is as wanted, as far as AWS's ways of writing it go: it puts
// lists in another order and adds to them what it made itself, such as a security group.
func same(have, want string) bool {
	if have == want {
		return true
	}
	if strings.EqualFold(want, "true") || strings.EqualFold(want, "false") {
		return strings.EqualFold(have, want)
	}
	if !strings.ContainsAny(have+want, ",") {
		return false
	}
	members := map[string]bool{}
	for m := range strings.SplitSeq(have, ",") {
		members[strings.TrimSpace(m)] = true
	}
	for m := range strings.SplitSeq(want, ",") {
		if !members[strings.TrimSpace(m)] {
			return false
		}
	}
	return true
}

// named is the setting of a "namespace:name". Names of variables may have colons.
func named(key string) Setting {
	for _, ns := range []string{nsVariables, nsSecrets} {
		if name, ok := strings.CutPrefix(key, ns+":"); ok {
			return Setting{Namespace: ns, Name: name}
		}
	}
	i := strings.LastIndex(key, ":")
	return Setting{Namespace: key[:i], Name: key[i+1:]}
}

// settings reads a configuration. While a change is under way AWS returns two, of which the
// deployed one is what runs.
func (c *Client) settings(ctx context.Context, in *eb.DescribeConfigurationSettingsInput) (map[string]string, error) {
	out, err := c.api.DescribeConfigurationSettings(ctx, in)
	if err != nil {
		return nil, translate(err)
	}
	values := map[string]string{}
	for _, set := range out.ConfigurationSettings {
		if status := string(set.DeploymentStatus); status != "" && !strings.EqualFold(status, "deployed") {
			continue
		}
		for _, o := range set.OptionSettings {
			if aws.ToString(o.ResourceName) == "" || values[aws.ToString(o.Namespace)+":"+aws.ToString(o.OptionName)] == "" {
				values[aws.ToString(o.Namespace)+":"+aws.ToString(o.OptionName)] = aws.ToString(o.Value)
			}
		}
	}
	return values, nil
}

// CheckSavedConfiguration reports why a saved configuration can't be used, or nil. The
// error wraps envs.ErrNotFound when the application has none of that name.
func (c *Client) CheckSavedConfiguration(ctx context.Context, application, name string) error {
	_, err := c.settings(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &application, TemplateName: &name})
	if err != nil {
		return fmt.Errorf("read saved configuration %q of application %q: %w", name, application, err)
	}
	return nil
}
