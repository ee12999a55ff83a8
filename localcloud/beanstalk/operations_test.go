package beanstalk

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/localcloud/wire"
)

func TestCreateEnvironmentRefusals(t *testing.T) {
	c := start(t, t.TempDir(), func(cfg *Config) { cfg.Quotas.Environments = 1 })
	c.has("v1")
	c.launch(launchInput("taken"))
	const cv = "ConfigurationValidationException"
	for _, tt := range []struct {
		name       string
		change     func(*eb.CreateEnvironmentInput)
		code, text string
	}{
		{"unknown application", func(in *eb.CreateEnvironmentInput) { in.ApplicationName = aws.String("other") }, "InvalidParameterValue", "No Application named 'other' found."},
		{"name taken", func(in *eb.CreateEnvironmentInput) { in.EnvironmentName = aws.String("taken") }, "InvalidParameterValue", "Environment taken already exists."},
		{"strange name", func(in *eb.CreateEnvironmentInput) { in.EnvironmentName = aws.String("-shop") }, "InvalidParameterValue",
			"Value -shop at 'EnvironmentName' failed to satisfy constraint: Member must contain only letters, digits, and the dash character and may not start or end with a dash"},
		{"short name", func(in *eb.CreateEnvironmentInput) { in.EnvironmentName = aws.String("abc") }, "ValidationError",
			"1 validation error detected: Value 'abc' at 'environmentName' failed to satisfy constraint: Member must have length greater than or equal to 4"},
		{"no name", func(in *eb.CreateEnvironmentInput) { in.EnvironmentName = nil }, "MissingRequiredParameter", "You must specify an EnvironmentName."},
		{"quota", func(*eb.CreateEnvironmentInput) {}, "TooManyEnvironmentsException", "You cannot have more than 1 Environments. Either remove some Environments or request a limit increase."},
	} {
		in := launchInput("fresh")
		tt.change(in)
		_, err := c.CreateEnvironment(t.Context(), in)
		t.Run(tt.name, func(t *testing.T) { refused(t, err, tt.code, tt.text) })
	}
	c.service.Quotas.Environments = 2
	for _, tt := range []struct {
		name       string
		change     func(*eb.CreateEnvironmentInput)
		code, text string
	}{
		{"CNAME taken", func(in *eb.CreateEnvironmentInput) { in.CNAMEPrefix = aws.String("TAKEN") }, "InvalidParameterValue", "DNS name (taken.localhost:2327) is not available."},
		{"unknown version", func(in *eb.CreateEnvironmentInput) { in.VersionLabel = aws.String("v9") }, "InvalidParameterValue", "No Application Version named 'v9' found."},
		{"no platform", func(in *eb.CreateEnvironmentInput) { in.SolutionStackName = nil }, "InvalidParameterValue", "Unable to determine base for template pack (no solution stack)"},
		{"unknown stack", func(in *eb.CreateEnvironmentInput) { in.SolutionStackName = aws.String("x") }, "InvalidParameterValue", "No Solution Stack named 'x' found."},
		{"two bases", func(in *eb.CreateEnvironmentInput) { in.TemplateName = aws.String("t") }, "InvalidParameterCombination",
			"Specify only one of TemplateName, SolutionStackName, PlatformArn and TemplateSpecification."},
		{"enhanced health without a role", func(in *eb.CreateEnvironmentInput) {
			in.OptionSettings = append(in.OptionSettings, setting(nsHealth, "SystemType", "enhanced"))
		}, cv, "Configuration validation exception: Invalid option specification (Namespace: 'aws:elasticbeanstalk:healthreporting:system', OptionName: 'SystemType'): Enhanced health reporting requires a service role."},
		{"reserved tag", func(in *eb.CreateEnvironmentInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("y")}}
		}, "InvalidParameterValue", "Tag keys that begin with 'aws:' are reserved for system use."},
		{"worker of another type", func(in *eb.CreateEnvironmentInput) {
			in.Tier = &types.EnvironmentTier{Name: aws.String("Worker"), Type: aws.String("Standard")}
		}, "InvalidParameterValue", "Environment tier type 'Standard' is not supported by tier name 'Worker'."},
		{"a worker's CNAME", func(in *eb.CreateEnvironmentInput) {
			in.CNAMEPrefix = aws.String("jobs")
			in.Tier = &types.EnvironmentTier{Name: aws.String("Worker"), Type: aws.String("SQS/HTTP")}
		}, "InvalidParameterValue", "Environment does not support a cname"},
	} {
		in := launchInput("fresh")
		tt.change(in)
		_, err := c.CreateEnvironment(t.Context(), in)
		t.Run(tt.name, func(t *testing.T) { refused(t, err, tt.code, tt.text) })
	}
	if out, _ := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{}); len(out.Environments) != 1 {
		t.Errorf("refused launches left %d environments", len(out.Environments))
	}
}

