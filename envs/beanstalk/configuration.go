package beanstalk

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs/awsapi"
)

// Configuration is the configuration of an environment, or one that was saved, including AWS's
// defaults.
type Configuration struct {
	Platform string            // ARN of the platform version
	values   map[string]string // by "namespace:name"; the first value where there are several resources
	options  []types.ConfigurationOptionSetting
	tier     string // WebServer or Worker; "" when AWS sent none
}

// Configuration reads the configuration of a living environment.
func (c *Client) Configuration(ctx context.Context, e Env) (Configuration, error) {
	found, err := c.configuration(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &e.Application, EnvironmentName: &e.Name})
	if err != nil {
		return Configuration{}, fmt.Errorf("read the configuration of environment %s: %w", e.Name, err)
	}
	return found, nil
}

// SavedConfiguration reads a saved configuration. The error wraps awsapi.ErrNotFound when the
// application has none of that name, and lists the nearest names.
func (c *Client) SavedConfiguration(ctx context.Context, application, name string) (Configuration, error) {
	found, err := c.configuration(ctx, &eb.DescribeConfigurationSettingsInput{ApplicationName: &application, TemplateName: &name})
	if errors.Is(err, awsapi.ErrNotFound) {
		err = fmt.Errorf("%w%s", err, nearest(name, c.savedConfigurations(ctx, application)))
	}
	if err != nil {
		return Configuration{}, fmt.Errorf("read saved configuration %q of application %q: %w", name, application, err)
	}
	return found, nil
}

// savedConfigurations returns the names of an application's saved configurations, none after an
// error: they are only for a message.
func (c *Client) savedConfigurations(ctx context.Context, application string) []string {
	out, err := c.api.DescribeApplications(ctx, &eb.DescribeApplicationsInput{ApplicationNames: []string{application}})
	if err != nil || len(out.Applications) == 0 {
		return nil
	}
	return out.Applications[0].ConfigurationTemplates
}

// configuration reads a configuration. During a change AWS returns two; the deployed one is what
// runs.
func (c *Client) configuration(ctx context.Context, in *eb.DescribeConfigurationSettingsInput) (Configuration, error) {
	found := Configuration{values: map[string]string{}}
	out, err := c.api.DescribeConfigurationSettings(ctx, in, tierOf(&found.tier))
	if err != nil {
		return Configuration{}, translate(err)
	}
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

// key returns an option's "namespace:name".
func key(o types.ConfigurationOptionSetting) string {
	return aws.ToString(o.Namespace) + ":" + aws.ToString(o.OptionName)
}

const (
	instanceTypes = nsInstances + ":InstanceTypes"
	// Obsolete, and without effect when the other one is set (developer guide, "General options
	// for all environments").
	instanceType = nsLaunch + ":InstanceType"
)

// Value returns the value that a setting has, and whether it has one.
func (c Configuration) Value(s Setting) (string, bool) {
	value, ok := c.values[s.String()]
	return value, ok
}

// Changed returns the configuration after a change.
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

// InstanceProfile returns the name or ARN of the instances' profile, "" where there is none.
func (c Configuration) InstanceProfile() string { return c.values[nsLaunch+":IamInstanceProfile"] }

// ServiceRole returns the name or ARN of Beanstalk's own role, "" where there is none.
func (c Configuration) ServiceRole() string { return c.values[nsEnvironment+":ServiceRole"] }

// SingleInstance reports whether environments have one instance with an elastic IP, and no load balancer.
func (c Configuration) SingleInstance() bool {
	return c.values[nsEnvironment+":EnvironmentType"] == "SingleInstance"
}

// InstanceTypes returns the EC2 instance types of the configuration, the preferred one first.
func (c Configuration) InstanceTypes() []string {
	for _, key := range []string{instanceTypes, instanceType} {
		if names := strings.FieldsFunc(c.values[key], func(r rune) bool { return r == ',' || r == ' ' }); len(names) > 0 {
			return names
		}
	}
	return nil
}

// Architecture returns the architecture of the instances: AMD64 when the configuration has no
// instance type, because Beanstalk's default is a t3.
func (c Configuration) Architecture() string {
	if names := c.InstanceTypes(); len(names) > 0 {
		return Architecture(names[0])
	}
	return AMD64
}

// HTTPSOnly reports whether the environment's load balancer accepts HTTPS and not HTTP, by the
// options of its listeners (developer guide, "aws:elbv2:listener" and "aws:elb:listener").
func (c Configuration) HTTPSOnly() bool {
	closed, secure := false, false
	for key, value := range c.values {
		namespace, name := key[:max(0, strings.LastIndex(key, ":"))], key[strings.LastIndex(key, ":")+1:]
		family, port, _ := strings.Cut(namespace, ":listener")
		if family != "aws:elbv2" && family != "aws:elb" {
			continue
		}
		switch port = strings.TrimPrefix(port, ":"); {
		case name == "ListenerEnabled" && (port == "default" || port == "80" || port == ""):
			closed = closed || strings.EqualFold(value, "false")
		case name == "Protocol" || name == "ListenerProtocol":
			secure = secure || port == "443" && strings.EqualFold(value, "HTTPS") && !strings.EqualFold(c.values[namespace+":ListenerEnabled"], "false")
		}
	}
	return closed && secure
}

// nsWorker has the options that only workers have (developer guide, "aws:elasticbeanstalk:sqsd").
const nsWorker = "aws:elasticbeanstalk:sqsd"

// Worker reports whether the configuration is that of a worker, which has no address.
func (c Configuration) Worker() bool {
	for _, o := range c.options {
		if aws.ToString(o.Namespace) == nsWorker && aws.ToString(o.Value) != "" {
			return true
		}
	}
	return c.tier == "Worker"
}

// tierOf reads the tier from the answer to DescribeConfigurationSettings. AWS sends it, but the
// API's model doesn't have it, and so neither has the SDK.
func tierOf(tier *string) func(*eb.Options) {
	var answer struct {
		Tiers []string `xml:"DescribeConfigurationSettingsResult>ConfigurationSettings>member>Tier>Name"`
	}
	read := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, meta middleware.Metadata, err error,
	) {
		out, meta, err = next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, meta, err
		}
		body, err := io.ReadAll(response.Body)
		response.Body = io.NopCloser(bytes.NewReader(body))
		if xml.Unmarshal(body, &answer) == nil && len(answer.Tiers) > 0 { // the SDK reports what isn't XML
			*tier = answer.Tiers[0]
		}
		return out, meta, err
	}
	return eb.WithAPIOptions(func(s *middleware.Stack) error {
		return s.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("Tier", read), "OperationDeserializer", middleware.After)
	})
}
