package templates_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/templates"
	"beansprout/test/must"
)

// TestTheUnitGivesTheJanitorNoRights has systemd itself read the unit, where there is one.
func TestTheUnitGivesTheJanitorNoRights(t *testing.T) {
	source, err := os.ReadFile("beansprout-janitor.service")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	for line := range strings.Lines(string(source)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			set[name] = value
		}
	}
	for name, want := range map[string]string{
		"DynamicUser": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
		"PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
	} {
		if set[name] != want {
			t.Errorf("%s=%q, want %q", name, set[name], want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return
	}
	program, err := os.Executable() // the program that the unit starts has to exist
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "beansprout-janitor.service")
	text := strings.Replace(string(source), "ExecStart=/usr/local/bin/beansprout", "ExecStart="+program, 1)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15", unit).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "unrecognized option") { // of an old systemd
		t.Errorf("the service has more rights than it needs: %v\n%s", err, out)
	}
}

type statement struct {
	Sid, Effect string
	Action      list
	Resource    list
	Condition   map[string]map[string]any
}

// list is a string or a list of strings, as IAM has it.
type list []string

func (l *list) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

func policy(t *testing.T) []statement {
	t.Helper()
	var p struct {
		Version   string
		Statement []statement
	}
	must.Succeed(t, json.Unmarshal([]byte(templates.IAMPolicy()), &p))
	if p.Version != "2012-10-17" || len(p.Statement) == 0 {
		t.Fatalf("got version %q with %d statements", p.Version, len(p.Statement))
	}
	return p.Statement
}

func TestThePolicyChangesOnlyEnvironmentsWithOurTag(t *testing.T) {
	changes := map[string]string{
		"elasticbeanstalk:CreateEnvironment":    "aws:RequestTag/beansprout:feature",
		"elasticbeanstalk:UpdateEnvironment":    "aws:ResourceTag/beansprout:feature",
		"elasticbeanstalk:RebuildEnvironment":   "aws:ResourceTag/beansprout:feature",
		"elasticbeanstalk:TerminateEnvironment": "aws:ResourceTag/beansprout:feature",
	}
	seen := 0
	for _, s := range policy(t) {
		for _, action := range s.Action {
			if s.Effect != "Allow" || strings.Contains(action, "*") {
				t.Errorf("%s: %s %s", s.Sid, s.Effect, action)
			}
			tag, ok := changes[action]
			if !ok {
				continue
			}
			seen++
			if s.Condition["Null"][tag] != "false" {
				t.Errorf("%s allows %s without %s", s.Sid, action, tag)
			}
		}
	}
	if seen != len(changes) {
		t.Errorf("got %d of %d actions", seen, len(changes))
	}
}

// TestThePolicyServesEachPartition matches ARNs as IAM does: a star stands for what one segment
// has, or at the end for all that follows.
func TestThePolicyServesEachPartition(t *testing.T) {
	wanted := map[string][]string{
		"elasticbeanstalk:CreateEnvironment":           {"arn:%s:elasticbeanstalk:us-east-1:123456789012:environment/shop/shop-x"},
		"elasticbeanstalk:TerminateEnvironment":        {"arn:%s:elasticbeanstalk:us-east-1:123456789012:environment/shop/shop-x"},
		"elasticbeanstalk:CreateApplicationVersion":    {"arn:%s:elasticbeanstalk:us-east-1:123456789012:application/shop", "arn:%s:elasticbeanstalk:us-east-1:123456789012:applicationversion/shop/v1"},
		"elasticbeanstalk:CreateConfigurationTemplate": {"arn:%s:elasticbeanstalk:us-east-1:123456789012:configurationtemplate/shop/beansprout-x"},
		"s3:PutObject":  {"arn:%s:s3:::elasticbeanstalk-us-east-1-123456789012/beansprout/bundles/x"},
		"s3:ListBucket": {"arn:%s:s3:::elasticbeanstalk-us-east-1-123456789012"},
		"ecr:PutImage":  {"arn:%s:ecr:us-east-1:123456789012:repository/team/shop"},
		"iam:PassRole":  {"arn:%s:iam::123456789012:role/aws-elasticbeanstalk-ec2-role"},
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"} {
		for action, resources := range wanted {
			for _, resource := range resources {
				arn := fmt.Sprintf(resource, partition)
				if !slices.ContainsFunc(policy(t), func(s statement) bool {
					return slices.Contains(s.Action, action) && slices.ContainsFunc(s.Resource, func(pattern string) bool { return covers(pattern, arn) })
				}) {
					t.Errorf("%s on %s isn't allowed", action, arn)
				}
			}
		}
	}
	for _, s := range policy(t) {
		for _, r := range s.Resource {
			if covers(r, "arn:aws:dynamodb:us-east-1:123456789012:table/shop") != (r == "*") {
				t.Errorf("%s: %s goes too far", s.Sid, r)
			}
		}
		for _, service := range []string{"ec2.amazonaws.com", "ec2.amazonaws.com.cn", "ec2.c2s.ic.gov", "ec2.amazonaws.eu", "elasticbeanstalk.amazonaws.com"} {
			passed, _ := s.Condition["StringLike"]["iam:PassedToService"].([]any)
			if slices.Contains(s.Action, "iam:PassRole") && !slices.ContainsFunc(passed, func(p any) bool { return covers(p.(string), service) }) {
				t.Errorf("no role can be passed to %s", service)
			}
		}
	}
}

func covers(pattern, arn string) bool {
	segments := strings.SplitN(pattern, ":", 6)
	for i, s := range segments {
		wild := "[^:]*"
		if i == len(segments)-1 {
			wild = ".*"
		}
		segments[i] = strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, wild)
	}
	return regexp.MustCompile("^" + strings.Join(segments, ":") + "$").MatchString(arn)
}

// TestThePolicyAllowsTheCallsThatAreMade compares it with the calls in the source of the doors.
func TestThePolicyAllowsTheCallsThatAreMade(t *testing.T) {
	var allowed []string
	for _, s := range policy(t) {
		allowed = append(allowed, s.Action...)
	}
	others := []string{ // which no door calls by this name
		"elasticbeanstalk:AddTags",                                                                                     // tags at creation
		"ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", // docker push
	}
	for service, door := range map[string]string{"elasticbeanstalk": "../envs/beanstalk", "ecr": "../envs/ecr"} {
		made := calls(t, door)
		for _, call := range made {
			if !slices.Contains(allowed, service+":"+call) && call != "DescribeAccountAttributes" { // doctor does without it
				t.Errorf("%s calls %s, which the policy doesn't allow", door, call)
			}
		}
		for _, action := range allowed {
			call, ok := strings.CutPrefix(action, service+":")
			if ok && !slices.Contains(made, call) && !slices.Contains(others, action) {
				t.Errorf("the policy allows %s, which %s doesn't call", action, door)
			}
		}
	}
}

// calls returns the operations that a door's source names.
func calls(t *testing.T, door string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(door, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", door, err)
	}
	var found []string
	for _, file := range files {
		text := must.Read(t, file)
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\.api\.([A-Z]\w+)\(|\.New(\w+)Paginator\(`).FindAllStringSubmatch(string(text), -1) {
			if m[1] != "Options" { // which is the client's own
				found = append(found, m[1]+m[2])
			}
		}
	}
	return found
}
