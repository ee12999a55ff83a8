package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/builder"
	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
)

// toCloud is an up that is about to deploy to a cloud without containers. change makes the
// configuration what it is to be.
func toCloud(t *testing.T, cloud *localcloud.Cloud, change func(*config.Environment)) *deployment {
	t.Helper()
	clients := localClients(runningOf(cloud), localRegion)
	account, err := clients.account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Defaults(t.TempDir())
	cfg.Application, cfg.File = "shop", config.Name
	cfg.Build = []config.Image{{Name: "web"}}
	if change != nil {
		change(&cfg.Environment)
	}
	d := &deployment{session: &session{clients: clients, cfg: cfg, account: account, talk: newTalk(io.Discard, nil, nil)}, feature: "x", engine: new(builder.Builder)}
	t.Cleanup(d.talk.close)
	d.name, d.settings = envs.Name(account, "shop", "x"), wish(cfg).Settings()
	if err := d.beanstalk.CreateApplication(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return d
}

func emptyCloud(t *testing.T, cfg localcloud.Config) *localcloud.Cloud {
	t.Helper()
	cfg.Dir = t.TempDir()
	cloud, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	return cloud
}

// start launches what the deployment is about, under another name if one is given.
func start(t *testing.T, cloud *localcloud.Cloud, d *deployment, name string, settings ...beanstalk.Setting) {
	t.Helper()
	platform, err := d.beanstalk.Platform(t.Context(), "ECS running on 64bit Amazon Linux 2023")
	if err != nil {
		t.Fatal(err)
	}
	if name == "" {
		name = d.name
	}
	roles := beanstalk.Wish{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	op, err := d.beanstalk.Launch(t.Context(), beanstalk.Launch{
		Name: name, Application: "shop", Version: anyVersion(t, cloud), Tags: envs.NewTags("x", "Kim", time.Now()),
		Base: beanstalk.Base{Platform: platform}, Settings: append(roles.Settings(), settings...),
	})
	if err == nil {
		_, err = d.beanstalk.Wait(t.Context(), op, func(beanstalk.Event) {})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// bare is a client for what Beansprout itself never does.
func bare(cloud *localcloud.Cloud) *elasticbeanstalk.Client {
	key, secret := cloud.Credentials()
	return elasticbeanstalk.NewFromConfig(aws.Config{
		Region: localRegion, BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

// anyVersion registers a version without a bundle, which is AWS's sample application.
func anyVersion(t *testing.T, cloud *localcloud.Cloud) string {
	t.Helper()
	api := bare(cloud)
	label, app := fmt.Sprintf("sample-%d", len(cloud.Calls())), "shop"
	if _, err := api.CreateApplicationVersion(t.Context(), &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: &app, VersionLabel: &label}); err != nil {
		t.Fatal(err)
	}
	return label
}

func graviton() beanstalk.Setting {
	return beanstalk.Setting{Namespace: "aws:ec2:instances", Name: "InstanceTypes", Value: "t4g.small"}
}

func TestTheArchitectureIsThatOfTheInstances(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	for _, tt := range []struct {
		name   string
		change func(*config.Environment)
		live   []beanstalk.Setting // nil: none lives
		want   string
		calls  int
	}{
		{name: "AWS's default", want: "amd64"},
		{name: "the type", change: func(e *config.Environment) { e.InstanceType = "t4g.micro" }, want: "arm64"},
		{name: "the option wins over the type", change: func(e *config.Environment) {
			e.InstanceType = "t3.micro"
			e.Options = map[string]map[string]string{"aws:ec2:instances": {"InstanceTypes": "c7g.large, m7g.large"}}
		}, want: "arm64"},
		{name: "the obsolete option", change: func(e *config.Environment) {
			e.Options = map[string]map[string]string{"aws:autoscaling:launchconfiguration": {"InstanceType": "a1.medium"}}
		}, want: "arm64"},
		{name: "the type over a copy", change: func(e *config.Environment) { e.CopyFrom, e.Platform, e.InstanceType = "shop-dev1", "", "t3.small" }, want: "amd64"},
		{name: "the copy's", change: func(e *config.Environment) { e.CopyFrom, e.Platform = "shop-dev1", "" }, want: "arm64", calls: 4},
		{name: "the living environment's", change: func(e *config.Environment) { e.CopyFrom, e.Platform = "shop-dev1", "" },
			live: []beanstalk.Setting{{Namespace: "aws:ec2:instances", Name: "InstanceTypes", Value: "t3.large"}}, want: "amd64", calls: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := toCloud(t, cloud, tt.change)
			if tt.calls > 0 && tt.live == nil {
				start(t, cloud, d, "shop-dev1", graviton())
			}
			if tt.live != nil {
				start(t, cloud, d, "", tt.live...)
			}
			before := len(cloud.Calls())
			got, found, err := d.architecture(t.Context())
			if err != nil || got != tt.want || (found != nil) != (tt.calls > 0) {
				t.Errorf("architecture = %s, %v, %v; want %s", got, found, err, tt.want)
			}
			if calls := len(cloud.Calls()) - before; calls != tt.calls {
				t.Errorf("%d calls, want %d: %v", calls, tt.calls, cloud.Calls()[before:])
			}
		})
	}
}

func TestInstancesOfSeveralArchitecturesAreRefused(t *testing.T) {
	d := toCloud(t, emptyCloud(t, localcloud.Config{}), func(e *config.Environment) {
		e.Options = map[string]map[string]string{"aws:ec2:instances": {"InstanceTypes": "t3.micro,t4g.micro"}}
	})
	_, _, err := d.architecture(t.Context())
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "t3.micro is amd64, t4g.micro is arm64") {
		t.Errorf("architecture: %v", err)
	}
}

func TestAnImageForAnotherArchitectureIsRefused(t *testing.T) {
	d := toCloud(t, emptyCloud(t, localcloud.Config{}), func(e *config.Environment) { e.InstanceType = "t4g.small" })
	for platform, want := range map[string]int{"": 0, config.PlatformARM64: 0, config.PlatformAMD64: exitUsage} {
		d.cfg.Build[0].Platform = platform
		if _, _, err := d.architecture(t.Context()); exitCode(err) != want {
			t.Errorf("%q: %v", platform, err)
		}
	}
}

func TestADockerfileForAnotherArchitectureIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("the engine tells what it builds for")
	}
	d := toCloud(t, emptyCloud(t, localcloud.Config{}), func(e *config.Environment) { e.InstanceType = "t4g.small" })
	engine, err := builder.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	d.engine = engine
	file := filepath.Join(d.cfg.Dir, "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM --platform=linux/amd64 scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.architecture(t.Context()); exitCode(err) != exitUsage || !strings.HasPrefix(err.Error(), file+":1: ") {
		t.Errorf("a Dockerfile's own platform: %v", err)
	}
}

func TestALivingEnvironmentKeepsItsArchitecture(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	start(t, cloud, toCloud(t, cloud, nil), "")
	d := toCloud(t, cloud, func(e *config.Environment) { e.InstanceType = "t4g.small" })
	_, err := d.target(t.Context())
	if err == nil || !strings.Contains(err.Error(), "its instances are amd64 t3.micro, t3.small, and what runs on them can't run on arm64 t4g.small") {
		t.Errorf("target: %v", err)
	}
}

func TestImagesOfAnotherArchitectureDoNotFit(t *testing.T) {
	for platform, fits := range map[string]bool{"linux/arm64": true, "linux/arm64/v8": true, "linux/amd64": false, "": false} {
		err := target{arch: "arm64"}.fits([]builder.Image{{Name: "web", Platform: platform}})
		if (err == nil) != fits {
			t.Errorf("%q: %v", platform, err)
		}
	}
}

func TestWhatALaunchStartsFromIsChecked(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	d := toCloud(t, cloud, nil)
	start(t, cloud, d, "shop-dev1", beanstalk.Setting{Namespace: "aws:rds:dbinstance", Name: "HasCoupledDatabase", Value: "true"})
	docker, err := d.beanstalk.Platform(t.Context(), "Docker running on 64bit Amazon Linux 2023")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare(cloud).CreateConfigurationTemplate(t.Context(), &elasticbeanstalk.CreateConfigurationTemplateInput{
		ApplicationName: aws.String("shop"), TemplateName: aws.String("docker"), PlatformArn: &docker,
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*config.Environment)
		want   string
	}{
		{"a platform that doesn't exist", func(e *config.Environment) { e.Platform = "ECS running on 64bit Amazon Linux 2032" }, "the nearest: ECS running on 64bit Amazon Linux 2023"},
		{"a platform that can't run images", func(e *config.Environment) { e.Platform = "Docker running on 64bit Amazon Linux 2023" }, "can't run images"},
		{"a saved configuration that doesn't exist", func(e *config.Environment) { e.Platform, e.SavedConfiguration = "", "base" }, "environment.saved_configuration"},
		{"a saved configuration of another platform", func(e *config.Environment) { e.Platform, e.SavedConfiguration = "", "docker" }, "can't run images"},
		{"a saved configuration mistyped", func(e *config.Environment) { e.Platform, e.SavedConfiguration = "", "dokcer" }, "the nearest: docker"},
		{"a source that doesn't exist", func(e *config.Environment) { e.Platform, e.CopyFrom = "", "shop-dve1" }, "the nearest: shop-dev1"},
	} {
		d := toCloud(t, cloud, tt.change)
		_, err := d.target(t.Context())
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	d = toCloud(t, cloud, func(e *config.Environment) { e.Platform, e.CopyFrom = "", "shop-dev1" })
	got, err := d.target(t.Context())
	if err != nil || got.base.Copy == nil || got.arch != "amd64" {
		t.Errorf("a source that lives: %+v, %v", got, err)
	}
	var said bytes.Buffer
	d.talk = newTalk(&said, nil, nil)
	if d.sayLeftOut(got); !strings.Contains(said.String(), "the copy of environment shop-dev1 leaves out its database (aws:rds)") {
		t.Errorf("said %q", said.String())
	}
}

func TestAnAddressThatAStrangerHasIsSaid(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	d := toCloud(t, cloud, nil)
	platform, err := d.beanstalk.Platform(t.Context(), d.cfg.Environment.Platform)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare(cloud).CreateEnvironment(t.Context(), &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: aws.String("stranger"), CNAMEPrefix: &d.name, PlatformArn: &platform,
		OptionSettings: []types.ConfigurationOptionSetting{{
			Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role"),
		}},
	}); err != nil {
		t.Fatal(err)
	}
	_, err = d.target(t.Context())
	if !errors.Is(err, envs.ErrTaken) || !strings.Contains(err.Error(), d.name) || !strings.Contains(strings.Join(hints(err), " "), "--feature") {
		t.Errorf("target: %v, hints %q", err, hints(err))
	}
}

func TestAnEnvironmentMadeByHandIsLeftAlone(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	d := toCloud(t, cloud, nil)
	platform, err := d.beanstalk.Platform(t.Context(), d.cfg.Environment.Platform)
	if err != nil {
		t.Fatal(err)
	}
	op, err := d.beanstalk.Launch(t.Context(), beanstalk.Launch{Name: d.name, Application: "shop", Version: anyVersion(t, cloud), Base: beanstalk.Base{Platform: platform}, Settings: d.settings})
	if err == nil {
		_, err = d.beanstalk.Wait(t.Context(), op, func(beanstalk.Event) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.target(t.Context())
	if !errors.Is(err, envs.ErrNotOurs) || len(hints(err)) == 0 {
		t.Errorf("target: %v", err)
	}
}
