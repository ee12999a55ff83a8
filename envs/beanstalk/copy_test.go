package beanstalk

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"beansprout/envs/awsapi"
	"beansprout/localcloud"
	"beansprout/test/must"
)

const dev = "shop-dev1"

// source launches an environment to be copied, with options in addition to those of roles.
func source(t *testing.T, c *Client, options ...types.ConfigurationOptionSetting) Env {
	t.Helper()
	platform, err := c.Platform(t.Context(), branch)
	must.Succeed(t, err)
	name, app := dev, application
	for _, s := range roles().List() {
		options = append(options, setting(s.Namespace, s.Name, "", s.Value))
	}
	_, err = c.api.CreateEnvironment(t.Context(), &eb.CreateEnvironmentInput{
		ApplicationName: &app, EnvironmentName: &name, CNAMEPrefix: &name, PlatformArn: &platform, OptionSettings: options,
	})
	must.Succeed(t, err)
	e, err := c.Find(t.Context(), dev, nil)
	if err == nil {
		e, err = c.Settle(t.Context(), e)
	}
	must.Succeed(t, err)
	return e
}

// sprout launches an environment from a copy of the source.
func sprout(t *testing.T, c *Client, name string, settings ...Setting) (*Copy, Env) {
	t.Helper()
	from, err := c.Copy(t.Context(), application, dev)
	must.Succeed(t, err)
	op, err := changer(c).Launch(t.Context(), Launch{
		Name: name, Application: application, Version: version(t, c, name+"-1"), Base: Base{Copy: from}, Settings: settings,
	})
	must.Succeed(t, err)
	e, err := c.Wait(t.Context(), op, func(Event) {})
	must.Succeed(t, err)
	return from, e
}

func values(t *testing.T, c *Client, e Env) map[string]string {
	t.Helper()
	have, err := c.Configuration(t.Context(), e)
	must.Succeed(t, err)
	return have.values
}

func saved(t *testing.T, c *Client) []string { return c.savedConfigurations(t.Context(), application) }

func all() []types.ConfigurationOptionSetting {
	return []types.ConfigurationOptionSetting{
		setting(nsVariables, "DB", "", "postgres://dev"),
		setting(nsInstances, "InstanceTypes", "", "t4g.small"),
		setting(nsDatabase, "HasCoupledDatabase", "", "true"),
		setting(nsDatabase, "DBEngine", "", "postgres"),
		setting(nsDatabase, "DBPassword", "", "geheim"),
		setting(nsSchedule, "MinSize", "Night", "0"),
		setting(nsSchedule, "Recurrence", "Night", "0 20 * * *"),
		setting(nsSchedule, "MinSize", "Morning", "1"),
		setting(nsTopics, "Notification Endpoint", "", "ops@example.com"),
		setting(nsTopics, "Notification Topic ARN", "", "arn:aws:sns:us-east-1:123456789012:ops"),
		setting(nsManaged, "ManagedActionsEnabled", "", "true"),
	}
}

