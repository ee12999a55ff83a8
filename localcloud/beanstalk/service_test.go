package beanstalk

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/localcloud/engine"
)

func TestLifeOfAnEnvironment(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2")
	in := launchInput("Shop-x")
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("qa")}}
	created, err := c.CreateEnvironment(t.Context(), in)
	must(t, err)
	if created.Status != "Launching" || created.Health != "Grey" || *created.VersionLabel != "v1" || created.EndpointURL != nil {
		t.Errorf("created as %s %s %s", created.Status, created.Health, *created.VersionLabel)
	}
	e := c.settled(*created.EnvironmentId)
	if e.Status != "Ready" || e.Health != "Green" || e.HealthStatus != "" || *e.CNAME != "shop-x.localhost:2327" || *e.SolutionStackName != ecs {
		t.Errorf("settled as %+v", e)
	}
	if id, ok := c.service.Lookup("shop-x"); !ok || id != *e.EnvironmentId {
		t.Errorf("the CNAME leads to %q", id)
	}
	request, _ := middleware.GetRequestIDMetadata(created.ResultMetadata)
	texts := c.told(&eb.DescribeEventsInput{RequestId: &request})
	if texts[0] != "createEnvironment is starting." || texts[1] != "Using "+bucket+" as Amazon S3 storage bucket for environment data." ||
		!slices.Contains(texts, "Application available at shop-x.localhost:2327.") || texts[len(texts)-1] != "Successfully launched environment: Shop-x" {
		t.Errorf("events %q", texts)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "health") }) {
		t.Error("an event about health carries a request id")
	}

	gone, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	if gone.Status != "Terminating" {
		t.Errorf("terminated as %s", gone.Status)
	}
	if e := c.settled(*e.EnvironmentId); e.Status != "Terminated" {
		t.Errorf("ended as %s", e.Status)
	}
	again := c.launch(launchInput("Shop-x"))
	out, err := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{"Shop-x"}})
	must(t, err)
	if len(out.Environments) != 2 || *again.EnvironmentId == *e.EnvironmentId {
		t.Errorf("%d rows have the name", len(out.Environments))
	}
	c.ahead = 2 * lingers
	if out, _ := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{}); len(out.Environments) != 1 {
		t.Errorf("%d rows two hours later", len(out.Environments))
	}
	_, err = c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId})
	refused(t, err, "InvalidParameterValue", "No Environment found for EnvironmentId = '"+*e.EnvironmentId+"'.")
}

func TestUpdate(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	hold, held := make(chan struct{}), make(chan engine.Deployment, 1)
	c.runner.Outcome = func(d engine.Deployment) error {
		held <- d
		<-hold
		return nil
	}
	out, err := c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: e.EnvironmentName, VersionLabel: aws.String("v2"),
		Description: aws.String("v2 by me"), OptionSettings: []types.ConfigurationOptionSetting{setting(nsVariables, "COLOUR", "blue")}})
	must(t, err)
	d := <-held
	if d.Version != "v2" || d.Variables["COLOUR"] != "blue" || d.Size == 0 || d.HealthPath != "" {
		t.Errorf("deployed %+v", d)
	}
	if out.Status != "Updating" || *out.VersionLabel != "v1" || !*out.AbortableOperationInProgress || *out.Description != "v2 by me" || out.Health != "Grey" {
		t.Errorf("answered %s %s %t %s %s", out.Status, *out.VersionLabel, *out.AbortableOperationInProgress, *out.Description, out.Health)
	}
	settings, err := c.DescribeConfigurationSettings(t.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: aws.String("shop"), EnvironmentName: e.EnvironmentName})
	must(t, err)
	if s := settings.ConfigurationSettings; len(s) != 2 || s[0].DeploymentStatus != "deployed" || s[1].DeploymentStatus != "pending" {
		t.Errorf("settings %+v", s)
	}
	_, err = c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: e.EnvironmentName})
	refused(t, err, "InvalidParameterValue", "Environment named shop-x is in an invalid state for this operation. Must be Ready.")
	_, err = c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentName: e.EnvironmentName})
	refused(t, err, "InvalidParameterValue", "Cannot terminate environment named shop-x. It is currently pending deployment.")
	close(hold)
	if e := c.settled(*e.EnvironmentId); *e.VersionLabel != "v2" || e.Health != "Green" || *e.AbortableOperationInProgress {
		t.Errorf("ended as %s %s", *e.VersionLabel, e.Health)
	}
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	want := []string{"Environment update is starting.", "Updating environment shop-x's configuration settings.", "Deploying new version to instance(s).",
		"New application version was deployed to running EC2 instances.", "Successfully deployed new configuration to environment.", "Environment update completed successfully."}
	if got := c.told(&eb.DescribeEventsInput{RequestId: &request}); !slices.Equal(got, want) {
		t.Errorf("events %q", got)
	}
}

