package ec2

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
	"beansprout/localcloud/wire/wiretest"
	"beansprout/test/must"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// cloud is a service with a fleet in a directory.
type cloud struct {
	*Service
	fleet *instance.Fleet
}

// start opens a service that is closed when the test ends.
func start(t *testing.T) *cloud {
	t.Helper()
	dir, runner := t.TempDir(), instance.NewPretended(time.Now)
	fleet, err := instance.Open(t.Context(), instance.Config{File: filepath.Join(dir, "instances.db"), Runner: runner, Now: time.Now})
	must.Succeed(t, err)
	s, err := Open(Config{File: filepath.Join(dir, "ec2.db"), Fleet: fleet, Now: time.Now})
	must.Succeed(t, err)
	t.Cleanup(func() { must.Succeed(t, errors.Join(s.Close(), fleet.Close(), runner.Close())) })
	return &cloud{s, fleet}
}

// call sends NAME=VALUE parameters and returns the answer, or EC2's code and message.
func (c *cloud) call(t *testing.T, action string, parameters ...string) string {
	t.Helper()
	return wiretest.Call(t, c.Handler(), wire.Call{ID: "1", Region: region, Account: account, Now: time.Now()}, "2016-11-15", action, parameters...)
}

// launch launches an instance with tags, which are pairs of keys and values.
func (c *cloud) launch(t *testing.T, id string, tags ...string) {
	t.Helper()
	of := map[string]string{}
	for i := 0; i < len(tags); i += 2 {
		of[tags[i]] = tags[i+1]
	}
	n := instance.NetworkOf(region, account)
	must.Succeed(t, c.fleet.Launch(instance.Instance{ID: id, Region: region, Account: account, Zone: n.Subnets[1].Zone, Subnet: n.Subnets[1].ID, VPC: n.VPC, Type: "t3.small", Tags: of}))
	must.Wait(t, id+" runs", func() bool { i, _ := c.fleet.Get(id); return i.State == instance.Running })
}

// idsIn returns the ids of the instances in an answer, joined.
func idsIn(answer string) string {
	var ids []string
	for _, m := range regexp.MustCompile(`<instanceId>(i-[0-9a-f]+)</instanceId>`).FindAllStringSubmatch(answer, -1) {
		ids = append(ids, m[1])
	}
	return strings.Join(ids, " ")
}

func TestInstancesAreFiltered(t *testing.T) {
	c := start(t)
	c.launch(t, "i-1", "name", "shop/web", "only", "")
	c.launch(t, "i-2", "name", "shop/api")
	c.launch(t, "i-3")
	for filters, want := range map[string]string{
		"":                        "i-1 i-2 i-3",
		"tag:name=shop/web":       "i-1",
		"tag:name=shop/*":         "i-1 i-2",
		"tag:name=shop?w*":        "i-1",
		"tag:name=SHOP/web":       "",
		"tag:only=":               "i-1",
		"tag:name=[s]hop/web":     "",
		"tag-key=name":            "i-1 i-2",
		"instance-state-name=run": "",
		"availability-zone=eu-west-1b,instance-state-name=running,instance-type=t3.*": "i-1 i-2 i-3",
		"availability-zone=eu-west-1a": "",
		"instance-id=i-3":              "i-3",
		"dance=x":                      "InvalidParameterValue: The filter 'dance' is invalid",
	} {
		var parameters []string
		for i, f := range strings.FieldsFunc(filters, func(r rune) bool { return r == ',' }) {
			name, value, _ := strings.Cut(f, "=")
			parameters = append(parameters, fmt.Sprintf("Filter.%d.Name=%s", i+1, name), fmt.Sprintf("Filter.%d.Value.1=%s", i+1, value))
		}
		got := c.call(t, "DescribeInstances", parameters...)
		if strings.HasPrefix(got, "<") {
			got = idsIn(got)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", filters, got, want)
		}
	}
}

func TestInstancesComeInPages(t *testing.T) {
	c := start(t)
	for n := range 7 {
		c.launch(t, fmt.Sprintf("i-%d", n))
	}
	first := c.call(t, "DescribeInstances", "MaxResults=5")
	if got, want := idsIn(first), "i-0 i-1 i-2 i-3 i-4"; got != want || !strings.Contains(first, "<nextToken>i-4</nextToken>") {
		t.Errorf("first page: %s", first)
	}
	rest := c.call(t, "DescribeInstances", "MaxResults=5", "NextToken=i-4")
	if got, want := idsIn(rest), "i-5 i-6"; got != want || strings.Contains(rest, "nextToken") {
		t.Errorf("second page: %s", rest)
	}
}

