package iam

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/wire"
	"beansprout/localcloud/wire/wiretest"
)

const account = "123456789012"

// start opens a service that is closed when the test ends.
func start(t *testing.T, c Config) *Service {
	t.Helper()
	if c.File == "" {
		c.File = filepath.Join(t.TempDir(), "iam.db")
	}
	c.Account, c.Now = account, time.Now
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// call sends NAME=VALUE parameters and returns the answer, or AWS's code and message.
func call(t *testing.T, s *Service, action string, parameters ...string) string {
	t.Helper()
	return wiretest.Call(t, s.Handler(), wire.Call{ID: "1", Region: "us-east-1", Account: account, Now: time.Now()}, "2010-05-08", action, parameters...)
}

func TestRolesComeInPages(t *testing.T) {
	s := start(t, Config{})
	for _, tt := range []struct{ marker, want, more string }{
		{"MaxItems=1", "<RoleName>aws-elasticbeanstalk-ec2-role", "<IsTruncated>true</IsTruncated><Marker>aws-elasticbeanstalk-ec2-role</Marker>"},
		{"Marker=aws-elasticbeanstalk-ec2-role", "<RoleName>aws-elasticbeanstalk-service-role", "<IsTruncated>false</IsTruncated>"},
		{"Marker=nonsense", "ValidationError: Invalid Marker.", ""},
		{"PathPrefix=/other/", "<Roles></Roles>", ""},
	} {
		got := call(t, s, "ListRoles", tt.marker)
		if strings.Count(got, "<RoleName>") > 1 || !strings.Contains(got, tt.want) || !strings.Contains(got, tt.more) {
			t.Errorf("%s: %s", tt.marker, got)
		}
	}
}

// TestABareAccountGetsItsRoles makes all that an environment needs, as an administrator does, and
// finds it again after a restart.
func TestABareAccountGetsItsRoles(t *testing.T) {
	c := Config{File: filepath.Join(t.TempDir(), "iam.db"), Bare: true}
	s := start(t, c)
	const arn = "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"
	steps := []struct {
		action string
		given  []string
		want   string
	}{
		{"GetRole", []string{"RoleName=web"}, "NoSuchEntity: The role with name web cannot be found."},
		{"GetInstanceProfile", []string{"InstanceProfileName=web"}, "NoSuchEntity: Instance Profile web cannot be found."},
		{"CreateRole", []string{"RoleName=web", "AssumeRolePolicyDocument=" + trust("ec2"), "Tags.member.1.Key=a", "Tags.member.1.Value=b"}, "<Arn>arn:aws:iam::123456789012:role/web</Arn>"},
		{"CreateRole", []string{"RoleName=web", "AssumeRolePolicyDocument=" + trust("ec2")}, "EntityAlreadyExists: Role with name web already exists."},
		{"AttachRolePolicy", []string{"RoleName=web", "PolicyArn=" + arn}, "<RequestId>1</RequestId>"},
		{"AttachRolePolicy", []string{"RoleName=web", "PolicyArn=" + arn}, "<RequestId>1</RequestId>"}, // once is enough
		{"AttachRolePolicy", []string{"RoleName=web", "PolicyArn=" + arn + "s"}, "NoSuchEntity: Policy " + arn + "s does not exist or is not attachable."},
		{"AttachRolePolicy", []string{"RoleName=web", "PolicyArn=AWSElasticBeanstalkWebTier"}, "InvalidInput: ARN AWSElasticBeanstalkWebTier is not valid."},
		{"PutRolePolicy", []string{"RoleName=web", "PolicyName=more", `PolicyDocument={"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`}, "<RequestId>1</RequestId>"},
		{"CreateInstanceProfile", []string{"InstanceProfileName=web", "Path=/team/"}, "<Arn>arn:aws:iam::123456789012:instance-profile/team/web</Arn>"},
		{"CreateInstanceProfile", []string{"InstanceProfileName=web"}, "EntityAlreadyExists: Instance Profile web already exists."},
		{"AddRoleToInstanceProfile", []string{"InstanceProfileName=web", "RoleName=none"}, "NoSuchEntity: The role with name none cannot be found."},
		{"AddRoleToInstanceProfile", []string{"InstanceProfileName=web", "RoleName=web"}, "<RequestId>1</RequestId>"},
		{"AddRoleToInstanceProfile", []string{"InstanceProfileName=web", "RoleName=web"}, "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"},
		{"UpdateAssumeRolePolicy", []string{"RoleName=web", "PolicyDocument=" + trust("elasticbeanstalk")}, "<RequestId>1</RequestId>"},
	}
	for _, step := range steps {
		if got := call(t, s, step.action, step.given...); !strings.Contains(got, step.want) {
			t.Errorf("%s %q: %s, want %q", step.action, step.given, got, step.want)
		}
	}
	if s.HasRole(ServiceRole) || !s.HasRole("web") || !s.HasProfile("web") || s.HasProfile("none") {
		t.Error("other roles exist than were made")
	}
	_ = s.Close()
	s = start(t, Config{File: c.File}) // not Bare any more, and not furnished either
	for _, look := range []struct{ action, given, want string }{
		{"GetInstanceProfile", "InstanceProfileName=web", "<Roles><member><Path>/</Path><RoleName>web</RoleName>"},
		{"GetRole", "RoleName=web", "<AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22"},
		{"GetRole", "RoleName=web", "elasticbeanstalk.amazonaws.com"},
		{"GetRole", "RoleName=web", "<Tags><member><Key>a</Key><Value>b</Value></member></Tags>"},
		{"ListAttachedRolePolicies", "RoleName=web", "<AttachedPolicies><member><PolicyName>AWSElasticBeanstalkWebTier</PolicyName><PolicyArn>" + arn + "</PolicyArn></member></AttachedPolicies>"},
		{"ListRolePolicies", "RoleName=web", "<PolicyNames><member>more</member></PolicyNames>"},
		{"ListInstanceProfiles", "PathPrefix=/team/", "<InstanceProfileName>web</InstanceProfileName>"},
		{"GetRole", "RoleName=" + ServiceRole, "NoSuchEntity"},
	} {
		if got := call(t, s, look.action, look.given); !strings.Contains(got, look.want) {
			t.Errorf("%s %s: %s, want %q", look.action, look.given, got, look.want)
		}
	}
	got := call(t, s, "GetRolePolicy", "RoleName=web", "PolicyName=more")
	if !strings.Contains(got, "<PolicyDocument>%7B%22Statement%22%3A%20%7B") { // a space is %20, not +
		t.Errorf("the policy: %s", got)
	}
	if got := call(t, s, "GetRolePolicy", "RoleName=web", "PolicyName=x"); got != "NoSuchEntity: The role policy with name x cannot be found." {
		t.Error(got)
	}
}

func TestAWSsPoliciesAreThere(t *testing.T) {
	s := start(t, Config{})
	for _, m := range managedPolicies() {
		arn := "PolicyArn=arn:aws:iam::aws:policy" + m.Path + m.PolicyName
		if got := call(t, s, "GetPolicy", arn); !strings.Contains(got, "<DefaultVersionId>"+m.DefaultVersionId) {
			t.Errorf("%s: %s", arn, got)
		}
		if got := call(t, s, "GetPolicyVersion", arn, "VersionId="+m.DefaultVersionId); !strings.Contains(got, "<Document>%7B") {
			t.Errorf("%s: %s", arn, got)
		}
		if got := call(t, s, "GetPolicyVersion", arn, "VersionId=v999"); !strings.Contains(got, "NoSuchEntity") {
			t.Errorf("%s v999: %s", arn, got)
		}
		if err := checkIdentity(string(m.Document)); err != nil {
			t.Errorf("%s: %v", m.PolicyName, err)
		}
	}
	if got := call(t, s, "GetPolicy", "PolicyArn=arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"); !strings.Contains(got, "<AttachmentCount>1<") {
		t.Errorf("attached to one role: %s", got)
	}
	if got := call(t, s, "GetPolicy", "PolicyArn=arn:aws:iam::aws:policy/None"); !strings.Contains(got, "NoSuchEntity: Policy arn:aws:iam::aws:policy/None was not found.") {
		t.Error(got)
	}
}

func TestLimits(t *testing.T) {
	s := start(t, Config{})
	long := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::` + strings.Repeat("x", 10200) + `"]}}`
	role := "RoleName=" + ServiceRole
	if got := call(t, s, "PutRolePolicy", role, "PolicyName=long", "PolicyDocument="+long); got != "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role "+ServiceRole {
		t.Error(got)
	}
	if got := call(t, s, "ListRolePolicies", role); !strings.Contains(got, "<PolicyNames></PolicyNames>") {
		t.Errorf("after the refusal: %s", got)
	}
	wide := strings.Replace(trust("ec2"), "}]", `,"Sid":"`+strings.Repeat("x", 2000)+`"}]`, 1)
	if got := call(t, s, "UpdateAssumeRolePolicy", role, "PolicyDocument="+wide); got != "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048" {
		t.Error(got)
	}
	if got := call(t, s, "CreateRole", "RoleName=tagged", "AssumeRolePolicyDocument="+trust("ec2"),
		"Tags.member.1.Key=a", "Tags.member.1.Value=b", "Tags.member.2.Key=A", "Tags.member.2.Value=b"); !strings.HasPrefix(got, "InvalidInput: Duplicate tag keys") {
		t.Error(got)
	}
}
