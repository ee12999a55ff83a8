package beanstalk

import (
	"context"
	"fmt"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	smithy "github.com/aws/smithy-go/middleware"

	"beansprout/envs"
)

// Launch is an environment to be made. Its CNAME prefix is its name.
type Launch struct {
	Name        string
	Application string
	Description string
	Version     string // label of a registered version
	Tags        envs.Tags
	Base        Base
	Settings    []Setting
	Operations  string // ARN of the role that Beanstalk acts with; "" means the caller's rights
}

// Base is what an environment's configuration starts from: exactly one is set.
type Base struct {
	Platform           string // ARN of a platform version
	SavedConfiguration string // name within the application
	Copy               *Copy  // saved as a configuration when the launch comes
}

// Launch starts the creation of an environment. The error wraps envs.ErrTaken when its name
// or address is in use, in the region for the former, among all customers for the latter.
func (c *Client) Launch(ctx context.Context, l Launch) (Operation, error) {
	if l.Base.Copy != nil {
		name, err := c.save(ctx, l.Application, l.Base.Copy)
		if err != nil {
			return Operation{}, fmt.Errorf("create environment %s: %w", l.Name, err)
		}
		l.Base = Base{SavedConfiguration: name}
	}
	in := &eb.CreateEnvironmentInput{
		ApplicationName: &l.Application,
		EnvironmentName: &l.Name,
		CNAMEPrefix:     &l.Name,
		Description:     &l.Description,
		VersionLabel:    &l.Version,
		OptionSettings:  options(l.Settings),
		Tags:            tags(l.Tags),
		PlatformArn:     optional(l.Base.Platform),
		TemplateName:    optional(l.Base.SavedConfiguration),
		OperationsRole:  optional(l.Operations),
	}
	var id *string
	op, err := c.begin(ctx, Operation{kind: launching, env: envs.Env{Name: l.Name}, version: l.Version}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.api.CreateEnvironment(ctx, in)
		if err != nil {
			return smithy.Metadata{}, err
		}
		id = out.EnvironmentId
		return out.ResultMetadata, nil
	})
	if err != nil {
		return Operation{}, fmt.Errorf("create environment %s: %w", l.Name, err)
	}
	if op.env.ID == "" {
		op.env.ID = aws.ToString(id)
	}
	return op, nil
}

// Deploy starts running a registered version on a Ready environment. The error wraps
// envs.ErrNotReady when AWS is at work on it.
func (c *Client) Deploy(ctx context.Context, e envs.Env, version, description string) (Operation, error) {
	in := &eb.UpdateEnvironmentInput{EnvironmentId: &e.ID, VersionLabel: &version, Description: &description}
	op, err := c.update(ctx, e, version, in)
	if err != nil {
		return Operation{}, fmt.Errorf("deploy to environment %s: %w", e.Name, err)
	}
	return op, nil
}

// Configure starts changing settings of a Ready environment. It is a call of its own,
// because the API refuses, by its text, a version and settings in one.
func (c *Client) Configure(ctx context.Context, e envs.Env, d Difference) (Operation, error) {
	in := &eb.UpdateEnvironmentInput{EnvironmentId: &e.ID, OptionSettings: options(d.Set)}
	for _, s := range d.Remove {
		in.OptionsToRemove = append(in.OptionsToRemove, types.OptionSpecification{Namespace: &s.Namespace, OptionName: &s.Name})
	}
	op, err := c.update(ctx, e, e.Version, in)
	if err != nil {
		return Operation{}, fmt.Errorf("configure environment %s: %w", e.Name, err)
	}
	return op, nil
}

func (c *Client) update(ctx context.Context, e envs.Env, version string, in *eb.UpdateEnvironmentInput) (Operation, error) {
	return c.begin(ctx, Operation{kind: updating, env: e, version: version}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.api.UpdateEnvironment(ctx, in)
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Terminate starts the removal of an environment. The error wraps envs.ErrNotReady while a
// launch or deploy is in progress, and envs.ErrNotFound when it has gone already.
func (c *Client) Terminate(ctx context.Context, e envs.Env) (Operation, error) {
	op, err := c.begin(ctx, Operation{kind: terminating, env: e}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.api.TerminateEnvironment(ctx, &eb.TerminateEnvironmentInput{EnvironmentId: &e.ID})
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
	if err != nil {
		return Operation{}, fmt.Errorf("terminate environment %s: %w", e.Name, err)
	}
	return op, nil
}

// Abort starts putting an environment back to what it was before the update under way. The
// error wraps envs.ErrNotReady when there is nothing that AWS could abort; it can't a launch.
func (c *Client) Abort(ctx context.Context, e envs.Env) error {
	if _, err := c.api.AbortEnvironmentUpdate(ctx, &eb.AbortEnvironmentUpdateInput{EnvironmentId: &e.ID}); err != nil {
		return fmt.Errorf("abort the update of environment %s: %w", e.Name, translate(err))
	}
	return nil
}

// Rebuild starts making an environment anew with its id, name, address and version, also
// one that was terminated within the last six weeks. The error wraps envs.ErrNotFound when
// AWS knows it or its version no longer, and envs.ErrTaken when its name or address is
// another's by now.
func (c *Client) Rebuild(ctx context.Context, e envs.Env) (Operation, error) {
	op, err := c.begin(ctx, Operation{kind: launching, env: e, version: e.Version}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.api.RebuildEnvironment(ctx, &eb.RebuildEnvironmentInput{EnvironmentId: &e.ID})
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
	if err != nil {
		return Operation{}, fmt.Errorf("rebuild environment %s: %w", e.Name, err)
	}
	return op, nil
}

func options(settings []Setting) []types.ConfigurationOptionSetting {
	var out []types.ConfigurationOptionSetting
	for _, s := range settings {
		out = append(out, types.ConfigurationOptionSetting{Namespace: &s.Namespace, OptionName: &s.Name, Value: &s.Value})
	}
	return out
}

func tags(t envs.Tags) []types.Tag {
	var out []types.Tag
	for k, v := range t {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	sort.Slice(out, func(i, j int) bool { return *out[i].Key < *out[j].Key })
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