func TestFailedDeployKeepsTheOldVersion(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	c.runner.Outcome = func(engine.Deployment) error { return engine.Fail("ECS task stopped due to: Task failed to start.") }
	out, err := c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
	must(t, err)
	if e := c.settled(*e.EnvironmentId); e.Status != "Ready" || *e.VersionLabel != "v1" || e.Health != "Green" {
		t.Errorf("ended as %s %s %s", e.Status, *e.VersionLabel, e.Health)
	}
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	texts := c.told(&eb.DescribeEventsInput{RequestId: &request, Severity: "ERROR"})
	if texts[0] != "ECS task stopped due to: Task failed to start." || !slices.Contains(texts, "Failed to deploy application.") {
		t.Errorf("events %q", texts)
	}
}

func TestFailedLaunchEndsReadyAndRed(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	c.runner.Outcome = func(engine.Deployment) error { return engine.Fail("crashed") }
	basic := c.launch(launchInput("basic"))
	if basic.Status != "Ready" || basic.Health != "Red" || basic.HealthStatus != "" {
		t.Errorf("basic: %s %s %s", basic.Status, basic.Health, basic.HealthStatus)
	}
	enhanced := c.launch(launchInput("enhanced", setting(nsHealth, "SystemType", "enhanced"), setting(nsEnvironment, "ServiceRole", ServiceRole)))
	if enhanced.Health != "Red" || enhanced.HealthStatus != "Severe" {
		t.Errorf("enhanced: %s %s", enhanced.Health, enhanced.HealthStatus)
	}
	texts := c.told(&eb.DescribeEventsInput{EnvironmentId: enhanced.EnvironmentId, Severity: "WARN"})
	if texts[len(texts)-1] != "Create environment operation is complete, but with errors. For more information, see troubleshooting documentation." ||
		!slices.Contains(texts, "Environment health has transitioned from Pending to Severe.") {
		t.Errorf("events %q", texts)
	}
	c.runner.Outcome = nil
	_, err := c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: basic.EnvironmentId, VersionLabel: aws.String("v1")})
	must(t, err)
	if e := c.settled(*basic.EnvironmentId); e.Health != "Green" {
		t.Errorf("a good deploy left it %s", e.Health)
	}
}

func TestLaunchWithoutInstanceProfileIsTerminated(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	in := launchInput("shop-x")
	in.OptionSettings = nil
	e := c.launch(in)
	if e.Status != "Terminated" {
		t.Errorf("ended as %s", e.Status)
	}
	want := []string{"createEnvironment is starting.", "Using " + bucket + " as Amazon S3 storage bucket for environment data.",
		"Environment must have instance profile associated with it.", "Failed to launch environment.", "Deleting SNS topic for environment shop-x."}
	if got := c.told(&eb.DescribeEventsInput{EnvironmentId: e.EnvironmentId}); !slices.Equal(got, want) {
		t.Errorf("events %q", got)
	}
}

func TestTagWritesAreUpdates(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	in := launchInput("shop-x")
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("qa")}}
	e := c.launch(in)
	tags := func() (got []string) {
		out, err := c.ListTagsForResource(t.Context(), &eb.ListTagsForResourceInput{ResourceArn: e.EnvironmentArn})
		must(t, err)
		for _, tag := range out.ResourceTags {
			got = append(got, *tag.Key+"="+*tag.Value)
		}
		return got
	}
	write := func(key, value string) []string {
		t.Helper()
		out, err := c.UpdateTagsForResource(t.Context(), &eb.UpdateTagsForResourceInput{ResourceArn: e.EnvironmentArn,
			TagsToAdd: []types.Tag{{Key: &key, Value: &value}}, TagsToRemove: []string{"absent"}})
		must(t, err)
		c.settled(*e.EnvironmentId)
		request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
		return c.told(&eb.DescribeEventsInput{RequestId: &request})
	}
	nothing := []string{"Environment tag update is starting.", "Service:AmazonCloudFormation, Message:No updates are to be performed.", "Environment tag update failed."}
	if got := write("team", "qa"); !slices.Equal(got, nothing) {
		t.Errorf("writing what is there: %q", got)
	}
	if got := write("Name", "mine"); !slices.Equal(got, nothing) {
		t.Errorf("writing the system's own: %q", got)
	}
	if got := write("team", "ops"); got[len(got)-1] != "Environment tag update completed successfully." {
		t.Errorf("writing something new: %q", got)
	}
	if got, want := tags(), []string{"Name=shop-x", "elasticbeanstalk:environment-id=" + *e.EnvironmentId, "elasticbeanstalk:environment-name=shop-x", "team=ops"}; !slices.Equal(got, want) {
		t.Errorf("tags %q", got)
	}
	for arn, want := range map[string]string{
		strings.Replace(*e.EnvironmentArn, "shop-x", "other", 1):       "ResourceNotFoundException",
		"arn:aws:elasticbeanstalk:us-east-1:123456789012:platform/x/1": "ResourceTypeNotSupportedException",
		"arn:aws:s3:::bucket": "ResourceTypeNotSupportedException",
	} {
		_, err := c.ListTagsForResource(t.Context(), &eb.ListTagsForResourceInput{ResourceArn: &arn})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", arn, err, want)
		}
	}
}

