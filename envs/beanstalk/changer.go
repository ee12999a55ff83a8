package beanstalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	smithy "github.com/aws/smithy-go/middleware"

	"beansprout/envs/awsapi"
)

// Changer makes the calls that change something in Elastic Beanstalk. Before each HTTP attempt it
// makes sure that the caller may still change it.
type Changer struct{ client *Client }

// Changing returns a Changer that calls ensure before each HTTP attempt, including those of
// repeated calls. An error of ensure ends the call at once and is wrapped in the call's own.
func (c *Client) Changing(ensure func(context.Context) error) *Changer {
	guarded := *c
	guarded.api = eb.New(c.api.Options(), eb.WithAPIOptions(awsapi.Each(ensure)))
	return &Changer{&guarded}
}

// Launch is an environment to be created. Its CNAME prefix is its name.
type Launch struct {
	Name           string
	Application    string
	Description    string
	Version        string // label of a registered version
	Tags           map[string]string
	Base           Base
	Settings       []Setting
	OperationsRole string // ARN of the role that Beanstalk uses; "" means the caller's rights
}

// Base is what an environment's configuration starts from. Exactly one of the first three is set.
type Base struct {
	Platform           string // ARN of a platform version
	SavedConfiguration string // name within the application
	Copy               *Copy  // the launch saves it as a configuration

	Configuration Configuration // of a saved configuration or a copy
}

// Launch starts the creation of an environment. The error wraps awsapi.ErrTaken when its name is
// in use in the region, or its address by any customer.
func (c *Changer) Launch(ctx context.Context, l Launch) (Operation, error) {
	if l.Base.Copy != nil {
		name, err := c.save(ctx, l.Application, l.Base.Copy)
		if err != nil {
			return Operation{}, fmt.Errorf("create environment %s: %w", l.Name, err)
		}
		l.Base = Base{SavedConfiguration: name, Configuration: l.Base.Configuration}
	}
	return retryBlanks(l.Base.Configuration.launchDifference(l.Settings), func(d Difference) (Operation, error) { return c.create(ctx, l, d) })
}

// create makes one call that creates the environment.
func (c *Changer) create(ctx context.Context, l Launch, d Difference) (Operation, error) {
	in := &eb.CreateEnvironmentInput{
		ApplicationName: &l.Application,
		EnvironmentName: &l.Name,
		CNAMEPrefix:     &l.Name,
		Description:     &l.Description,
		VersionLabel:    &l.Version,
		OptionSettings:  options(d.Set),
		OptionsToRemove: specifications(d.Remove),
		Tags:            tags(l.Tags),
		PlatformArn:     optional(l.Base.Platform),
		TemplateName:    optional(l.Base.SavedConfiguration),
		OperationsRole:  optional(l.OperationsRole),
	}
	var id *string
	op, err := c.client.start(ctx, "create", Operation{kind: launching, env: Env{Name: l.Name}, version: l.Version}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.client.api.CreateEnvironment(ctx, in)
		if err != nil {
			return smithy.Metadata{}, err
		}
		id = out.EnvironmentId
		return out.ResultMetadata, nil
	})
	if op.env.ID == "" {
		op.env.ID = aws.ToString(id)
	}
	return op, err
}

// Deploy starts the deployment of a registered version to a Ready environment. The error wraps
// awsapi.ErrNotReady while another operation is in progress.
func (c *Changer) Deploy(ctx context.Context, e Env, version, description string) (Operation, error) {
	return c.Update(ctx, e, Update{Version: version, Description: description})
}

// Update is a change to an environment. Empty fields stay as they are.
type Update struct {
	Version     string // label of a registered version
	Settings    Difference
	Description string
}

// Update starts a change to a Ready environment. The error wraps awsapi.ErrNotReady while another
// operation is in progress.
func (c *Changer) Update(ctx context.Context, e Env, u Update) (Operation, error) {
	return retryBlanks(u.Settings, func(d Difference) (Operation, error) {
		u.Settings = d
		return c.update(ctx, e, u)
	})
}

