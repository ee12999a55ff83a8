package ecr

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestParseTellsNamesFromURIs(t *testing.T) {
	for repository, want := range map[string]struct{ account, region, name string }{
		"shop":                  {"", "", "shop"},
		"team/shop":             {"", "", "team/shop"},
		"my.team/shop":          {"", "", "my.team/shop"},
		"127.0.0.1:2326/shop":   {"", "", "shop"},
		"127.0.0.1:2326/a/shop": {"", "", "a/shop"},
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop":       {"123456789012", "us-east-1", "team/shop"},
		"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/shop":   {"123456789012", "us-gov-west-1", "shop"},
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop":        {"123456789012", "cn-north-1", "shop"},
		"123456789012.dkr-ecr.us-east-1.on.aws/shop":                   {"123456789012", "us-east-1", "shop"},
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com/app": {"", "", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com/app"},
	} {
		if got := parse(repository); aws.ToString(got.account) != want.account || got.region != want.region || got.name != want.name {
			t.Errorf("parse(%q) = %q, %q, %q, want %q", repository, aws.ToString(got.account), got.region, got.name, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString([]byte("AWS:password:with:colons")))
	f.Add(base64.StdEncoding.EncodeToString([]byte("AWS:")))
	f.Add("not base64")
	f.Fuzz(func(t *testing.T, token string) {
		username, password, err := decode(token)
		if err == nil && (password == "" || strings.Contains(username, ":")) {
			t.Errorf("decode(%q) = %q, %q", token, username, password)
		}
		if err != nil && len(token) > 40 && strings.Contains(err.Error(), token) {
			t.Errorf("the error repeats the token: %v", err)
		}
	})
}
