package beanstalk

import (
	"encoding/xml"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

// The answer to any form is well-formed and a success or a refusal of the client.
func FuzzCalls(f *testing.F) {
	for _, seed := range []string{
		"CreateApplication&ApplicationName=shop&Tags.member.1.Key=a&Tags.member.1.Value=b",
		"CreateApplicationVersion&ApplicationName=shop&VersionLabel=v&Process=true&AutoCreateApplication=true",
		"CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-x&SolutionStackName=" + strings.ReplaceAll(ecs, " ", "+") +
			"&OptionSettings.member.1.Namespace=aws:autoscaling:asg&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=1",
		"CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-y&TemplateSpecification.TemplateSource.EnvironmentName=shop-x",
		"UpdateEnvironment&EnvironmentName=shop-x&Description=%1b&OptionsToRemove.member.1.Namespace=a",
		"DescribeEnvironments&MaxRecords=1&NextToken=ZQ&IncludeDeleted=true&IncludedDeletedBackTo=2026-05-01T00:00:00Z",
		"DescribeEvents&Severity=WARN&NextToken=fg&StartTime=2026-05-01T00:00:00.123Z",
		"DescribeApplicationVersions&MaxRecords=2&NextToken=_w&VersionLabels.member.1=v",
		"CreateConfigurationTemplate&ApplicationName=shop&TemplateName=t&SourceConfiguration.TemplateName=t",
		"DescribeConfigurationSettings&ApplicationName=shop&EnvironmentName=shop-x",
		"ListPlatformVersions&Filters.member.1.Type=PlatformName&Filters.member.1.Operator=contains&Filters.member.1.Values.member.1=ECS",
		"UpdateTagsForResource&ResourceArn=arn:aws:elasticbeanstalk:us-east-1:123456789012:environment/shop/shop-x&TagsToRemove.member.1=a",
		"SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-x&DestinationEnvironmentName=shop-y",
		"RebuildEnvironment&EnvironmentName=shop-x", "TerminateEnvironment&EnvironmentName=shop-x", "AbortEnvironmentUpdate&EnvironmentId=e-",
		"RequestEnvironmentInfo&InfoType=tail&EnvironmentName=shop-x", "DeleteApplication&ApplicationName=shop&TerminateEnvByForce=true",
		"CheckDNSAvailability&CNAMEPrefix=shop%00", "DescribeInstancesHealth&EnvironmentName=shop-x&NextToken=x",
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	objects, err := s3.Open(s3.Config{File: filepath.Join(dir, "s3.db"), Now: time.Now, Sign: func(string, string, time.Duration) string { return "" }})
	must(f, err)
	s, err := New(f.Context(), Config{Dir: dir, Account: account, Objects: objects, Runner: &engine.Pretend{}, Roles: console{}})
	must(f, err)
	h := s.Handler()
	f.Fuzz(func(t *testing.T, form string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader("Version=2010-12-01&Action="+form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, wire.WithCall(r, wireCall()))
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		for d := xml.NewDecoder(w.Body); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("answer: %v", err)
			}
		}
	})
}
