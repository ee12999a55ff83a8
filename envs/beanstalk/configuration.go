package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
)

// Configuration is what an environment is set to, or what a saved configuration would set
// one to, AWS's defaults included.
type Configuration struct {
	Platform string            // ARN of the platform version
	values   map[string]string // by "namespace:name"; of those with several resources, the first
	options  []types.ConfigurationOptionSetting
}

// Configuration reads what a living environment is set to.
func (c *Client) Configuration(ctx context.Context, e envs.Env) (Configuration, error) {
	found, err := c.configuration(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &e.Application, EnvironmentName: &e.Name})
	if err != nil {
		return Configuration{}, fmt.Errorf("read the configuration of environment %s: %w", e.Name, err)
	}
	return found, nil
}

// SavedConfiguration reads a saved configuration. The error wraps envs.ErrNotFound when the
// application has none of that name, and names those that come nearest.
func (c *Client) SavedConfiguration(ctx context.Context, application, name string) (Configuration, error) {
	found, err := c.configuration(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &application, TemplateName: &name})
	if errors.Is(err, envs.ErrNotFound) {
		err = fmt.Errorf("%w%s", err, nearest(name, c.savedConfigurations(ctx, application)))
	}
	if err != nil {
		return Configuration{}, fmt.Errorf("read saved configuration %q of application %q: %w", name, application, err)
	}
	return found, nil
}

// savedConfigurations returns the names of an application's, none where they can't be had:
// they only go into a message.
func (c *Client) savedConfigurations(ctx context.Context, application string) []string {
	out, err := c.api.DescribeApplications(ctx, &eb.DescribeApplicationsInput{ApplicationNames: []string{application}})
	if err != nil || len(out.Applications) == 0 {
		return nil
	}
	return out.Applications[0].ConfigurationTemplates
}

// configuration reads one. While a change is under way AWS returns two, of which the
// deployed one is what runs.
func (c *Client) configuration(ctx context.Context, in *eb.DescribeConfigurationSettingsInput) (Configuration, error) {
	out, err := c.api.DescribeConfigurationSettings(ctx, in)
	if err != nil {
		return Configuration{}, translate(err)
	}
	found := Configuration{values: map[string]string{}}
	for _, set := range out.ConfigurationSettings {
		if status := string(set.DeploymentStatus); status != "" && !strings.EqualFold(status, "deployed") {
			continue
		}
		found.Platform = aws.ToString(set.PlatformArn)
		found.options = set.OptionSettings
		for _, o := range set.OptionSettings {
			if aws.ToString(o.ResourceName) == "" || found.values[key(o)] == "" {
				found.values[key(o)] = aws.ToString(o.Value)
			}
		}
	}
	return found, nil
}

// key is an option's "namespace:name".
func key(o types.ConfigurationOptionSetting) string {
	return aws.ToString(o.Namespace) + ":" + aws.ToString(o.OptionName)
}

const (
	instanceTypes = nsInstances + ":InstanceTypes"
	// Obsolete, and of no effect beside the other (developer guide, "General options for all
	// environments").
	instanceType = nsLaunch + ":InstanceType"
)

// Changed returns what the configuration is after a change.
func (c Configuration) Changed(d Difference) Configuration {
	values := map[string]string{}
	maps.Copy(values, c.values)
	for _, s := range d.Remove {
		delete(values, s.String())
	}
	for _, s := range d.Set { // in order, so that the obsolete option comes first
		if s.String() == instanceType {
			delete(values, instanceTypes)
		}
		values[s.String()] = s.Value
	}
	c.values = values
	return c
}

// InstanceTypes returns the EC2 instance types that the configuration names, the preferred one first.
func (c Configuration) InstanceTypes() []string {
	for _, key := range []string{instanceTypes, instanceType} {
		if names := strings.FieldsFunc(c.values[key], func(r rune) bool { return r == ',' || r == ' ' }); len(names) > 0 {
			return names
		}
	}
	return nil
}

// Architecture is that of the instances: AMD64 where the configuration names none, because
// Beanstalk's default is a t3.
func (c Configuration) Architecture() string {
	if names := c.InstanceTypes(); len(names) > 0 {
		return Architecture(names[0])
	}
	return AMD64
}
