package beanstalk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/awsapi"
)

// Copy is the configuration of a living environment, the source, from which others start. Its
// saved configuration leaves out the source's exclusive resources.
type Copy struct {
	Configuration
	source    Env
	exclusive []exclusiveResource // those that the source has
}

// Copy reads the configuration of an environment of the application. The error wraps
// awsapi.ErrNotFound when none of that name lives, and lists the nearest names.
func (c *Client) Copy(ctx context.Context, application, source string) (*Copy, error) {
	fail := func(err error) (*Copy, error) {
		return nil, fmt.Errorf("copy the configuration of environment %s: %w", source, err)
	}
	rows, _, err := c.describe(ctx, &eb.DescribeEnvironmentsInput{ApplicationName: &application})
	if err != nil {
		return fail(err)
	}
	at := slices.IndexFunc(rows, func(e Env) bool { return e.Name == source && !e.State.Gone() })
	if at < 0 {
		return fail(fmt.Errorf("%w in application %q%s", awsapi.ErrNotFound, application, nearest(source, livingNames(rows))))
	}
	e := rows[at]
	have, err := c.Configuration(ctx, e)
	if err != nil {
		return fail(err)
	}
	if have.Worker() || e.State == Ready && e.CNAME == "" {
		return fail(errors.New("it is a worker, which has no address"))
	}
	return &Copy{Configuration: have, source: e, exclusive: exclusiveResources(have)}, nil
}

func livingNames(rows []Env) []string {
	var names []string
	for _, e := range rows {
		if !e.State.Gone() {
			names = append(names, e.Name)
		}
	}
	return names
}

// LeftOut returns descriptions of the source's resources that a copy doesn't have.
func (c *Copy) LeftOut() []string {
	var what []string
	for _, p := range c.exclusive {
		what = append(what, p.what)
	}
	return what
}

// nsGenerated has the options that Beanstalk writes itself, such as the location of the running
// version.
const nsGenerated = "aws:cloudformation:template:parameter"

