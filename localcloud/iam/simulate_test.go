package iam

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecisions(t *testing.T) {
	const object = "arn:aws:s3:::bucket/a/b:c"
	allow := func(rest string) string { return `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"` + rest + `}` }
	condition := func(text string) string { return allow(`,"Condition":{` + text + `}`) }
	for _, tt := range []struct{ name, statements, want string }{
		{"nothing is said", `{"Effect":"Allow","Action":"s3:Put*","Resource":"*"}`, notMentioned},
		{"allowed", allow(""), allowed},
		{"whatever the case of the action", `{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}`, allowed},
		{"one letter", `{"Effect":"Allow","Action":"s3:GetObjec?","Resource":"*"}`, allowed},
		{"a star at the end stands for nothing, too", `{"Effect":"Allow","Action":"s3:GetObject*","Resource":"*"}`, allowed},
		{"a star stands for slashes and colons of the last part", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*c"}`, allowed},
		{"each part on its own", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:*:*:bucket/*"}`, allowed},
		{"another bucket", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::buckets/*"}`, notMentioned},
		{"denied wins", allow("") + `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::bucket/*"}`, denied},
		{"denied first wins", `{"Effect":"Deny","NotAction":"s3:Put*","Resource":"*"},` + allow(""), denied},
		{"but not this resource", `{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::bucket/a/*"}`, notMentioned},
		{"a condition holds", condition(`"StringEquals":{"AWS:tag":["x","y"]}`), allowed},
		{"a condition does not", condition(`"StringEquals":{"aws:tag":"z"}`), notMentioned},
		{"all must", condition(`"StringLike":{"aws:tag":"?"},"Null":{"aws:tag":"true"}`), notMentioned},
		{"is there", condition(`"Null":{"aws:tag":"false"}`), allowed},
		{"is not there", condition(`"Null":{"aws:other":true}`), allowed},
		{"no such key", condition(`"StringEquals":{"aws:other":"y"}`), notMentioned},
		{"no such key, and it need not be", condition(`"StringEqualsIfExists":{"aws:other":"y"}`), allowed},
		{"not equal", condition(`"StringNotEquals":{"aws:tag":["x","y"]}`), notMentioned},
		{"one of several", condition(`"ForAnyValue:StringEquals":{"aws:tags":"b"}`), allowed},
		{"all of several", condition(`"ForAllValues:StringEquals":{"aws:tags":"b"}`), notMentioned},
		{"a variable", condition(`"StringEquals":{"aws:tag":"${aws:letter}"}`), allowed},
		{"a number", condition(`"NumericLessThan":{"aws:tag":"9"}`), notMentioned},
	} {
		policy := `{"Version":"2012-10-17","Statement":[` + tt.statements + `]}`
		if err := checkIdentity(policy); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		context := map[string][]string{"aws:tag": {"y"}, "aws:letter": {"y"}, "aws:tags": {"a", "b"}}
		if got := decide([]source{{"p", "role", read(policy)}}, request{"s3:GetObject", object, context}); got.decision != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.decision, tt.want)
		}
	}
}

func TestAStarStandsForColonsOnlyInTheLastPart(t *testing.T) {
	if matchesARN("arn:aws:a*:r:1:x", "arn:aws:a:r:r:1:x") || !matchesARN("arn:aws:a:r:r:*", "arn:aws:a:r:r:1:x") {
		t.Error("the parts of an ARN were not compared one by one")
	}
}

func TestTheSimulatorAnswersForUserAndRoles(t *testing.T) {
	s := start(t, Config{Denied: []string{"ecr:Put*"}})
	policy := `{"Statement":{"Effect":"Allow","Action":"ecr:PutImage","Resource":"*","Condition":{"StringEquals":{"aws:tag":"x"}}}}`
	if got := call(t, s, "PutRolePolicy", "RoleName="+InstanceProfile, "PolicyName=push", "PolicyDocument="+policy); !strings.Contains(got, "RequestId") {
		t.Fatal(got)
	}
	user, role := "PolicySourceArn=arn:aws:iam::123456789012:user/local", "PolicySourceArn=arn:aws:iam::123456789012:role/"+InstanceProfile
	tagged := []string{"ContextEntries.member.1.ContextKeyName=aws:tag", "ContextEntries.member.1.ContextKeyValues.member.1=x"}
	for _, tt := range []struct {
		source, action string
		more           []string
		want           string
	}{
		{user, "ecr:PutImage", nil, "<EvalResourceName>*</EvalResourceName><EvalDecision>implicitDeny<"},
		{user, "ecr:ListImages", nil, "<EvalDecision>allowed<"},
		{role, "ecr:BatchGetImage", []string{"ResourceArns.member.1=arn:aws:ecr:us-east-1:123456789012:repository/shop"}, "<SourcePolicyId>AmazonEC2ContainerRegistryReadOnly</SourcePolicyId>"},
		{role, "ecr:PutImage", nil, "<EvalDecision>implicitDeny</EvalDecision><MatchedStatements></MatchedStatements><MissingContextValues><member>aws:tag</member>"},
		{role, "ecr:PutImage", tagged, "<EvalDecision>allowed</EvalDecision><MatchedStatements><member><SourcePolicyId>role_" + InstanceProfile + "_push<"},
		{user + "s", "ecr:PutImage", nil, "NoSuchEntity: The user with name locals cannot be found."},
		{role + "s", "ecr:PutImage", nil, "NoSuchEntity: The role with name " + InstanceProfile + "s cannot be found."},
		{"PolicySourceArn=arn:aws:iam::999999999999:user/local", "ecr:PutImage", nil, "InvalidInput: Invalid Entity Arn"},
		{user, "ecr:PutImage", []string{"ContextEntries.member.1.ContextKeyName=aws:tag", "ContextEntries.member.1.ContextKeyType=string",
			"ContextEntries.member.1.ContextKeyValues.member.1=x", "ContextEntries.member.1.ContextKeyValues.member.2=y"}, "InvalidInput: Context entry aws:tag"},
		{user, "PutImage", nil, "InvalidInput: Invalid Entity Action: PutImage"},
	} {
		if got := call(t, s, "SimulatePrincipalPolicy", append(tt.more, tt.source, "ActionNames.member.1="+tt.action)...); !strings.Contains(got, tt.want) {
			t.Errorf("%s of %s: %s, want %s", tt.action, tt.source, got, tt.want)
		}
	}
}

func TestTheSimulatorsResultsComeInPages(t *testing.T) {
	s := start(t, Config{})
	given := []string{"PolicySourceArn=arn:aws:iam::123456789012:user/local"}
	for i := range 130 {
		given = append(given, fmt.Sprintf("ActionNames.member.%d=s3:Get%d", i+1, i))
	}
	first := call(t, s, "SimulatePrincipalPolicy", given...)
	if n := strings.Count(first, "<EvalDecision>"); n != 100 || !strings.Contains(first, "<IsTruncated>true</IsTruncated><Marker>100</Marker>") {
		t.Errorf("%d on the first page", n)
	}
	rest := call(t, s, "SimulatePrincipalPolicy", append(given, "Marker=100")...)
	if n := strings.Count(rest, "<EvalDecision>"); n != 30 || !strings.Contains(rest, "<EvalActionName>s3:Get100<") || !strings.Contains(rest, "<IsTruncated>false<") {
		t.Errorf("%d on the second page", n)
	}
}