func TestACopyHasNoExclusiveResources(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	source(t, c, all()...)
	from, e := sprout(t, c, "shop-x", Setting{nsVariables, "COLOUR", "blue"})
	if from.Architecture() != ARM64 {
		t.Errorf("of t4g.small it is %s", from.Architecture())
	}
	wantLeft := []string{"its database (aws:rds)", "its scheduled actions (Morning, Night)", "its notification endpoint (aws:elasticbeanstalk:sns:topics)", "its managed platform updates"}
	if got := from.LeftOut(); !slices.Equal(got, wantLeft) {
		t.Errorf("left out: %q", got)
	}
	got := values(t, c, e)
	for key, want := range map[string]string{
		nsVariables + ":DB": "postgres://dev", nsVariables + ":COLOUR": "blue", instanceTypes: "t4g.small",
		nsEnvironment + ":ServiceRole": "aws-elasticbeanstalk-service-role", nsDatabase + ":HasCoupledDatabase": "false",
		nsDatabase + ":DBEngine": "", nsDatabase + ":DBPassword": "", nsTopics + ":Notification Endpoint": "", nsTopics + ":Notification Topic ARN": "",
		nsManaged + ":ManagedActionsEnabled": "false", nsSchedule + ":MinSize": "",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}

func TestACopyIsSavedOncePerContent(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	e := source(t, c, all()...)
	first, _ := sprout(t, c, "shop-x")
	second, _ := sprout(t, c, "shop-y")
	if names := saved(t, c); first.Name() != second.Name() || !slices.Equal(names, []string{first.Name()}) {
		t.Errorf("saved as %q: %q and %q", names, first.Name(), second.Name())
	}
	if !regexp.MustCompile(`^beansprout-[0-9a-f]{20}$`).MatchString(first.Name()) {
		t.Errorf("the name is %q", first.Name())
	}
	change(t, c, e, Difference{Set: []Setting{{nsDatabase, "DBEngine", "mysql"}}})
	third, _ := sprout(t, c, "shop-z")
	if third.Name() != first.Name() {
		t.Error("another name for what is left out")
	}
	change(t, c, e, Difference{Set: []Setting{{nsVariables, "DB", "postgres://dev2"}}})
	fourth, z := sprout(t, c, "shop-u")
	if fourth.Name() == first.Name() || values(t, c, z)[nsVariables+":DB"] != "postgres://dev2" {
		t.Errorf("the source has changed, and %s was reused", fourth.Name())
	}
}

// TestACopyIsSafeWhenAWSRefusesToRemoveOptions refuses the call that removes options of disabled resources.
func TestACopyIsSafeWhenAWSRefusesToRemoveOptions(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	no := middleware.FinalizeMiddlewareFunc("No", func(context.Context, middleware.FinalizeInput, middleware.FinalizeHandler) (out middleware.FinalizeOutput, meta middleware.Metadata, _ error) {
		return out, meta, &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "The option isn't user defined."}
	})
	c.api = eb.New(c.api.Options(), func(o *eb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			if s.ID() != "UpdateConfigurationTemplate" {
				return nil
			}
			return s.Finalize.Insert(no, "Retry", middleware.After)
		})
	})
	source(t, c, all()...)
	_, e := sprout(t, c, "shop-x")
	have, err := c.Configuration(t.Context(), e)
	if err != nil || len(exclusiveResources(have)) > 0 {
		t.Errorf("the environment has %v, %v", exclusiveResources(have), err)
	}
}

func TestASavedConfigurationOfTheNameIsChecked(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	source(t, c, all()...)
	from, err := c.Copy(t.Context(), application, dev)
	must.Succeed(t, err)
	name, app := from.Name(), application
	_, err = c.api.CreateConfigurationTemplate(t.Context(), &eb.CreateConfigurationTemplateInput{ApplicationName: &app, TemplateName: &name, EnvironmentId: &from.source.ID})
	must.Succeed(t, err)
	_, err = changer(c).Launch(t.Context(), Launch{Name: "shop-x", Application: application, Version: version(t, c, "v"), Base: Base{Copy: from}})
	if err == nil || !strings.Contains(err.Error(), "its database") {
		t.Errorf("launched from a foreign saved configuration: %v", err)
	}
}

func TestGeneratedOptionsDoNotChangeTheNameOfACopy(t *testing.T) {
	name := func(options ...types.ConfigurationOptionSetting) string {
		return (&Copy{Configuration: configured(options)}).Name()
	}
	plain := setting(nsInstances, "InstanceTypes", "", "t3.small")
	if name(plain) != name(plain, setting(nsGenerated, "AppSource", "", "https://s3/version-2")) {
		t.Error("each deploy to the source makes another saved configuration")
	}
	if name(plain) == name(setting(nsInstances, "InstanceTypes", "", "t3.large")) {
		t.Error("two contents have one name")
	}
}

