package ecr

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

func TestParseDistinguishesNamesFromURIs(t *testing.T) {
	for repository, want := range map[string]struct{ account, region, name string }{
		"shop":                  {"", "", "shop"},
		"team/shop":             {"", "", "team/shop"},
		"my.team/shop":          {"", "", "my.team/shop"},
		"127.0.0.1:2326/shop":   {"", "", "shop"},
		"127.0.0.1:2326/a/shop": {"", "", "a/shop"},
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop":        {"123456789012", "us-east-1", "team/shop"},
		"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/shop":    {"123456789012", "us-gov-west-1", "shop"},
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop":         {"123456789012", "cn-north-1", "shop"},
		"123456789012.dkr-ecr.us-east-1.on.aws/shop":                    {"123456789012", "us-east-1", "shop"},
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/shop":         {"123456789012", "eusc-de-east-1", "shop"},
		"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/a": {"123456789012", "cn-north-1", "a"},
		"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/shop":            {"123456789012", "us-iso-east-1", "shop"},
		"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/shop":        {"123456789012", "us-isob-east-1", "shop"},
		"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/shop":       {"123456789012", "eu-isoe-west-1", "shop"},
		"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/shop":      {"123456789012", "us-isof-south-1", "shop"},
		"12345678901.dkr.ecr.us-east-1.amazonaws.com/app":               {"", "", "12345678901.dkr.ecr.us-east-1.amazonaws.com/app"},
	} {
		if got := parse(repository); aws.ToString(got.account) != want.account || got.region != want.region || got.name != want.name {
			t.Errorf("parse(%q) = %q, %q, %q, want %q", repository, aws.ToString(got.account), got.region, got.name, want)
		}
	}
}

func TestOnlyECRGetsTheToken(t *testing.T) {
	const com, eu = "https://210987654321.dkr.ecr.us-east-1.amazonaws.com", "https://210987654321.dkr.ecr.eusc-de-east-1.amazonaws.eu"
	for _, tt := range []struct {
		repository, proxy string
		want              bool
	}{
		{"shop", com, true},
		{"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop", com, true},
		{"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/shop", com, true},
		{"123456789012.dkr-ecr.us-east-1.on.aws/shop", com, true},
		{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/shop", eu, true},
		{"127.0.0.1:2326/shop", "http://127.0.0.1:2326", true},
		{"told.example.com/shop", com, true},
		{"123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com/shop", com, false},
		{"123456789012.dkr-ecr.us-east-1.on.aws.example.com/shop", com, false},
		{"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop", "http://127.0.0.1:2326", false},
		{"registry.example.com:5000/shop", com, false},
		{"127.0.0.1:5000/shop", "http://127.0.0.1:2326", false},
	} {
		r := New(nil)
		r.addresses.Store("told.example.com/shop", address{name: "shop"})
		if err := r.checkHost(tt.repository, tt.proxy); (err == nil) != tt.want || err != nil && !errors.Is(err, ErrForeignHost) {
			t.Errorf("%s, where ECR says %s: %v", tt.repository, tt.proxy, err)
		}
	}
}

func TestARepositorysAddressIsFromECR(t *testing.T) {
	r := New(nil)
	uri, err := r.remember(types.Repository{
		RegistryId: aws.String("123456789012"), RepositoryName: aws.String("shop"),
		RepositoryArn: aws.String("arn:aws-new:ecr:xx-new-1:123456789012:repository/shop"),
		RepositoryUri: aws.String("registry.new.example/123456789012/shop"),
	})
	if got := r.address(uri); err != nil || *got.account != "123456789012" || got.region != "xx-new-1" || got.name != "shop" {
		t.Errorf("got %+v, %v", got, err)
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
