package doctor

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/localcloud/beanstalk"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

func TestNothingIsWrongWhereNothingIsMissing(t *testing.T) {
	w := newWorld(t)
	w.open()
	for _, f := range w.examine() {
		if f.State != OK || f.Fix != "" || f.Text == "" {
			t.Errorf("%+v", f)
		}
	}
}

// breakage is one thing that is broken, and the line that it makes red.
type breakage struct {
	name      string
	check     string
	says      string // in the text
	fix       string // in what to do
	before    func(*world)
	after     func(*world) // when the cloud is open
	also      string       // is red, too, for the same reason; "" usually
	unchecked []string     // what can't be checked then
	mends     bool         // the fix is commands that mend it
}

func at(yaml string) func(*world) { return func(w *world) { w.yaml += yaml } }

// signedIn are the checks that need credentials.
var signedIn = []string{
	rightsCheck, operationsCheck, applicationCheck, platformCheck, profileCheck, roleCheck, nameCheck, repositoryCheck, bucketCheck,
	environmentsCheck, versionsCheck, addressesCheck, urlCheck,
}

func breakages() []breakage {
	return slices.Concat(machineBreakages(), accountBreakages(), roleBreakages(), deployBreakages(), slackBreakages())
}

func machineBreakages() []breakage {
	onAWS := append([]string{localCheck, credentialsCheck, clockCheck}, signedIn...)
	return []breakage{
		{name: "no engine", check: engineCheck, says: "no Docker Engine answers", fix: "start Docker", unchecked: onAWS,
			before: func(w *world) { w.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock") }},
		{name: "an engine without BuildKit", check: engineCheck, says: "API", fix: "update the Docker Engine", unchecked: onAWS,
			before: func(w *world) {
				host, stop, err := fakeEngine("1.30")
				must.Succeed(w, err)
				w.Cleanup(stop)
				w.Setenv("DOCKER_HOST", host)
			}},
		{name: "no branch", check: gitCheck, says: "on no branch", fix: "--feature NAME", unchecked: []string{nameCheck, urlCheck},
			before: func(w *world) { w.git("checkout", "--quiet", "--detach") }},
		{name: "no Dockerfile", check: filesCheck, says: "Dockerfile", fix: "beansprout.yaml",
			before: func(w *world) { must.Succeed(w, os.Remove(filepath.Join(w.dir, "Dockerfile"))) }},
		{name: "a broken template", check: filesCheck, says: "Dockerrun.template.json",
			before: func(w *world) { must.Write(w, filepath.Join(w.dir, "Dockerrun.template.json"), "{") }},
	}
}

func accountBreakages() []breakage {
	return []breakage{
		{name: "no region", check: localCheck, says: "no AWS region", fix: "--region", unchecked: append([]string{credentialsCheck, clockCheck}, signedIn...),
			before: func(w *world) { w.connect = awsconfig.ErrNoRegion }},
		{name: "credentials that AWS does not know", check: credentialsCheck, says: "ask AWS who we are", fix: "aws sts get-caller-identity", unchecked: signedIn,
			after: func(w *world) {
				w.aws.Credentials = credentials.NewStaticCredentialsProvider("AKIAUNKNOWN", "x", "")
			}},
		{name: "a clock that is wrong", check: clockCheck, says: "behind AWS's", fix: "beansprout local stop",
			before: func(w *world) { w.config.Offset = 2 * time.Minute }},
		{name: "a right is missing", check: rightsCheck, says: ": ecr:PutImage", fix: "aws iam attach-user-policy --user-name local",
			before: func(w *world) { w.config.Denied = []string{"ecr:PutImage"} }},
		{name: "Beanstalk itself lacks a right", check: operationsCheck, says: "local lacks 1 of", fix: "attach-user-policy",
			before: func(w *world) { w.config.Denied = []string{"cloudformation:CreateStack"} }},
		{name: "an operations role without rights", check: operationsCheck, says: "operations lacks ", mends: true,
			fix: "attach-role-policy --role-name operations --policy-arn arn:aws:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk",
			after: func(w *world) {
				w.call("iam", "CreateRole", "RoleName", "operations", "AssumeRolePolicyDocument", trust("elasticbeanstalk.amazonaws.com"))
				w.yaml += "environment: {operations_role: 'arn:aws:iam::" + w.account() + ":role/operations'}\n"
			}},
		{name: "a role may not be passed", check: rightsCheck, says: "iam:PassRole of aws-elasticbeanstalk-ec2-role", fix: "beansprout iam-policy deployer", also: operationsCheck,
			before: func(w *world) { w.config.Denied = []string{"iam:PassRole"} }},
	}
}

func roleBreakages() []breakage {
	const trusted = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com"]},"Action":["sts:AssumeRole"]}}`
	return []breakage{
		{name: "no instance profile", check: profileCheck, says: "instances does not exist", fix: "aws iam create-role", mends: true,
			before: at("environment: {instance_profile: instances}\n")},
		{name: "an instance profile without a role", check: profileCheck, says: "instances has no role", fix: "add-role-to-instance-profile", mends: true,
			before: at("environment: {instance_profile: instances}\n"),
			after: func(w *world) {
				w.makeProfile("instances", "AWSElasticBeanstalkWebTier", "AmazonEC2ContainerRegistryPullOnly", "AWSElasticBeanstalkMulticontainerDocker")
			}},
		{name: "a profile that may not pull", check: profileCheck, says: "does not allow to pull images", fix: "attach-role-policy", mends: true,
			before: at("environment: {instance_profile: instances}\n"),
			after: func(w *world) {
				w.makeProfile("instances", "AWSElasticBeanstalkWebTier", "AWSElasticBeanstalkMulticontainerDocker")
				w.call("iam", "AddRoleToInstanceProfile", "InstanceProfileName", "instances", "RoleName", "instances")
			}},
		{name: "no service role", check: roleCheck, says: "service does not exist", fix: "aws iam create-role", mends: true,
			before: at("environment: {service_role: service}\n")},
		{name: "a service role that trusts another service", check: roleCheck, says: "does not trust elasticbeanstalk.amazonaws.com", fix: "update-assume-role-policy", mends: true,
			after: func(w *world) {
				w.call("iam", "UpdateAssumeRolePolicy", "RoleName", "aws-elasticbeanstalk-service-role", "PolicyDocument", trusted)
			}},
		{name: "a service role without rights", check: roleCheck, says: "watch the health, nor to update the platform", fix: "AWSElasticBeanstalkEnhancedHealth",
			before: at("environment: {service_role: service}\n"),
			after: func(w *world) {
				w.call("iam", "CreateRole", "RoleName", "service", "AssumeRolePolicyDocument", trust("elasticbeanstalk.amazonaws.com"))
			}},
	}
}

func deployBreakages() []breakage {
	used := func(n int) func(*world) { // versions
		return func(w *world) {
			for i := range n {
				w.call("elasticbeanstalk", "CreateApplicationVersion", "ApplicationName", "shop", "VersionLabel", string(rune('a'+i)))
			}
		}
	}
	return []breakage{
		{name: "an application that AWS does not tell of", check: applicationCheck, says: "is not authorized", fix: "elasticbeanstalk:DescribeApplications",
			before: func(w *world) { w.refusing("elasticbeanstalk", "DescribeApplications", "ApplicationNames.member.1") }},
		{name: "a platform that does not exist", check: platformCheck, says: "beansprout.yaml:5", before: at("environment: {platform: ECS running on Windows}\n")},
		{name: "a platform that runs no images", check: platformCheck, says: "Corretto", fix: "use a branch such as ECS",
			before: at("environment: {platform: Corretto 21 running on 64bit Amazon Linux 2023}\n")},
		{name: "a saved configuration that does not exist", check: savedCheck, says: "nonsense", unchecked: []string{profileCheck, roleCheck},
			before: at("environment: {saved_configuration: nonsense}\n")},
		{name: "nothing to copy from", check: copyCheck, says: "nonsense", unchecked: []string{profileCheck, roleCheck},
			before: at("environment: {copy_from: nonsense}\n")},
		{name: "an address that is taken", check: nameCheck, says: "is taken", fix: "--feature", unchecked: []string{urlCheck},
			before: func(w *world) { w.replacing("CheckDNSAvailability", "true", "false") }},
		{name: "an environment of the name that is not ours", check: nameCheck, says: "not ours", fix: "--feature", unchecked: []string{urlCheck},
			after: func(w *world) { w.launch(w.environment()) }},
		{name: "a repository that AWS does not tell of", check: repositoryCheck, says: "not authorized", fix: "ecr:DescribeRepositories",
			before: func(w *world) { w.refusing("ecr", "DescribeRepositories", "") }},
		{name: "a bucket that does not exist", check: bucketCheck, says: "records-of-shop does not exist", fix: "aws s3api create-bucket", mends: true,
			before: at("ledger: {bucket: records-of-shop}\n")},
		{name: "no environment is left", check: environmentsCheck, says: "0 of 1 are left", fix: "aws service-quotas request-service-quota-increase",
			before: func(w *world) { w.config.Quotas = beanstalk.Quotas{Environments: 1, Addresses: 5} },
			after:  func(w *world) { w.launch("other") }},
		{name: "no version is left", check: versionsCheck, says: "0 of 2 are left", fix: "L-D64F1F14",
			before: func(w *world) { w.config.Quotas = beanstalk.Quotas{Versions: 2} }, after: used(2)},
		{name: "no elastic IP is left", check: addressesCheck, says: "0 of 1 are left", fix: "L-0263D0A3",
			before: func(w *world) { w.config.Quotas = beanstalk.Quotas{Addresses: 1} },
			after:  func(w *world) { w.launch("other") }},
		{name: "a URL that this machine does not reach", check: urlCheck, says: "nothing answers at http://", fix: "environment.check: off",
			before: func(w *world) { w.replacing("CheckDNSAvailability", ".localhost:", ".localhost:1") }},
	}
}

func slackBreakages() []breakage {
	rest := []string{scopesCheck, channelCheck}
	return []breakage{
		{name: "a token that Slack does not know", check: tokenCheck, says: "invalid_auth", fix: "SLACK_BOT_TOKEN", unchecked: rest, before: func(w *world) { w.token = "xoxb-secret-unknown" }},
		{name: "a Slack that does not answer", check: tokenCheck, says: "503", unchecked: rest,
			before: func(w *world) { w.slack.On("auth.test", notifytest.Body(http.StatusServiceUnavailable, "")) }},
		{name: "a scope is missing", check: scopesCheck, says: "users:read.email", fix: "install the app again",
			before: func(w *world) { w.slack.SetScopes("chat:write", "users:read") }},
		{name: "the bot is not in the channel", check: channelCheck, says: "not in the channel", fix: "/invite", before: func(w *world) { w.slack.RemoveBot("#qa") }},
		{name: "an archived channel", check: channelCheck, says: "is_archived", fix: "slack.channel",
			before: func(w *world) { w.slack.On("chat.postEphemeral", notifytest.Refuse("is_archived")) }},
		{name: "the bot's token as the app's", check: appCheck, says: "not_allowed_token_type", fix: "SLACK_APP_TOKEN", before: func(w *world) { w.app = notifytest.Token }},
	}
}

func TestEachBreakageMakesItsLineRedAndNoOther(t *testing.T) {
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			if b.before != nil {
				b.before(w)
			}
			w.open()
			if b.after != nil {
				b.after(w)
			}
			findings := w.examine()
			broken := b.judge(t, findings)
			if !b.mends {
				return
			}
			w.mend(broken.Fix)
			for _, f := range w.examine() {
				if f.State != OK {
					t.Errorf("after its fix: %+v", f)
				}
			}
		})
	}
}

