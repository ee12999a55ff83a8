package beanstalk

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// savedSpecification is a saved configuration in an update. The EB CLI sends it (eb config ENVIRONMENT
// < FILE), although botocore's model lacks it.
type savedSpecification struct{ TemplateSource savedSource }

type savedSource struct {
	SourceContents string `aws:"required"`
}

// savedConfiguration is the file in which the EB CLI and the console save a configuration.
type savedConfiguration struct {
	Metadata struct {
		Description  any `yaml:"Description"`
		DateCreated  any `yaml:"DateCreated"`
		DateModified any `yaml:"DateModified"`
	} `yaml:"EnvironmentConfigurationMetadata"`
	Platform struct {
		Arn   string `yaml:"PlatformArn"`
		Stack string `yaml:"SolutionStack"`
	} `yaml:"Platform"`
	Tier struct {
		Name    string `yaml:"Name"`
		Type    string `yaml:"Type"`
		Version any    `yaml:"Version"`
	} `yaml:"EnvironmentTier"`
	Settings map[string]map[string]any `yaml:"OptionSettings"`
	Format   any                       `yaml:"AWSConfigurationTemplateVersion"`
}

// saved adds the saved configuration in an update to the update. The options of the update take
// precedence.
func (in updateEnvironmentIn) saved() (updateEnvironmentIn, error) {
	if in.TemplateSpecification == nil {
		return in, nil
	}
	if in.TemplateName != "" {
		return in, conflicting("Specify either TemplateName or TemplateSpecification.")
	}
	var c savedConfiguration
	if err := yaml.UnmarshalWithOptions([]byte(in.TemplateSpecification.TemplateSource.SourceContents), &c, yaml.Strict()); err != nil {
		return in, invalid("The configuration template cannot be read: %s", yaml.FormatError(err, false, false))
	}
	in.OptionSettings = c.options().with(in.OptionSettings)
	if in.SolutionStackName == "" {
		in.PlatformArn = cmp.Or(in.PlatformArn, c.Platform.Arn)
		if in.PlatformArn == "" {
			in.SolutionStackName = c.Platform.Stack
		}
	}
	if in.Tier == nil && c.Tier.Name != "" {
		in.Tier = &tier{Name: c.Tier.Name, Type: c.Tier.Type}
	}
	return in, nil
}

// options returns the settings of the file. A resource may precede its namespace there, as in
// AWSEBAutoScalingScaleUpPolicy.aws:autoscaling:trigger.
func (c savedConfiguration) options() (all options) {
	for where, values := range c.Settings {
		resource, namespace, ok := strings.Cut(where, ".")
		if !ok {
			resource, namespace = "", where
		}
		for name, value := range values {
			if value != nil {
				all = append(all, option{Namespace: namespace, OptionName: name, ResourceName: resource, Value: fmt.Sprint(value)})
			}
		}
	}
	return all
}
