package iam

import (
	"strings"
	"testing"
)

func TestMalformedPolicies(t *testing.T) {
	const syntax = "Syntax errors in policy."
	statement := func(text string) string { return `{"Version":"2012-10-17","Statement":[` + text + `]}` }
	const whole = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	for _, tt := range []struct{ name, text, want string }{
		{"whole", statement(whole), ""},
		{"one statement, not in a list", `{"Statement":` + whole + `}`, ""},
		{"a star", statement(`{"Effect":"Deny","NotAction":["*"],"NotResource":["*"]}`), ""},
		{"conditions", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"a:b":["c"]},"Null":{"a:b":true}}}`), ""},
		{"no JSON", `{`, syntax},
		{"more after it", statement(whole) + "x", syntax},
		{"an array", `[]`, syntax},
		{"no statement", `{"Version":"2012-10-17","Statement":[]}`, syntax},
		{"another version", strings.Replace(statement(whole), "2012", "2013", 1), syntax},
		{"lower case", strings.Replace(statement(whole), "Effect", "effect", 1), syntax},
		{"an unknown member", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Why":"x"}`), syntax},
		{"an unknown member of the policy", `{"Statement":[` + whole + `],"Why":"x"}`, syntax},
		{"no effect", statement(`{"Action":"s3:*","Resource":"*"}`), syntax},
		{"both kinds of actions", statement(`{"Effect":"Allow","Action":"s3:*","NotAction":"s3:Get*","Resource":"*"}`), syntax},
		{"an object as action", statement(`{"Effect":"Allow","Action":{},"Resource":"*"}`), syntax},
		{"no action", statement(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions."},
		{"no resource", statement(`{"Effect":"Allow","Action":"s3:*"}`), "Policy statement must contain resources."},
		{"action without a service", statement(`{"Effect":"Allow","Action":"GetObject","Resource":"*"}`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"resource that is no ARN", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}`), `Resource bucket must be in ARN format or "*".`},
		{"a principal", statement(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`), "Policy document should not specify a principal."},
		{"Sid with a space", statement(strings.Replace(whole, "{", `{"Sid":"a b",`, 1)), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"Sid twice", statement(strings.ReplaceAll(whole+","+whole, "{", `{"Sid":"a",`)), "Statement IDs (SID) in a single policy must be unique."},
		{"an operator that is none", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}}`), "Invalid Condition type : StringIs."},
	} {
		got := ""
		if err := checkIdentity(tt.text); err != nil {
			got = strings.TrimPrefix(err.Error(), "MalformedPolicyDocument: ")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMalformedTrust(t *testing.T) {
	statement := func(text string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"` + text + `}]}`
	}
	const action = `,"Action":"sts:AssumeRole"`
	for _, tt := range []struct{ name, text, want string }{
		{"of a service", trust("ec2"), ""},
		{"of China's", statement(action + `,"Principal":{"Service":["ec2.amazonaws.com.cn"]}`), ""},
		{"of an account", statement(action + `,"Principal":{"AWS":"123456789012"}`), ""},
		{"no JSON", `{`, "This policy contains invalid Json"},
		{"no principal", statement(action), "Missing required field Principal"},
		{"no action", statement(`,"Principal":{"Service":"ec2.amazonaws.com"}`), "Missing required field Action"},
		{"another action", statement(`,"Action":"s3:*","Principal":{"Service":"ec2.amazonaws.com"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{"a resource", statement(action + `,"Principal":"*","Resource":"*"`), "Has prohibited field Resource"},
		{"a service that is none", statement(action + `,"Principal":{"Service":"ec2"}`), `Invalid principal in policy: "SERVICE":"ec2"`},
		{"a principal of no kind", statement(action + `,"Principal":{"Role":"x"}`), `Invalid principal in policy: "ROLE":"x"`},
	} {
		got := ""
		if err := checkTrust(tt.text); err != nil {
			got = strings.TrimPrefix(err.Error(), "MalformedPolicyDocument: ")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