// Name returns the name of the saved configuration. Equal content has equal names, so that there
// is one for each state of the source, however many environments start from it.
func (c *Copy) Name() string {
	lines := []string{c.Platform}
	for _, o := range c.options {
		if aws.ToString(o.Namespace) != nsGenerated && !slices.ContainsFunc(c.exclusive, func(p exclusiveResource) bool { return p.includes(o) }) {
			lines = append(lines, fmt.Sprintf("%q %q %q", key(o), aws.ToString(o.ResourceName), aws.ToString(o.Value)))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("beansprout-%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))[:len("beansprout-")+20]
}

// save creates the saved configuration unless it exists, and returns its name. The call that
// creates it disables the source's exclusive resources; save reads the result to check that.
func (c *Changer) save(ctx context.Context, application string, from *Copy) (string, error) {
	name := from.Name()
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("save the configuration of environment %s as %s: %w", from.source.Name, name, err)
	}
	_, err := c.client.api.CreateConfigurationTemplate(ctx, &eb.CreateConfigurationTemplateInput{
		ApplicationName: &application, TemplateName: &name, EnvironmentId: &from.source.ID,
		Description: aws.String("a copy of " + from.source.Name), OptionSettings: from.disabling(),
	})
	if err = translate(err); err != nil && !errors.Is(err, awsapi.ErrTaken) {
		return fail(err)
	}
	saved, err := c.client.SavedConfiguration(ctx, application, name)
	if err != nil {
		return fail(err)
	}
	if left := exclusiveResources(saved); len(left) > 0 {
		return fail(fmt.Errorf("AWS has put into it %s, which can't be shared", left[0].what))
	}
	if err := c.removeOptions(ctx, application, name, from.remaining(saved)); err != nil {
		return fail(err)
	}
	return name, nil
}

func (c *Copy) disabling() []types.ConfigurationOptionSetting {
	var off []types.ConfigurationOptionSetting
	for _, p := range c.exclusive {
		off = append(off, p.disable...)
	}
	return off
}

// remaining returns the options that the saved configuration still has of disabled resources,
// such as a database's password. The option that disables a database must stay.
func (c *Copy) remaining(saved Configuration) []types.OptionSpecification {
	var rest []types.OptionSpecification
	for _, o := range saved.options {
		belongs := slices.ContainsFunc(c.exclusive, func(p exclusiveResource) bool { return p.removeRest && p.namespace == aws.ToString(o.Namespace) })
		if belongs && aws.ToString(o.Value) != "" && aws.ToString(o.OptionName) != "HasCoupledDatabase" {
			rest = append(rest, types.OptionSpecification{Namespace: o.Namespace, OptionName: o.OptionName, ResourceName: o.ResourceName})
		}
	}
	return rest
}

// removeOptions removes options from a saved configuration. AWS lets only "user defined" ones be
// removed and doesn't show which these are, so a refusal is no error: they are disabled anyway.
func (c *Changer) removeOptions(ctx context.Context, application, name string, rest []types.OptionSpecification) error {
	if len(rest) == 0 {
		return nil
	}
	_, err := c.client.api.UpdateConfigurationTemplate(ctx, &eb.UpdateConfigurationTemplateInput{
		ApplicationName: &application, TemplateName: &name, OptionsToRemove: rest,
	})
	err = translate(err)
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil
	}
	return err
}

// Namespaces of exclusive resources (developer guide, "General options for all environments").
const (
	nsDatabase  = "aws:rds:dbinstance"
	nsSchedule  = "aws:autoscaling:scheduledaction"
	nsTopics    = "aws:elasticbeanstalk:sns:topics"
	nsManaged   = "aws:elasticbeanstalk:managedactions"
	nsListeners = "aws:elbv2:listener:"
)

// exclusiveResource is a resource that only one environment may have, so that its copies must not.
type exclusiveResource struct {
	what       string
	namespace  string                             // all its options belong to the resource; "" when only those in disable do
	disable    []types.ConfigurationOptionSetting // the options that disable it
	removeRest bool                               // the namespace's other options are removed, too
}

func (p exclusiveResource) includes(o types.ConfigurationOptionSetting) bool {
	return p.namespace != "" && p.namespace == aws.ToString(o.Namespace) || slices.ContainsFunc(p.disable, func(off types.ConfigurationOptionSetting) bool {
		return key(off) == key(o) && aws.ToString(off.ResourceName) == aws.ToString(o.ResourceName)
	})
}

// exclusiveResources returns the exclusive resources that the configuration enables.
func exclusiveResources(c Configuration) []exclusiveResource {
	var parts []exclusiveResource
	for _, find := range []func(Configuration) (exclusiveResource, bool){coupledDatabase, scheduledActions, notifications, managedUpdates, listenerRules} {
		if p, ok := find(c); ok {
			parts = append(parts, p)
		}
	}
	return parts
}

// coupledDatabase would be created again for each copy. Environments older than the option
// HasCoupledDatabase have only the engine's.
func coupledDatabase(c Configuration) (exclusiveResource, bool) {
	coupled, known := c.values[nsDatabase+":HasCoupledDatabase"]
	has := strings.EqualFold(coupled, "true") || !known && c.values[nsDatabase+":DBEngine"] != ""
	return exclusiveResource{
		what: "its database (aws:rds)", namespace: nsDatabase, removeRest: true,
		disable: []types.ConfigurationOptionSetting{setting(nsDatabase, "HasCoupledDatabase", "", "false")},
	}, has
}

// scheduledActions would scale the copies at the source's times.
func scheduledActions(c Configuration) (exclusiveResource, bool) {
	p := exclusiveResource{namespace: nsSchedule, removeRest: true}
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
		p.disable = append(p.disable, setting(nsSchedule, "Suspend", name, "true"))
	}
	p.what = fmt.Sprintf("its scheduled actions (%s)", strings.Join(names, ", "))
	return p, len(names) > 0
}

// notifications would go to the source's readers, by the topic even without an endpoint.
func notifications(c Configuration) (exclusiveResource, bool) {
	p := exclusiveResource{what: "its notification endpoint (" + nsTopics + ")", namespace: nsTopics}
	for _, name := range []string{"Notification Endpoint", "Notification Topic ARN", "Notification Topic Name"} {
		if c.values[nsTopics+":"+name] != "" {
			p.disable = append(p.disable, setting(nsTopics, name, "", ""))
		}
	}
	return p, len(p.disable) > 0
}

// managedUpdates would change an environment of a few days between its deploys.
func managedUpdates(c Configuration) (exclusiveResource, bool) {
	return exclusiveResource{
		what: "its managed platform updates", disable: []types.ConfigurationOptionSetting{setting(nsManaged, "ManagedActionsEnabled", "", "false")},
	}, strings.EqualFold(c.values[nsManaged+":ManagedActionsEnabled"], "true")
}

// listenerRules of a shared load balancer would send the source's visitors to the copies. The
// rule "default" is for an environment's own address.
func listenerRules(c Configuration) (exclusiveResource, bool) {
	p := exclusiveResource{what: "its rules at the shared load balancer"}
	if !strings.EqualFold(c.values[nsEnvironment+":LoadBalancerIsShared"], "true") {
		return p, false
	}
	for _, o := range c.options {
		names := aws.ToString(o.Value)
		if strings.HasPrefix(aws.ToString(o.Namespace), nsListeners) && aws.ToString(o.OptionName) == "Rules" && names != "" && names != "default" {
			p.disable = append(p.disable, setting(*o.Namespace, "Rules", "", "default"))
		}
	}
	return p, len(p.disable) > 0
}

func setting(namespace, name, resource, value string) types.ConfigurationOptionSetting {
	return types.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &name, ResourceName: optional(resource), Value: &value}
}
