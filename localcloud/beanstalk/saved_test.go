package beanstalk

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// savedFile is a file as the EB CLI saves it.
const savedFile = `EnvironmentConfigurationMetadata:
  Description: Configuration created from the EB CLI using "eb config save".
  DateCreated: '1764403200000'
  DateModified: '1764403200000'
Platform:
  PlatformArn: PLATFORM
OptionSettings:
  aws:elasticbeanstalk:application:environment:
    A: from the file
    N: 7
  AWSEBAutoScalingGroup.aws:autoscaling:asg:
    MaxSize: '1'
EnvironmentTier:
  Type: Standard
  Name: WebServer
AWSConfigurationTemplateVersion: 1.1.0.0
`

func TestAnUpdateWithASavedConfiguration(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x", setting(nsVariables, "A", "1"), setting(nsVariables, "B", "2")))
	contents := strings.Replace(savedFile, "PLATFORM", *e.PlatformArn, 1)
	in := func() *eb.UpdateEnvironmentInput {
		return &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, OptionSettings: []types.ConfigurationOptionSetting{setting(nsVariables, "C", "3")}}
	}
	source := "TemplateSpecification.TemplateSource.SourceContents"
	_, err := c.UpdateEnvironment(t.Context(), in(), withParameter(source, url.QueryEscape(contents)))
	must(t, err)
	c.settled(*e.EnvironmentId)
	if got := variables(c, "shop-x"); got != "A=from the file B=2 C=3 N=7" {
		t.Errorf("variables %s", got)
	}
	for name, bad := range map[string]string{
		"no YAML":             "a: [",
		"no configuration":    "just text",
		"an unknown key":      contents + "Surprise: 1\n",
		"a value AWS refuses": strings.Replace(contents, "MaxSize: '1'", "MaxSize: many", 1),
		"another tier":        strings.Replace(contents, "WebServer", "Worker", 1),
		"an unknown platform": strings.Replace(contents, *e.PlatformArn, "arn:aws:elasticbeanstalk:us-east-1::platform/None/1.0.0", 1),
	} {
		if _, err := c.UpdateEnvironment(t.Context(), in(), withParameter(source, url.QueryEscape(bad))); err == nil {
			t.Errorf("%s: success", name)
			c.settled(*e.EnvironmentId)
		}
	}
	if got := variables(c, "shop-x"); got != "A=from the file B=2 C=3 N=7" {
		t.Errorf("after what was refused: %s", got)
	}
}

func TestATemplateIsMadeFromAnEnvironmentByName(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	c.launch(launchInput("shop-x", setting(nsVariables, "A", "1")))
	in := &eb.CreateConfigurationTemplateInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("saved")}
	_, err := c.CreateConfigurationTemplate(t.Context(), in, withParameter("TemplateSpecification.TemplateSource.EnvironmentName", "none"))
	refused(t, err, "InvalidParameterValue", "No Environment found for EnvironmentName = 'none'.")
	_, err = c.CreateConfigurationTemplate(t.Context(), in, withParameter("TemplateSpecification.TemplateSource.EnvironmentName", "shop-x"))
	must(t, err)
	from := launchInput("from-it")
	from.SolutionStackName, from.TemplateName = nil, aws.String("saved")
	c.launch(from)
	if got := variables(c, "from-it"); got != "A=1" {
		t.Errorf("variables %s", got)
	}
}

func TestTerminatedRowsAreShownUnlessTheCallerWantsNone(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x"))
	_, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId, TerminateResources: aws.Bool(false)})
	if err == nil {
		t.Fatal("an environment is terminated without its resources")
	}
	_, err = c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	c.settled(*e.EnvironmentId)
	for _, tt := range []struct {
		deleted *bool
		want    int
	}{{nil, 1}, {aws.Bool(false), 0}, {aws.Bool(true), 1}} {
		out, err := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{IncludeDeleted: tt.deleted})
		must(t, err)
		if len(out.Environments) != tt.want {
			t.Errorf("IncludeDeleted %v: %d rows, want %d", aws.ToBool(tt.deleted), len(out.Environments), tt.want)
		}
	}
}
