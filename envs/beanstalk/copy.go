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

	"beansprout/envs"
)

// Copy is the configuration of a living environment as others are to start from it: without
// what is the source's alone.
type Copy struct {
	Configuration
	source envs.Env
	alone  []part // of the source, those that it has
}

// Copy reads the configuration of an environment of the application, and changes nothing.
// The error wraps envs.ErrNotFound when none of that name lives, and names those that come
// nearest.
func (c *Client) Copy(ctx context.Context, application, source string) (*Copy, error) {
	fail := func(err error) (*Copy, error) {
		return nil, fmt.Errorf("copy the configuration of environment %s: %w", source, err)
	}
	rows, _, err := c.describe(ctx, &eb.DescribeEnvironmentsInput{ApplicationName: &application})
	if err != nil {
		return fail(err)
	}
	at := slices.IndexFunc(rows, func(e envs.Env) bool { return e.Name == source && !e.State.Gone() })
	if at < 0 {
		return fail(fmt.Errorf("%w in application %q%s", envs.ErrNotFound, application, nearest(source, living(rows))))
	}
	e := rows[at]
	if e.State == envs.Ready && e.CNAME == "" {
		return fail(errors.New("it is a worker, which has no address"))
	}
	have, err := c.Configuration(ctx, e)
	if err != nil {
		return fail(err)
	}
	return &Copy{Configuration: have, source: e, alone: partsOf(have)}, nil
}

func living(rows []envs.Env) []string {
	var names []string
	for _, e := range rows {
		if !e.State.Gone() {
			names = append(names, e.Name)
		}
	}
	return names
}

// LeftOut says what of the source isn't taken over.
func (c *Copy) LeftOut() []string {
	var what []string
	for _, p := range c.alone {
		what = append(what, p.what)
	}
	return what
}

// nsGenerated holds what Beanstalk writes by itself, the address of the running version
// among it.
const nsGenerated = "aws:cloudformation:template:parameter"

// Name is that of the saved configuration: equal content has equal names, so that there is
// one for each state of the source, however many environments start from it.
func (c *Copy) Name() string {
	lines := []string{c.Platform}
	for _, o := range c.options {
		if aws.ToString(o.Namespace) != nsGenerated && !slices.ContainsFunc(c.alone, func(p part) bool { return p.has(o) }) {
			lines = append(lines, fmt.Sprintf("%q %q %q", key(o), aws.ToString(o.ResourceName), aws.ToString(o.Value)))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("beansprout-%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))[:len("beansprout-")+20]
}

// save makes the saved configuration unless it is there, and returns its name. What is the
// source's alone is switched off by the very call that makes it, and what is there then is
// looked at, not believed.
func (c *Client) save(ctx context.Context, application string, from *Copy) (string, error) {
	name := from.Name()
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("save the configuration of environment %s as %s: %w", from.source.Name, name, err)
	}
	_, err := c.api.CreateConfigurationTemplate(ctx, &eb.CreateConfigurationTemplateInput{
		ApplicationName: &application, TemplateName: &name, EnvironmentId: &from.source.ID,
		Description: aws.String("a copy of " + from.source.Name), OptionSettings: from.off(),
	})
	if err = translate(err); err != nil && !errors.Is(err, envs.ErrTaken) {
		return fail(err)
	}
	saved, err := c.SavedConfiguration(ctx, application, name)
	if err != nil {
		return fail(err)
	}
	if left := partsOf(saved); len(left) > 0 {
		return fail(fmt.Errorf("AWS has put into it %s, which can't be shared", left[0].what))
	}
	if err := c.clear(ctx, application, name, from.rest(saved)); err != nil {
		return fail(err)
	}
	return name, nil
}

func (c *Copy) off() []types.ConfigurationOptionSetting {
	var off []types.ConfigurationOptionSetting
	for _, p := range c.alone {
		off = append(off, p.off...)
	}
	return off
}

// rest returns what is left in the saved configuration of the parts that are switched off: a
// database's password, for one. What switches a database off has to stay.
func (c *Copy) rest(saved Configuration) []types.OptionSpecification {
	var rest []types.OptionSpecification
	for _, o := range saved.options {
		belongs := slices.ContainsFunc(c.alone, func(p part) bool { return p.rest && p.namespace == aws.ToString(o.Namespace) })
		if belongs && aws.ToString(o.Value) != "" && aws.ToString(o.OptionName) != "HasCoupledDatabase" {
			rest = append(rest, types.OptionSpecification{Namespace: o.Namespace, OptionName: o.OptionName, ResourceName: o.ResourceName})
		}
	}
	return rest
}

// clear takes options out of a saved configuration. AWS lets only "user defined" ones be
// taken away and doesn't say which these are, so its no is accepted: they are switched off.
func (c *Client) clear(ctx context.Context, application, name string, rest []types.OptionSpecification) error {
	if len(rest) == 0 {
		return nil
	}
	_, err := c.api.UpdateConfigurationTemplate(ctx, &eb.UpdateConfigurationTemplateInput{
		ApplicationName: &application, TemplateName: &name, OptionsToRemove: rest,
	})
	err = translate(err)
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil
	}
	return err
}