// What the examination alone asks AWS for may be denied. Then something is not known, and never called right.
func TestWhatIsNotKnownIsAWarning(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*world)
		checks []string
		says   string
	}{
		{"no simulator", denied("iam:SimulatePrincipalPolicy"), []string{rightsCheck, operationsCheck}, "iam:SimulatePrincipalPolicy"},
		{"no instance profiles", denied("iam:GetInstanceProfile"), []string{profileCheck}, "iam:GetInstanceProfile"},
		{"no roles", denied("iam:GetRole"), []string{roleCheck}, "iam:GetRole"},
		{"no policies of roles and no simulator", denied("iam:ListAttachedRolePolicies", "iam:SimulatePrincipalPolicy"), []string{rightsCheck, operationsCheck, profileCheck, roleCheck}, "iam:"},
		{"no policies of roles", denied("iam:ListAttachedRolePolicies"), nil, ""},
		{"no quotas of Beanstalk", denied("elasticbeanstalk:DescribeAccountAttributes"), []string{environmentsCheck, versionsCheck}, "elasticbeanstalk:DescribeAccountAttributes"},
		{"no quotas of EC2", denied("servicequotas:GetServiceQuota"), []string{addressesCheck}, "servicequotas:GetServiceQuota"},
		{"no addresses", denied("ec2:DescribeAddresses"), []string{addressesCheck}, "ec2:DescribeAddresses"},
		{"no application yet", func(w *world) { w.unknown = true }, []string{applicationCheck}, "up creates it"},
		{"no lifecycle policy that can be read", func(w *world) {
			w.repository = rulesOfOthers(1)
			w.refusing("ecr", "GetLifecyclePolicy", "")
		}, []string{repositoryCheck}, "ecr:GetLifecyclePolicy"},
		{"a lifecycle policy that is not understood", func(w *world) {
			w.repository = rulesOfOthers(1)
			w.replacing("GetLifecyclePolicy", `"lifecyclePolicyText":"{`, `"lifecyclePolicyText":"[`)
		}, []string{repositoryCheck}, "not understood"},
		{"a lifecycle policy without room", func(w *world) { w.repository = rulesOfOthers(50) }, []string{repositoryCheck}, "no room"},
		{"no token of Slack", func(w *world) { w.token = "" }, []string{slackCheck}, "SLACK_BOT_TOKEN"},
		{"a Dockerfile that a command makes", func(w *world) {
			must.Succeed(w, os.Remove(filepath.Join(w.dir, "Dockerfile")))
			w.yaml = strings.Replace(w.yaml, "context: .", "context: ., prepare: make", 1)
		}, []string{filesCheck}, "prepare"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.before(w)
			w.open()
			w.makeRepository("shop", w.region)
			for _, f := range w.examine() {
				want := OK
				if slices.Contains(tt.checks, f.Check) {
					want = Warning
				}
				if f.State != want || want == Warning && !strings.Contains(f.Text+f.Fix, tt.says) {
					t.Errorf("want %s with %q: %+v", want, tt.says, f)
				}
			}
		})
	}
}