func TestEventsArePagedNewestFirstAndAMillisecondApart(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	c.launch(launchInput("shop-x"))
	c.launch(launchInput("shop-y"))
	all, err := c.DescribeEvents(t.Context(), &eb.DescribeEventsInput{})
	must(t, err)
	for i, e := range all.Events[1:] {
		if !e.EventDate.Before(*all.Events[i].EventDate) {
			t.Errorf("event %d is not older than the one before", i+1)
		}
	}
	paged, pages := 0, 0
	p := eb.NewDescribeEventsPaginator(c.Client, &eb.DescribeEventsInput{EnvironmentName: aws.String("shop-y"), MaxRecords: aws.Int32(3)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		must(t, err)
		paged, pages = paged+len(out.Events), pages+1
	}
	if whole := len(c.told(&eb.DescribeEventsInput{EnvironmentName: aws.String("shop-y")})); paged != whole || pages != (whole+2)/3 {
		t.Errorf("%d events in %d pages, %d in one", paged, pages, whole)
	}
	third := all.Events[2].EventDate
	since := c.told(&eb.DescribeEventsInput{StartTime: third})
	until := c.told(&eb.DescribeEventsInput{EndTime: third})
	if len(since) != 3 || len(until) != len(all.Events)-3 {
		t.Errorf("%d events since the third newest, %d before it", len(since), len(until))
	}
	if got := c.told(&eb.DescribeEventsInput{Severity: "ERROR"}); len(got) != 0 {
		t.Errorf("errors %q", got)
	}
}

func TestTemplatesAndClones(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x", setting(nsEnvironment, "EnvironmentType", "SingleInstance"), setting(nsVariables, "A", "1")))
	saved, err := c.CreateConfigurationTemplate(t.Context(), &eb.CreateConfigurationTemplateInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("saved"),
		EnvironmentId: e.EnvironmentId, OptionSettings: []types.ConfigurationOptionSetting{setting(nsVariables, "B", "2")}})
	must(t, err)
	if *saved.SolutionStackName != ecs || *saved.TemplateName != "saved" {
		t.Errorf("saved %+v", saved)
	}
	_, err = c.UpdateConfigurationTemplate(t.Context(), &eb.UpdateConfigurationTemplateInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("saved"),
		OptionSettings:  []types.ConfigurationOptionSetting{setting(nsVariables, "C", "4")},
		OptionsToRemove: []types.OptionSpecification{{Namespace: aws.String(nsVariables), OptionName: aws.String("A")}}})
	must(t, err)
	_, err = c.UpdateConfigurationTemplate(t.Context(), &eb.UpdateConfigurationTemplateInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("other")})
	refused(t, err, "InvalidParameterValue", "No Configuration Template named 'other' found.")
	in := launchInput("from-it", setting(nsVariables, "D", "3"))
	in.SolutionStackName, in.TemplateName = nil, aws.String("saved")
	c.launch(in)
	if got := variables(c, "from-it"); got != "B=2 C=4 D=3" {
		t.Errorf("variables %s", got)
	}
	clone := launchInput("a-clone")
	clone.SolutionStackName = nil
	out, err := c.CreateEnvironment(t.Context(), clone, withParameter("TemplateSpecification.TemplateSource.EnvironmentName", "shop-x"))
	must(t, err)
	c.settled(*out.EnvironmentId)
	if got := variables(c, "a-clone"); got != "A=1" {
		t.Errorf("variables of the clone: %s", got)
	}
	_, err = c.DeleteConfigurationTemplate(t.Context(), &eb.DeleteConfigurationTemplateInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("saved")})
	must(t, err)
	_, err = c.DescribeConfigurationSettings(t.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: aws.String("shop"), TemplateName: aws.String("saved")})
	refused(t, err, "InvalidParameterValue", "No Configuration Template named 'saved' found.")
}