func TestTerminatingIsAllOrNothing(t *testing.T) {
	c := start(t)
	c.launch(t, "i-1")
	c.launch(t, "i-2")
	if got, want := c.call(t, "TerminateInstances", "InstanceId.1=i-1", "InstanceId.2=i-abc"), "InvalidInstanceID.NotFound: The instance ID 'i-abc' does not exist"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if i, _ := c.fleet.Get("i-1"); i.State != instance.Running {
		t.Errorf("i-1 is %s", i.State)
	}
	for range 2 { // the second one finds it so
		if got := c.call(t, "TerminateInstances", "InstanceId.1=i-1"); idsIn(got) != "i-1" {
			t.Errorf("got %s", got)
		}
	}
	must.Wait(t, "i-1 is terminated", func() bool { i, _ := c.fleet.Get("i-1"); return i.State == instance.Terminated })
	got := c.call(t, "DescribeInstances", "InstanceId.1=i-1")
	if !strings.Contains(got, "<code>Client.UserInitiatedShutdown</code>") || strings.Contains(got, "privateIpAddress") {
		t.Errorf("got %s", got)
	}
}

func TestRefusals(t *testing.T) {
	c := start(t)
	c.launch(t, "i-1")
	const data = "LaunchTemplateData.ImageId=ami-12345678"
	c.call(t, "CreateLaunchTemplate", "LaunchTemplateName=web", data, "ClientToken=once")
	long := base64.StdEncoding.EncodeToString(make([]byte, mostUserData+1))
	for _, tt := range []struct{ action, parameters, want string }{
		{"CreateLaunchTemplate", "LaunchTemplateName=web " + data, "InvalidLaunchTemplateName.AlreadyExistsException: Launch template name already in use."},
		{"CreateLaunchTemplate", "LaunchTemplateName=api ClientToken=once " + data, "IdempotentParameterMismatch: Client token already used before."},
		{"CreateLaunchTemplate", "LaunchTemplateName=api LaunchTemplateData.UserData=#!/bin/sh", "InvalidUserData.Malformed: Invalid BASE64 encoding of user data."},
		{"CreateLaunchTemplate", "LaunchTemplateName=api LaunchTemplateData.UserData=" + long, "InvalidParameterValue: User data is limited to 16384 bytes"},
		{"CreateLaunchTemplate", "LaunchTemplateName=api LaunchTemplateData.SecurityGroupId.1=sg-1", "InvalidGroup.NotFound: The security group 'sg-1' does not exist"},
		{"CreateLaunchTemplate", "LaunchTemplateName=api " + data + " LaunchTemplateData.EbsOptimized=true",
			"UnknownParameter: The parameter LaunchTemplateData.EbsOptimized is not recognized: Member must be one that the local cloud honours"},
		{"CreateLaunchTemplate", "LaunchTemplateName=api", "MissingParameter: The request must contain the parameter LaunchTemplateData"},
		{"CreateLaunchTemplate", "LaunchTemplateName=api " + data + " TagSpecification.1.ResourceType=instance TagSpecification.1.Tag.1.Key=k",
			"InvalidParameterValue: 'instance' is not a valid taggable resource type for this operation."},
		{"DescribeLaunchTemplates", "LaunchTemplateId.1=lt-1", "InvalidLaunchTemplateId.NotFound: The specified launch template, with template ID lt-1, does not exist."},
		{"DescribeVpcs", "VpcId.1=vpc-1", "InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist"},
		{"DescribeSubnets", "SubnetId.1=subnet-1", "InvalidSubnetID.NotFound: The subnet ID 'subnet-1' does not exist"},
		{"DescribeInstances", "InstanceId.1=i-a InstanceId.2=i-b", "InvalidInstanceID.NotFound: The instance IDs 'i-a, i-b' do not exist"},
		{"DescribeInstances", "InstanceId.1=x", `InvalidInstanceID.Malformed: Invalid id: "x"`},
		{"DescribeInstances", "InstanceId.1=i-1 MaxResults=5", "InvalidParameterCombination: The parameter instancesSet cannot be used with the parameter maxResults"},
		{"DescribeInstances", "NextToken=x", "InvalidNextToken: The token 'x' is invalid"},
		{"GetConsoleOutput", "InstanceId=i-a", "InvalidInstanceID.NotFound: The instance ID 'i-a' does not exist"},
		{"CreateTags", "ResourceId.1=i-1 Tag.1.Key=aws:x", "InvalidParameterValue: Tag keys starting with 'aws:' are reserved for internal use"},
		{"CreateTags", "ResourceId.1=i-1 Tag.1.Key=k Tag.2.Key=k", "InvalidParameterValue: Duplicate tag key 'k' specified."},
		{"CreateTags", "ResourceId.1=i-1 ResourceId.2=i-a Tag.1.Key=k", "InvalidInstanceID.NotFound: The instance ID 'i-a' does not exist"},
		{"CreateTags", "ResourceId.1=nonsense Tag.1.Key=k", "InvalidID: The ID 'nonsense' is not valid"},
		{"RunInstances", "MinCount=1 MaxCount=1", "InvalidAction: Could not find operation RunInstances for version 2016-11-15"},
	} {
		if got := c.call(t, tt.action, strings.Fields(tt.parameters)...); got != tt.want {
			t.Errorf("%s %.200s:\ngot  %s\nwant %s", tt.action, tt.parameters, got, tt.want)
		}
	}
	if i, _ := c.fleet.Get("i-1"); len(i.Tags) != 0 {
		t.Errorf("refused tags are there: %v", i.Tags)
	}
}