func (c *Changer) update(ctx context.Context, e Env, u Update) (Operation, error) {
	in := &eb.UpdateEnvironmentInput{
		EnvironmentId: &e.ID, VersionLabel: optional(u.Version), Description: optional(u.Description),
		OptionSettings: options(u.Settings.Set), OptionsToRemove: specifications(u.Settings.Remove),
	}
	return c.client.start(ctx, "update", Operation{kind: updating, env: e, version: cmp.Or(u.Version, e.Version)}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.client.api.UpdateEnvironment(ctx, in)
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Terminate starts the termination of an environment. The error wraps awsapi.ErrNotReady while a
// launch or deploy is in progress, and awsapi.ErrNotFound when it is already gone.
func (c *Changer) Terminate(ctx context.Context, e Env) (Operation, error) {
	return c.client.start(ctx, "terminate", Operation{kind: terminating, env: e}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.client.api.TerminateEnvironment(ctx, &eb.TerminateEnvironmentInput{EnvironmentId: &e.ID})
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Abort starts undoing the update in progress. The error wraps awsapi.ErrNotReady when AWS can
// abort nothing; it can't abort a launch.
func (c *Changer) Abort(ctx context.Context, e Env) error {
	if _, err := c.client.api.AbortEnvironmentUpdate(ctx, &eb.AbortEnvironmentUpdateInput{EnvironmentId: &e.ID}); err != nil {
		return fmt.Errorf("abort the update of environment %s: %w", e.Name, translate(err))
	}
	return nil
}

// Rebuild starts the creation of an environment with the id, name, address and version that it
// had. It may have been terminated within the last six weeks. The error wraps awsapi.ErrNotFound
// when AWS doesn't have it or its version any more, and awsapi.ErrTaken when another environment
// has its name or address.
func (c *Changer) Rebuild(ctx context.Context, e Env) (Operation, error) {
	return c.client.start(ctx, "rebuild", Operation{kind: launching, env: e, version: e.Version}, func(ctx context.Context) (smithy.Metadata, error) {
		out, err := c.client.api.RebuildEnvironment(ctx, &eb.RebuildEnvironmentInput{EnvironmentId: &e.ID})
		if err != nil {
			return smithy.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

func options(settings []Setting) []types.ConfigurationOptionSetting {
	var out []types.ConfigurationOptionSetting
	for _, s := range settings {
		out = append(out, types.ConfigurationOptionSetting{Namespace: &s.Namespace, OptionName: &s.Name, Value: &s.Value})
	}
	return out
}

func specifications(settings []Setting) []types.OptionSpecification {
	var out []types.OptionSpecification
	for _, s := range settings {
		out = append(out, types.OptionSpecification{Namespace: &s.Namespace, OptionName: &s.Name})
	}
	return out
}

func tags(t map[string]string) []types.Tag {
	var out []types.Tag
	for k, v := range t {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	slices.SortFunc(out, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// start makes the call that starts an operation on an environment. The verb says what it does, for
// the error.
func (c *Client) start(ctx context.Context, verb string, op Operation, call func(context.Context) (smithy.Metadata, error)) (Operation, error) {
	op, err := c.begin(ctx, op, call)
	if err != nil {
		return Operation{}, fmt.Errorf("%s environment %s: %w", verb, op.env.Name, err)
	}
	return op, nil
}

// begin makes the call that starts an operation. When the answer is lost, it looks at the
// environment to see whether the operation started, and repeats the call if not.
func (c *Client) begin(ctx context.Context, op Operation, call func(context.Context) (smithy.Metadata, error)) (Operation, error) {
	began := time.Now()
	for losses := 0; ; {
		meta, err := call(ctx)
		if op.since = c.polls.awsTime(began).Add(-clockSpread); op.since.Before(op.env.Updated) {
			op.since = op.env.Updated // earlier events belong to other operations
		}
		if err = translate(err); err == nil {
			op.request, _ = middleware.GetRequestIDMetadata(meta)
			return op, nil
		}
		unanswered := errors.Is(err, ErrUnanswered)
		if unanswered {
			losses++
		} else if losses == 0 || op.kind == updating {
			return op, err
		}
		switch found, there, look := c.findStarted(ctx, op); {
		case look != nil:
			return op, look
		case there:
			return found, nil
		case !unanswered || losses == maxUnanswered:
			return op, err
		}
	}
}

const (
	// clockSpread is the greatest difference between clocks of AWS's machines, with dates in full seconds.
	clockSpread = 5 * time.Second
	// startLag is how long after its start AWS may not yet show an operation.
	startLag = 5 * time.Second
)

// findStarted looks for an operation whose call got no answer. The operation that it returns has
// no request id yet; its events have one.
func (c *Client) findStarted(ctx context.Context, op Operation) (found Operation, there bool, err error) {
	for p := newPollInterval(); time.Since(p.started) < startLag; {
		if err := p.pause(ctx); err != nil {
			return op, false, err
		}
		if found, there, err = c.isUnderWay(ctx, op); there || err != nil {
			return found, there, err
		}
	}
	return op, false, nil
}

func (c *Client) isUnderWay(ctx context.Context, op Operation) (Operation, bool, error) {
	if op.kind == launching && op.env.ID == "" {
		return c.isLaunched(ctx, op)
	}
	e, err := c.Get(ctx, op.env.ID)
	switch gone := errors.Is(err, awsapi.ErrNotFound); {
	case gone || err == nil && e.State.Gone():
		return op, op.kind == terminating, nil
	case err != nil || e.State.Busy() || op.kind != updating:
		return op, e.State.Busy(), err
	}
	events, err := c.Events(ctx, op.env.ID, op.since)
	for _, e := range events {
		if e.starts(op.kind) {
			return op, true, nil
		}
	}
	return op, false, err
}

// isLaunched looks for a new environment by its name. By its version it knows that the launch was
// this one.
func (c *Client) isLaunched(ctx context.Context, op Operation) (Operation, bool, error) {
	e, _, err := c.byName(ctx, op.env.Name)
	switch {
	case err != nil:
		return op, false, err
	case e.ID == "" || e.State.Gone():
		return op, false, nil
	case e.Version != op.version:
		return op, false, fmt.Errorf("the name is %w", awsapi.ErrTaken)
	}
	op.env, op.since = e, e.Created.Add(-clockSpread)
	return op, true, nil
}