// withParameter adds a parameter to the form that the SDK's model lacks.
func withParameter(name, value string) func(*eb.Options) {
	return func(o *eb.Options) {
		o.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			form := string(body) + "&" + name + "=" + value
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
			return http.DefaultClient.Do(r)
		})
	}
}

func variables(c *cloud, name string) string {
	out, err := c.DescribeConfigurationSettings(c.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: aws.String("shop"), EnvironmentName: &name})
	must(c, err)
	var pairs []string
	for _, o := range out.ConfigurationSettings[0].OptionSettings {
		if *o.Namespace == nsVariables {
			pairs = append(pairs, *o.OptionName+"="+*o.Value)
		}
	}
	return strings.Join(pairs, " ")
}

func TestLogs(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x"))
	out, err := c.RequestEnvironmentInfo(t.Context(), &eb.RequestEnvironmentInfoInput{EnvironmentId: e.EnvironmentId, InfoType: "tail"})
	must(t, err)
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	c.eventually("logs", func() bool {
		return slices.Contains(c.told(&eb.DescribeEventsInput{RequestId: &request}), "Pulled logs for environment instances.")
	})
	retrieve := func() []types.EnvironmentInfoDescription {
		logs, err := c.RetrieveEnvironmentInfo(t.Context(), &eb.RetrieveEnvironmentInfoInput{EnvironmentName: e.EnvironmentName, InfoType: "tail"})
		must(t, err)
		return logs.EnvironmentInfo
	}
	logs := retrieve()
	if len(logs) != 1 {
		t.Fatalf("%d logs", len(logs))
	}
	key, ok := strings.CutPrefix(*logs[0].Message, "http://s3.test/"+bucket+"/")
	if _, _, err := c.objects.Get(bucket, key); !ok || err != nil {
		t.Errorf("%s leads nowhere: %v", *logs[0].Message, err)
	}
	if c.ahead = 16 * time.Minute; len(retrieve()) != 0 {
		t.Error("logs are still there after 16 minutes")
	}
}

func TestHealthOperations(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	basic := c.launch(launchInput("basic"))
	enhanced := c.launch(launchInput("enhanced", setting(nsHealth, "SystemType", "enhanced"), setting(nsEnvironment, "ServiceRole", ServiceRole)))
	_, err := c.DescribeEnvironmentHealth(t.Context(), &eb.DescribeEnvironmentHealthInput{EnvironmentId: basic.EnvironmentId})
	refused(t, err, "InvalidRequestException", "DescribeEnvironmentHealth is not supported.")
	out, err := c.DescribeEnvironmentHealth(t.Context(), &eb.DescribeEnvironmentHealthInput{EnvironmentId: enhanced.EnvironmentId, AttributeNames: []types.EnvironmentHealthAttribute{"All"}})
	must(t, err)
	if *out.HealthStatus != "Ok" || *out.Color != "Green" || out.Status != "Ready" || *out.InstancesHealth.Ok != 1 {
		t.Errorf("health %+v", out)
	}
	instances, err := c.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentId: enhanced.EnvironmentId, AttributeNames: []types.InstancesHealthAttribute{"All"}})
	must(t, err)
	made, err := c.DescribeEnvironmentResources(t.Context(), &eb.DescribeEnvironmentResourcesInput{EnvironmentId: enhanced.EnvironmentId})
	must(t, err)
	if len(instances.InstanceHealthList) != 1 || *instances.InstanceHealthList[0].InstanceId != *made.EnvironmentResources.Instances[0].Id {
		t.Errorf("instances %+v, resources %+v", instances.InstanceHealthList, made.EnvironmentResources)
	}
}