func TestSwap(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	a, b := c.launch(launchInput("blue")), c.launch(launchInput("green"))
	out, err := c.SwapEnvironmentCNAMEs(t.Context(), &eb.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: a.EnvironmentName, DestinationEnvironmentName: b.EnvironmentName})
	must(t, err)
	a, b = c.settled(*a.EnvironmentId), c.settled(*b.EnvironmentId)
	if *a.CNAME != "green.localhost:2327" || *b.CNAME != "blue.localhost:2327" {
		t.Errorf("CNAMEs %s and %s", *a.CNAME, *b.CNAME)
	}
	if id, _ := c.service.Lookup("green"); id != *a.EnvironmentId {
		t.Errorf("green leads to %s", id)
	}
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	if got := c.told(&eb.DescribeEventsInput{RequestId: &request}); !slices.Contains(got, "Completed swapping CNAMEs for environments 'blue' and 'green'.") {
		t.Errorf("events %q", got)
	}
}

func TestSwapNeedsTwoNamesOrTwoIds(t *testing.T) {
	c := start(t, t.TempDir())
	_, err := c.SwapEnvironmentCNAMEs(t.Context(), &eb.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: aws.String("blue"), DestinationEnvironmentId: aws.String("e-x")})
	refused(t, err, "MissingRequiredParameter", "You must specify the source and the destination environment in the same way.")
}

// Many clients change the same few environments. Each call is refused or served, and all work ends.
func TestManyClientsAtOnce(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2")
	a, b := c.launch(launchInput("blue")), c.launch(launchInput("green"))
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			for range 5 {
				e := []types.EnvironmentDescription{a, b}[i%2]
				switch i / 2 {
				case 0:
					_, _ = c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
				case 1:
					_, _ = c.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentId: e.EnvironmentId})
				case 2:
					_, _ = c.SwapEnvironmentCNAMEs(t.Context(), &eb.SwapEnvironmentCNAMEsInput{SourceEnvironmentId: a.EnvironmentId, DestinationEnvironmentId: b.EnvironmentId})
				case 3:
					_, _ = c.RebuildEnvironment(t.Context(), &eb.RebuildEnvironmentInput{EnvironmentId: e.EnvironmentId})
				}
			}
		})
	}
	g.Wait()
	a, b = c.settled(*a.EnvironmentId), c.settled(*b.EnvironmentId)
	if a.Health != "Green" || b.Health != "Green" || *a.CNAME == *b.CNAME {
		t.Errorf("came to rest as %s %s and %s %s", a.Health, *a.CNAME, b.Health, *b.CNAME)
	}
	for _, e := range []types.EnvironmentDescription{a, b} {
		if id, _ := c.service.Lookup(strings.TrimSuffix(*e.CNAME, ".localhost:2327")); id != *e.EnvironmentId {
			t.Errorf("%s leads to %s", *e.CNAME, id)
		}
	}
}

func TestRebuildOfATerminatedEnvironment(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x"))
	_, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	c.settled(*e.EnvironmentId)
	other := c.launch(launchInput("shop-x"))
	_, err = c.RebuildEnvironment(t.Context(), &eb.RebuildEnvironmentInput{EnvironmentId: e.EnvironmentId})
	refused(t, err, "InvalidParameterValue", "Environment shop-x already exists.")
	_, err = c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: other.EnvironmentId})
	must(t, err)
	c.settled(*other.EnvironmentId)
	_, err = c.RebuildEnvironment(t.Context(), &eb.RebuildEnvironmentInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	if back := c.settled(*e.EnvironmentId); back.Status != "Ready" || *back.CNAME != *e.CNAME || *back.VersionLabel != "v1" {
		t.Errorf("came back as %+v", back)
	}
	_, err = c.RebuildEnvironment(t.Context(), &eb.RebuildEnvironmentInput{EnvironmentName: aws.String("shop-x")})
	must(t, err)
	if back := c.settled(*e.EnvironmentId); back.Status != "Ready" || back.Health != "Green" {
		t.Errorf("rebuilt to %s %s", back.Status, back.Health)
	}
}