func TestOurObsoleteInstanceTypeOverridesTheBases(t *testing.T) {
	base := configured([]types.ConfigurationOptionSetting{setting(nsInstances, "InstanceTypes", "", "t3.small, t3.large")})
	obsolete, current := Setting{nsLaunch, "InstanceType", "t4g.small"}, Setting{nsInstances, "InstanceTypes", "c7i.large"}
	if got := base.Changed(Difference{Set: []Setting{obsolete}}); got.Architecture() != ARM64 {
		t.Errorf("over the base's: %v", got.InstanceTypes())
	}
	if got := base.Changed(Difference{Set: []Setting{obsolete, current}}); got.Architecture() != AMD64 {
		t.Errorf("beside our own: %v", got.InstanceTypes())
	}
}

func TestErrorsOfCopyNameWhatIsMissing(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{TerminateTime: time.Minute})
	e := source(t, c)
	_, err := c.Copy(t.Context(), application, "shop-dve1")
	if !errors.Is(err, awsapi.ErrNotFound) || !strings.Contains(err.Error(), "the nearest: "+dev) {
		t.Errorf("a name mistyped: %v", err)
	}
	if _, err := c.Copy(t.Context(), "missing", dev); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("another application's: %v", err)
	}
	sprout(t, c, "shop-x")
	if _, err := c.SavedConfiguration(t.Context(), application, "beansprout"); !errors.Is(err, awsapi.ErrNotFound) || !strings.Contains(err.Error(), "the nearest: beansprout-") {
		t.Errorf("a saved configuration: %v", err)
	}
	_, err = changer(c).Terminate(t.Context(), e)
	must.Succeed(t, err)
	if _, err := c.Copy(t.Context(), application, dev); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("one that is going away: %v", err)
	}
}

func TestExclusiveResourcesAreFoundAndDisabled(t *testing.T) {
	shared := setting(nsEnvironment, "LoadBalancerIsShared", "", "true")
	rule := setting("aws:elbv2:listener:443", "Rules", "", "dev, admin")
	for _, tt := range []struct {
		name    string
		options []types.ConfigurationOptionSetting
		want    string
	}{
		{"nothing", nil, ""},
		{"no database", []types.ConfigurationOptionSetting{setting(nsDatabase, "HasCoupledDatabase", "", "false"), setting(nsDatabase, "DBEngine", "", "mysql")}, ""},
		{"a database of before 2021", []types.ConfigurationOptionSetting{setting(nsDatabase, "DBEngine", "", "mysql")}, "its database (aws:rds)"},
		{"suspended", []types.ConfigurationOptionSetting{setting(nsSchedule, "MinSize", "Night", "0"), setting(nsSchedule, "Suspend", "Night", "true")}, ""},
		{"one of two suspended", []types.ConfigurationOptionSetting{setting(nsSchedule, "Suspend", "Night", "true"), setting(nsSchedule, "MinSize", "Noon", "1")}, "its scheduled actions (Noon)"},
		{"a protocol without an endpoint", []types.ConfigurationOptionSetting{setting(nsTopics, "Notification Protocol", "", "email")}, ""},
		{"rules of its own load balancer", []types.ConfigurationOptionSetting{rule}, ""},
		{"rules of a shared one", []types.ConfigurationOptionSetting{shared, rule}, "its rules at the shared load balancer"},
		{"its own address there", []types.ConfigurationOptionSetting{shared, setting("aws:elbv2:listener:80", "Rules", "", "default")}, ""},
	} {
		c := configured(tt.options)
		parts := exclusiveResources(c)
		var got []string
		for _, p := range parts {
			got = append(got, p.what)
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		off := map[string]types.ConfigurationOptionSetting{}
		for _, o := range slices.Concat(tt.options, (&Copy{exclusive: parts}).disabling()) {
			off[key(o)+aws.ToString(o.ResourceName)] = o
		}
		if left := exclusiveResources(configured(slices.Collect(maps.Values(off)))); len(left) > 0 {
			t.Errorf("%s: switched off, it still has %s", tt.name, left[0].what)
		}
	}
}

func configured(options []types.ConfigurationOptionSetting) Configuration {
	c := Configuration{values: map[string]string{}, options: options}
	for _, o := range options {
		c.values[key(o)] = aws.ToString(o.Value)
	}
	return c
}