func TestPlatforms(t *testing.T) {
	c := start(t, t.TempDir())
	stacks, err := c.ListAvailableSolutionStacks(t.Context(), &eb.ListAvailableSolutionStacksInput{})
	must(t, err)
	if !slices.Contains(stacks.SolutionStacks, ecs) || len(stacks.SolutionStackDetails) != 18 {
		t.Errorf("stacks %v", stacks.SolutionStacks)
	}
	branches, err := c.ListPlatformBranches(t.Context(), &eb.ListPlatformBranchesInput{Filters: []types.SearchFilter{
		{Attribute: aws.String("BranchName"), Operator: aws.String("="), Values: []string{"ECS running on 64bit Amazon Linux 2023"}}}})
	must(t, err)
	versions, err := c.ListPlatformVersions(t.Context(), &eb.ListPlatformVersionsInput{Filters: []types.PlatformFilter{
		{Type: aws.String("PlatformBranchName"), Operator: aws.String("="), Values: []string{*branches.PlatformBranchSummaryList[0].BranchName}},
		{Type: aws.String("PlatformLifecycleState"), Operator: aws.String("="), Values: []string{"recommended"}}}})
	must(t, err)
	if len(branches.PlatformBranchSummaryList) != 1 || len(versions.PlatformSummaryList) != 1 {
		t.Fatalf("%d branches, %d versions", len(branches.PlatformBranchSummaryList), len(versions.PlatformSummaryList))
	}
	p, err := c.DescribePlatformVersion(t.Context(), &eb.DescribePlatformVersionInput{PlatformArn: versions.PlatformSummaryList[0].PlatformArn})
	must(t, err)
	if *p.PlatformDescription.SolutionStackName != ecs {
		t.Errorf("it is %s", *p.PlatformDescription.SolutionStackName)
	}
}

func TestAccountAndRefusedOperations(t *testing.T) {
	c := start(t, t.TempDir())
	out, err := c.DescribeAccountAttributes(t.Context(), &eb.DescribeAccountAttributesInput{})
	must(t, err)
	if *out.ResourceQuotas.EnvironmentQuota.Maximum != 200 || *out.ResourceQuotas.ApplicationVersionQuota.Maximum != 1000 {
		t.Errorf("quotas %+v", out.ResourceQuotas)
	}
	where, err := c.CreateStorageLocation(t.Context(), &eb.CreateStorageLocationInput{})
	must(t, err)
	if *where.S3Bucket != bucket {
		t.Errorf("bucket %s", *where.S3Bucket)
	}
	_, err = c.RestartAppServer(t.Context(), &eb.RestartAppServerInput{})
	if err == nil || !strings.Contains(err.Error(), "InvalidAction") {
		t.Errorf("an operation that is not served: %v", err)
	}
	_, err = c.CheckDNSAvailability(t.Context(), &eb.CheckDNSAvailabilityInput{CNAMEPrefix: aws.String("a_b_")})
	if err == nil {
		t.Error("a_b_ is a CNAME prefix")
	}
}

