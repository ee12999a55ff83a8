package policy

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/iam"
	"beansprout/localcloud/wire"
	"beansprout/templates"
	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write templates/iam-policy.json")

const account = "123456789012"

// narrow is a scope with everything set.
var narrow = Scope{
	Region: "eu-central-1", Account: account, Application: "shop", Repository: "team/shop", InstanceProfile: "shop-ec2", ServiceRole: "shop-service",
	Secrets: []string{"arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-abcdef", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/key"},
}

func TestTheTemplateIsTheDeployersPolicy(t *testing.T) {
	got := string(Document(Deployer, Scope{}))
	if *update {
		must.Succeed(t, os.WriteFile("../../../templates/iam-policy.json", []byte(got), 0o644))
		return
	}
	if got != templates.IAMPolicy() {
		t.Errorf("templates/iam-policy.json is not what iam-policy deployer --any prints; go test -update writes it:\n%s", got)
	}
}

// A judge is IAM with one role, which has one policy.
type judge struct {
	*testing.T
	service *iam.Service
}

func newJudge(t *testing.T, document []byte) judge {
	t.Helper()
	s, err := iam.Open(iam.Config{File: filepath.Join(t.TempDir(), "iam.db"), Account: account, Now: time.Now, Bare: true})
	must.Succeed(t, err)
	t.Cleanup(func() { _ = s.Close() })
	j := judge{t, s}
	j.call("CreateRole", nil, "RoleName", "holder", "AssumeRolePolicyDocument",
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	j.call("PutRolePolicy", nil, "RoleName", "holder", "PolicyName", "p", "PolicyDocument", string(document))
	return j
}

func (j judge) call(action string, out any, parameters ...string) {
	j.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	j.service.Handler().ServeHTTP(w, wire.WithCall(r, wire.Call{ID: "1", Region: "eu-central-1", Account: account, Now: time.Now()}))
	if w.Code != 200 {
		j.Fatalf("%s: %s", action, w.Body)
	}
	if out != nil {
		must.Succeed(j, xml.Unmarshal(w.Body.Bytes(), out))
	}
}

// allows reports whether the policy allows an action on a resource. context has keys and values.
func (j judge) allows(action, resource string, context ...string) bool {
	j.Helper()
	parameters := []string{"PolicySourceArn", "arn:aws:iam::" + account + ":role/holder", "ActionNames.member.1", action, "ResourceArns.member.1", resource}
	for i := 0; i < len(context); i += 2 {
		entry := "ContextEntries.member." + strconv.Itoa(i/2+1)
		parameters = append(parameters, entry+".ContextKeyName", context[i], entry+".ContextKeyValues.member.1", context[i+1])
	}
	var out struct {
		Decision string `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member>EvalDecision"`
	}
	j.call("SimulatePrincipalPolicy", &out, parameters...)
	return out.Decision == "allowed"
}

// TestIAMTakesThePolicies gives each policy to a role, which checks it.
func TestIAMTakesThePolicies(t *testing.T) {
	scopes := map[string]Scope{"any": {}, "narrow": narrow, "region": {Region: "cn-north-1"}, "account": {Account: account}}
	hostile := narrow
	hostile.Application, hostile.Bucket, hostile.OperationsRole = `가게 "*" ${aws:username}?`, "shop-records", "arn:aws:iam::123456789012:role/team/ops"
	scopes["hostile"] = hostile
	for name, s := range scopes {
		for _, h := range Holders() {
			document := Document(h, s)
			newJudge(t, document)
			if n := Size(document); n > MostManaged {
				t.Errorf("%s %s: %d characters, of %d", name, h, n, MostManaged)
			}
			if !slices.Equal(document, Document(h, s)) {
				t.Errorf("%s %s: another policy the second time", name, h)
			}
			if strings.ContainsFunc(string(document), func(r rune) bool { return r > 0x7e }) || !json.Valid(document) {
				t.Errorf("%s %s: %s", name, h, document)
			}
		}
	}
	j := newJudge(t, Document(Deployer, hostile))
	for resource, want := range map[string]bool{hostile.Application: true, "가게 \"x\" kim!": false, "shop": false} {
		if got := j.allows("elasticbeanstalk:CreateApplication", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:application/"+resource); got != want {
			t.Errorf("the application %s: %t", resource, got)
		}
	}
}

// samples are resources for each statement: some that AWS asks for, and neighbours that are none of ours.
var samples = map[string]struct {
	own, others []string
	tag         string // the context key that must be there
}{
	"Look":            {own: []string{"*", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x"}},
	"StorageLocation": {own: []string{"*"}},
	"RegistryToken":   {own: []string{"*"}},
	"CreateEnvironmentsThatCarryOurTags": {
		own: []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x"}, tag: "aws:RequestTag/beansprout:feature",
		others: []string{
			"arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shops/shop-x", "arn:aws:elasticbeanstalk:eu-west-1:123456789012:environment/shop/shop-x",
			"arn:aws:elasticbeanstalk:eu-central-1:999999999999:environment/shop/shop-x", "arn:aws-cn:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x",
		},
	},
	"ChangeEnvironmentsThatCarryOurTags": {
		own: []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x"}, tag: "aws:ResourceTag/beansprout:feature",
		others: []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/bank/shop-x"},
	},
	"Versions": {
		own: []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:application/shop", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:applicationversion/shop/v1"},
		others: []string{
			"arn:aws:elasticbeanstalk:eu-central-1:123456789012:application/shops", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:applicationversion/bank/v1",
			"arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x",
		},
	},
	"CopiesOfConfigurations": {
		own:    []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:configurationtemplate/shop/beansprout-x"},
		others: []string{"arn:aws:elasticbeanstalk:eu-central-1:123456789012:configurationtemplate/shop/theirs"},
	},
	"BundlesAndRecords": {
		own:    []string{"arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/beansprout/records/x"},
		others: []string{"arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/theirs", "arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/beansprout/x"},
	},
	"WhatIsMissingThere": {
		own: []string{"arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012"}, others: []string{"arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012"},
	},
	"Images": {
		own: []string{"arn:aws:ecr:eu-central-1:123456789012:repository/team/shop"}, others: []string{"arn:aws:ecr:eu-central-1:123456789012:repository/team/shops"},
	},
}

// TestEachRightIsAllowedOnItsOwnResourcesAlone asks the simulator about each row of the table.
func TestEachRightIsAllowedOnItsOwnResourcesAlone(t *testing.T) {
	for _, h := range []Holder{Deployer, Janitor} {
		j := newJudge(t, Document(h, narrow))
		for _, r := range rights {
			want := h == Deployer || slices.ContainsFunc(rights, func(other right) bool { return other.janitor && other.action() == r.action() })
			of, ok := samples[r.grant]
			if !ok {
				t.Fatalf("%s: no samples of %s", r.operation, r.grant)
			}
			var tags []string
			if of.tag != "" {
				tags = []string{of.tag, "login"}
			}
			for _, resource := range of.own {
				if got := j.allows(r.action(), resource, tags...); got != want {
					t.Errorf("%s: %s on %s: %t", h, r.action(), resource, got)
				}
				if of.tag != "" && j.allows(r.action(), resource) {
					t.Errorf("%s: %s on %s without a tag of ours", h, r.action(), resource)
				}
			}
			for _, resource := range of.others {
				if j.allows(r.action(), resource, tags...) {
					t.Errorf("%s: %s on %s, which is none of ours", h, r.action(), resource)
				}
			}
		}
	}
}

func TestOnlyTheRolesOfTheEnvironmentsArePassedOn(t *testing.T) {
	withOperations := narrow
	withOperations.OperationsRole = "arn:aws:iam::123456789012:role/team/ops"
	for _, tt := range []struct {
		scope         Scope
		role, service string
		want          bool
	}{
		{narrow, "shop-ec2", "ec2.amazonaws.com", true},
		{narrow, "shop-service", "elasticbeanstalk.amazonaws.com", true},
		{narrow, "shop-service", "lambda.amazonaws.com", false},
		{narrow, "admin", "ec2.amazonaws.com", false},
		{narrow, "team/ops", "elasticbeanstalk.amazonaws.com", false},
		{withOperations, "team/ops", "elasticbeanstalk.amazonaws.com", true},
		{Scope{}, "aws-elasticbeanstalk-ec2-role", "ec2.amazonaws.com", true},
		{Scope{}, "shop-ec2", "ec2.amazonaws.com", false},
	} {
		for _, h := range []Holder{Deployer, Janitor} {
			if got := newJudge(t, Document(h, tt.scope)).allows("iam:PassRole", "arn:aws:iam::123456789012:role/"+tt.role, "iam:PassedToService", tt.service); got != tt.want {
				t.Errorf("%s: %s to %s: %t", h, tt.role, tt.service, got)
			}
		}
	}
	if newJudge(t, Document(Operations, withOperations)).allows("iam:PassRole", "arn:aws:iam::123456789012:role/team/ops", "iam:PassedToService", "elasticbeanstalk.amazonaws.com") {
		t.Error("the operations role passes itself on")
	}
}

// TestARepositoryMayBeElsewhere names repositories by name and by URI.
func TestARepositoryMayBeElsewhere(t *testing.T) {
	for repository, want := range map[string]string{
		"":          "arn:aws:ecr:eu-central-1:123456789012:repository/*",
		"team/shop": "arn:aws:ecr:eu-central-1:123456789012:repository/team/shop",
		"999999999999.dkr.ecr.us-east-1.amazonaws.com/team/shop": "arn:aws:ecr:us-east-1:999999999999:repository/team/shop",
	} {
		s := narrow
		s.Repository = repository
		if got := s.repository(); got != want {
			t.Errorf("%s: %s, want %s", repository, got, want)
		}
	}
}