func denied(actions ...string) func(*world) {
	return func(w *world) { w.config.Denied = actions }
}

// rulesOfOthers is a lifecycle policy of others.
func rulesOfOthers(n int) string {
	var rules []string
	for i := range n {
		rules = append(rules, fmt.Sprintf(`{"rulePriority": %d, "selection": {"tagStatus": "tagged", "tagPrefixList": ["x%[1]d"], "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}`, i+1))
	}
	return `{"rules": [` + strings.Join(rules, ",") + `]}`
}

// A repository that is named by its URI belongs to others: up neither makes it, nor may it have rights there.
func TestARepositoryOfOthersMustBeThereAndReadable(t *testing.T) {
	for name, tt := range map[string]struct {
		breaks    func(*world)
		want      State
		text, fix string
	}{
		"as it should be": {func(*world) {}, OK, ".dkr.ecr.eu-west-1.amazonaws.com/team/shop", ""},
		"missing":         {func(w *world) { w.repository = "" }, Failed, "does not exist", "aws ecr create-repository --repository-name team/shop --region eu-west-1"},
		"not readable":    {func(w *world) { w.refusing("ecr", "BatchGetImage", "") }, Failed, "not authorized", "aws ecr set-repository-policy"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repository = rulesOfOthers(1)
			tt.breaks(w)
			w.open()
			w.makeRepository("team/shop", "eu-west-1")
			w.yaml = shop + "registry: {repository: '" + w.account() + ".dkr.ecr.eu-west-1.amazonaws.com/team/shop'}\n"
			w.reroute()
			for _, f := range w.examine() {
				if f.Check == repositoryCheck && (f.State != tt.want || !strings.Contains(f.Text, tt.text) || !strings.Contains(f.Fix, tt.fix)) {
					t.Errorf("want %s, %q and to do %q: %+v", tt.want, tt.text, tt.fix, f)
				}
			}
		})
	}
}

// judge checks the findings and returns the red one.
func (b breakage) judge(t *testing.T, findings []Finding) (broken Finding) {
	t.Helper()
	for _, f := range findings {
		want := OK
		switch {
		case f.Check == b.check:
			broken, want = f, Failed
		case f.Check == b.also:
			want = Failed
		case slices.Contains(b.unchecked, f.Check):
			want = Unchecked
		}
		if f.State != want {
			t.Errorf("want %s: %+v", want, f)
		}
		if strings.Contains(f.Text+f.Fix, "xoxb-") && !strings.Contains(f.Fix, "xoxb-...") {
			t.Errorf("a secret is shown: %+v", f)
		}
	}
	if !strings.Contains(broken.Text, b.says) || !strings.Contains(broken.Fix, b.fix) {
		t.Errorf("want %q and to do %q: %+v", b.says, b.fix, broken)
	}
	return broken
}