func TestRegionsAreSeparate(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	c.launch(launchInput("shop-x"))
	abroad := func(o *eb.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Region", "eu-west-1"))
	}
	out, err := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{}, abroad)
	must(t, err)
	apps, err := c.DescribeApplications(t.Context(), &eb.DescribeApplicationsInput{}, abroad)
	must(t, err)
	dns, err := c.CheckDNSAvailability(t.Context(), &eb.CheckDNSAvailabilityInput{CNAMEPrefix: aws.String("shop-x")}, abroad)
	must(t, err)
	if len(out.Environments)+len(apps.Applications) != 0 || !*dns.Available || *dns.FullyQualifiedCNAME != "shop-x.eu-west-1.localhost:2327" {
		t.Errorf("seen from abroad: %d environments, %d applications, %s available: %t", len(out.Environments), len(apps.Applications), *dns.FullyQualifiedCNAME, *dns.Available)
	}
	_, err = c.CreateApplication(t.Context(), &eb.CreateApplicationInput{ApplicationName: aws.String("shop")}, abroad)
	must(t, err)
	in := launchInput("shop-x")
	in.VersionLabel = nil
	e, err := c.CreateEnvironment(t.Context(), in, abroad)
	must(t, err)
	if id, _ := c.service.Lookup("shop-x.eu-west-1"); id != *e.EnvironmentId {
		t.Errorf("the URL from abroad leads to %q, want %s", id, *e.EnvironmentId)
	}
	again := launchInput("shop-y")
	again.CNAMEPrefix, again.VersionLabel = in.CNAMEPrefix, nil
	if _, err = c.CreateEnvironment(t.Context(), again, abroad); err == nil || !strings.Contains(err.Error(), "DNS name (shop-x.eu-west-1.localhost:2327) is not available.") {
		t.Errorf("a prefix twice in one region: %v", err)
	}
}

func TestTenThousandEnvironments(t *testing.T) {
	const many = 10_000
	c := start(t, t.TempDir())
	must(t, c.service.within(wireCall(), c.service.db.Update, func(st *state) error {
		for i := range many {
			e := in(ready, "")
			e.ID, e.Name, e.Prefix = fmt.Sprintf("e-%010d", i), fmt.Sprintf("env-%d", i), fmt.Sprintf("env-%d", i)
			e.Updated = time.Now()
			st.save(e)
		}
		return nil
	}))
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/", strings.NewReader("Action=DescribeEnvironments&Version=2010-12-01"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	began := time.Now()
	c.service.Handler().ServeHTTP(w, wire.WithCall(r, wireCall()))
	t.Logf("%d environments in one piece: %s", many, time.Since(began))
	if got := strings.Count(w.Body.String(), "<EnvironmentId>"); got != many {
		t.Errorf("got %d in one piece", got)
	}
	began = time.Now()
	seen, count, token := map[string]bool{}, 0, (*string)(nil)
	for {
		out, err := c.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{MaxRecords: aws.Int32(1000), NextToken: token})
		must(t, err)
		for _, e := range out.Environments {
			seen[*e.EnvironmentId] = true
		}
		count += len(out.Environments)
		if token = out.NextToken; token == nil {
			break
		}
	}
	t.Logf("%d environments in pages of 1,000: %s", many, time.Since(began))
	if len(seen) != many || count != many {
		t.Errorf("got %d in pages, %d of them twice", count, count-len(seen))
	}
}

func TestHealthReturnsOnlyTheRequestedAttributes(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	id := c.launch(launchInput("enhanced", setting(nsHealth, "SystemType", "enhanced"), setting(nsEnvironment, "ServiceRole", ServiceRole))).EnvironmentId
	out, err := c.DescribeEnvironmentHealth(t.Context(), &eb.DescribeEnvironmentHealthInput{EnvironmentId: id, AttributeNames: []types.EnvironmentHealthAttribute{"Color"}})
	must(t, err)
	if *out.Color != "Green" || out.EnvironmentName == nil || out.HealthStatus != nil || out.Status != "" || out.InstancesHealth != nil || out.Causes != nil {
		t.Errorf("health %+v, want the name and the colour", out)
	}
	instances, err := c.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentId: id})
	must(t, err)
	if i := instances.InstanceHealthList[0]; i.InstanceId == nil || i.Color != nil || i.Deployment != nil {
		t.Errorf("instance %+v, want its id alone", i)
	}
	for _, text := range c.told(&eb.DescribeEventsInput{EnvironmentId: id}) {
		if strings.Contains(text, "to Pending") {
			t.Errorf("a launch began with %q", text)
		}
	}
}
