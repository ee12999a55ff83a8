package main

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/localcloud"
)

// deploys makes the plot's configuration one that deploys a bundle made elsewhere.
func (p *plot) deploys(environment string) {
	p.Helper()
	dir := filepath.Dir(p.config)
	f, err := os.Create(filepath.Join(dir, "app.zip"))
	if err != nil {
		p.Fatal(err)
	}
	w := zip.NewWriter(f)
	if _, err := w.Create("Procfile"); err != nil || w.Close() != nil || f.Close() != nil {
		p.Fatal(err)
	}
	text := "application: shop\nartifact: app.zip\nenvironment:\n  check: off\n" + environment
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

// up deploys the feature and returns what it prints and says.
func (p *plot) up(feature string) said {
	p.Helper()
	return p.run("up", "--feature", feature, filepath.Dir(p.config))
}

// settings are those of a feature's environment, by namespace:name.
func (p *plot) settings(name string) map[string]string {
	p.Helper()
	out, err := bare(p.cloud).DescribeConfigurationSettings(p.Context(), &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: aws.String("shop"), EnvironmentName: &name})
	if err != nil {
		p.Fatal(err)
	}
	values := map[string]string{}
	for _, o := range out.ConfigurationSettings[0].OptionSettings {
		values[aws.ToString(o.Namespace)+":"+aws.ToString(o.OptionName)] = aws.ToString(o.Value)
	}
	return values
}

// dev launches what is to be copied.
func (p *plot) dev() {
	p.Helper()
	platform, err := p.clients.beanstalk.Platform(p.Context(), "Corretto 21 running on 64bit Amazon Linux 2023")
	if err != nil {
		p.Fatal(err)
	}
	var options []types.ConfigurationOptionSetting
	for _, o := range []string{
		"aws:autoscaling:launchconfiguration IamInstanceProfile aws-elasticbeanstalk-ec2-role", "aws:elasticbeanstalk:environment EnvironmentType SingleInstance",
		"aws:elasticbeanstalk:application:environment DB postgres://dev", "aws:rds:dbinstance HasCoupledDatabase true", "aws:rds:dbinstance DBPassword geheim",
		"aws:ec2:instances InstanceTypes m6g.large",
	} {
		f := strings.Fields(o)
		options = append(options, types.ConfigurationOptionSetting{Namespace: &f[0], OptionName: &f[1], Value: &f[2]})
	}
	_, err = bare(p.cloud).CreateEnvironment(p.Context(), &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: aws.String("shop-dev1"), PlatformArn: &platform, OptionSettings: options,
	})
	if err != nil {
		p.Fatal(err)
	}
}

func TestUpStartsFromACopyOfAnEnvironment(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.dev()
	p.deploys("  copy_from: shop-dev1\n  instance_type: t3.small\n  variables: {COLOUR: blue}\n")
	for _, feature := range []string{"login", "search"} {
		out := p.up(feature)
		if out.code != 0 {
			t.Fatalf("up ends with %d: %s", out.code, out.stderr)
		}
		got := p.settings(p.name(feature))
		for key, want := range map[string]string{
			"aws:elasticbeanstalk:application:environment:DB":     "postgres://dev",
			"aws:elasticbeanstalk:application:environment:COLOUR": "blue",
			"aws:ec2:instances:InstanceTypes":                     "t3.small",
			"aws:rds:dbinstance:HasCoupledDatabase":               "false",
			"aws:rds:dbinstance:DBPassword":                       "",
		} {
			if got[key] != want {
				t.Errorf("%s has %s = %q, want %q", feature, key, got[key], want)
			}
		}
	}
	before := len(p.cloud.Calls())
	if out := p.up("login"); out.code != 0 {
		t.Errorf("once more: %s", out.stderr)
	}
	var calls []string
	for _, call := range p.cloud.Calls()[before:] {
		if call.Service == "elasticbeanstalk" {
			calls = append(calls, call.Action)
		}
	}
	if len(calls) > 3 {
		t.Errorf("unchanged takes the calls %v", calls)
	}
	p.deploys("  copy_from: shop-dve1\n")
	out := p.up("other")
	if want := fmt.Sprintf("%s:5:14: environment.copy_from: ", p.config); out.code != exitUsage || !strings.Contains(out.stderr, want) || !strings.Contains(out.stderr, "the nearest: shop-dev1") {
		t.Errorf("a source that isn't there ends with %d: %s", out.code, out.stderr)
	}
}

const corretto = "  platform: Corretto 21 running on 64bit Amazon Linux 2023\n"

func TestASettingThatAWSRefusedIsNotOurs(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.deploys(corretto)
	if out := p.up("login"); out.code != 0 {
		t.Fatalf("it ends with %d: %s", out.code, out.stderr)
	}
	name, namespace, option := p.name("login"), "aws:autoscaling:asg", "MaxSize"
	_, err := bare(p.cloud).UpdateEnvironment(t.Context(), &elasticbeanstalk.UpdateEnvironmentInput{
		EnvironmentName: &name, OptionSettings: []types.ConfigurationOptionSetting{{Namespace: &namespace, OptionName: &option, Value: aws.String("2")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.deploys(corretto + "  options:\n    aws:autoscaling:asg: {MaxSize: many}\n")
	if out := p.up("login"); out.code != 2 || !strings.Contains(out.stderr, "validation") {
		t.Fatalf("what AWS refuses ends with %d: %s", out.code, out.stderr)
	}
	p.deploys(corretto)
	if out := p.up("login"); out.code != 0 || p.settings(name)["aws:autoscaling:asg:MaxSize"] != "2" {
		t.Errorf("it ends with %d, and %s has become %q: %s", out.code, option, p.settings(name)["aws:autoscaling:asg:MaxSize"], out.stderr)
	}
}

func TestAnEnvironmentStaysOnItsPlatform(t *testing.T) {
	const docker = "Docker running on 64bit Amazon Linux 2023"
	for _, tt := range []struct{ wanted, arn, want string }{
		{"", "arn:aws:elasticbeanstalk:us-east-1::platform/" + docker + "/4.6.0", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1::platform/" + docker + "/4.6.0", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1::platform/Corretto 21 running on 64bit Amazon Linux 2023/4.6.0", "Corretto 21 running on 64bit Amazon Linux 2023"},
		{docker, "", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1:123456789012:platform/our own/1.0.0", ""},
	} {
		if got := otherPlatform(tt.wanted, tt.arn); got != tt.want {
			t.Errorf("wanted %q, on %q: %q, want %q", tt.wanted, tt.arn, got, tt.want)
		}
	}
}

func TestImagesAreNotDeployedToAPlatformThatCannotRunThem(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.deploys(corretto)
	if out := p.up("login"); out.code != 0 {
		t.Fatalf("it ends with %d: %s", out.code, out.stderr)
	}
	d := toCloud(t, p.cloud, nil)
	d.name, d.feature = p.name("login"), "login"
	if _, err := d.target(t.Context()); err == nil || exitCode(err) != exitFailed || !strings.Contains(err.Error(), "can't run images from a Dockerrun v2") {
		t.Errorf("images go to %v", err)
	}
	d.cfg.Build = nil
	if _, err := d.target(t.Context()); err != nil {
		t.Errorf("an artifact: %v", err)
	}
}