func TestAResourceHasFiftyTags(t *testing.T) {
	c := start(t)
	c.launch(t, "i-1", "have", "1")
	vpc := instance.NetworkOf(region, account).VPC
	for _, tt := range []struct {
		id   string
		n    int
		want bool
	}{{"i-1", 50, false}, {"i-1", 49, true}, {vpc, 51, false}, {vpc, 50, true}} {
		parameters := []string{"ResourceId.1=" + tt.id}
		for n := range tt.n {
			parameters = append(parameters, fmt.Sprintf("Tag.%d.Key=k%d", n+1, n))
		}
		got := c.call(t, "CreateTags", parameters...)
		if ok := strings.Contains(got, "<return>true</return>"); ok != tt.want {
			t.Errorf("%d tags on %s: %s", tt.n, tt.id, got)
		}
	}
}

func TestATokenMakesATemplateOnce(t *testing.T) {
	c := start(t)
	first := c.call(t, "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-12345678", "ClientToken=once")
	again := c.call(t, "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-12345678", "ClientToken=once")
	if first != again || !strings.Contains(first, "<launchTemplateId>lt-") {
		t.Errorf("%s\n%s", first, again)
	}
}

func TestAnInstanceIsLaunchedAsItsTemplateSays(t *testing.T) {
	c := start(t)
	c.call(t, "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-12345678", "LaunchTemplateData.UserData=aGVsbG8=",
		"LaunchTemplateData.IamInstanceProfile.Name=web", "LaunchTemplateData.MetadataOptions.InstanceMetadataTags=enabled", "LaunchTemplateData.MetadataOptions.HttpTokens=required",
		"LaunchTemplateData.TagSpecification.1.ResourceType=instance", "LaunchTemplateData.TagSpecification.1.Tag.1.Key=k", "LaunchTemplateData.TagSpecification.1.Tag.1.Value=v",
		"LaunchTemplateData.TagSpecification.2.ResourceType=volume", "LaunchTemplateData.TagSpecification.2.Tag.1.Key=other")
	for _, version := range []string{"", "1", "$Latest", "$Default"} {
		i, err := c.Launched(region, account, "", "web", version)
		must.Succeed(t, err)
		if i.Image != "ami-12345678" || i.UserData != "hello" || i.Type != "m1.small" || !i.MetadataTags || !i.MetadataTokens || i.Tags["k"] != "v" || len(i.Tags) != 1 ||
			i.Profile != "arn:aws:iam::123456789012:instance-profile/web" || i.Template.Version != 1 {
			t.Errorf("version %q: %+v", version, i)
		}
	}
	for _, tt := range []struct{ id, name, version, want string }{
		{"", "none", "", "InvalidLaunchTemplateName.NotFoundException: The specified launch template, with template name none, does not exist."},
		{"lt-1", "", "", "InvalidLaunchTemplateId.NotFound: The specified launch template, with template ID lt-1, does not exist."},
	} {
		if _, err := c.Launched(region, account, tt.id, tt.name, tt.version); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	if _, err := c.Launched(region, account, "", "web", "2"); err == nil || !strings.Contains(err.Error(), "Could not find the specified version 2") {
		t.Errorf("version 2: %v", err)
	}
}
