package envs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
)

// newDeploy is a deploy of the feature x as change makes it, to a platform that runs images.
func (p *plot) newDeploy(change func(*Deployment)) *deploy {
	p.Helper()
	request := deployment("x", "one")
	request.Base = Base{Platform: testECS}
	if change != nil {
		change(&request)
	}
	d, err := p.manager.newDeploy(p.Context(), request, Options{})
	if err == nil {
		d.run.store, err = p.manager.store(p.Context())
	}
	if err != nil {
		p.Fatal(err)
	}
	return d
}

// launched launches an environment as a Manager does not, without a bundle.
func (p *plot) launched(name string, tags Tags, settings ...beanstalk.Setting) Env {
	p.Helper()
	ctx := p.Context()
	l := p.manager.changing(p.store(), func(context.Context) error { return nil })
	if err := l.beanstalk.CreateApplication(ctx, "shop"); err != nil {
		p.Fatal(err)
	}
	label := fmt.Sprintf("sample-%d", len(p.cloud.Calls()))
	if _, err := p.bare().CreateApplicationVersion(ctx, &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: &label}); err != nil {
		p.Fatal(err)
	}
	platform, err := p.manager.beanstalk.Platform(ctx, testECS)
	if err != nil {
		p.Fatal(err)
	}
	op, err := l.beanstalk.Launch(ctx, beanstalk.Launch{
		Name: name, Application: "shop", Version: label, Tags: tags,
		Base: beanstalk.Base{Platform: platform}, Settings: append(deployment("", "").Settings, settings...),
	})
	if err != nil {
		p.Fatal(err)
	}
	e, err := p.manager.beanstalk.Wait(ctx, op, nil)
	if _, failed := errors.AsType[*beanstalk.Failure](err); err != nil && !failed {
		p.Fatal(err)
	}
	return e
}

func instances(types string) beanstalk.Setting {
	return beanstalk.Setting{Namespace: "aws:ec2:instances", Name: "InstanceTypes", Value: types}
}

func TestTheArchitectureIsThatOfTheInstances(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	copies := func(d *Deployment) { d.Base = Base{CopyFrom: "shop-dev1"} }
	for _, tt := range []struct {
		name   string
		change func(*Deployment)
		before func()
		want   string
	}{
		{name: "AWS's default", want: "amd64"},
		{name: "the types", change: func(d *Deployment) { d.Settings = append(d.Settings, instances("c7g.large, m7g.large")) }, want: "arm64"},
		{name: "the obsolete setting", change: func(d *Deployment) {
			d.Settings = append(d.Settings, beanstalk.Setting{Namespace: "aws:autoscaling:launchconfiguration", Name: "InstanceType", Value: "a1.medium"})
		}, want: "arm64"},
		{name: "the copy's", change: copies, before: func() { p.launched("shop-dev1", nil, instances("t4g.small")) }, want: "arm64"},
		{name: "the types over a copy", change: func(d *Deployment) { copies(d); d.Settings = append(d.Settings, instances("t3.small")) }, want: "amd64"},
		{name: "the living environment's", change: copies, before: func() { p.launched(p.name("x"), NewTags("x", "Kim", time.Now()), instances("t3.large")) }, want: "amd64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before != nil {
				tt.before()
			}
			d := p.newDeploy(tt.change)
			if _, err := d.lookFirst(t.Context()); err != nil || d.arch != tt.want {
				t.Errorf("architecture = %s, %v; want %s", d.arch, err, tt.want)
			}
		})
	}
}

func TestWhatCannotBeRightIsRefused(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	before := len(p.cloud.Calls())
	for want, change := range map[string]func(*Deployment){
		"Feature":  func(d *Deployment) { d.Feature = "" },
		"Base":     func(d *Deployment) { d.Base.CopyFrom = "another" },
		"Settings": func(d *Deployment) { d.Settings = append(d.Settings, instances("t3.micro,t4g.micro")) },
	} {
		request := deployment("x", "one")
		change(&request)
		_, err := p.manager.Deploy(t.Context(), request, Options{})
		if field, ok := errors.AsType[*FieldError](err); !ok || field.Field != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if calls := p.cloud.Calls()[before:]; len(calls) > 0 {
		t.Errorf("it calls %v", calls)
	}
}

// picky is a source that refuses each architecture, and notes which.
type picky struct {
	archive
	architectures *[]string
}

func (s picky) Check(_ context.Context, arch string) error {
	*s.architectures = append(*s.architectures, arch)
	return errors.New("for no architecture")
}

func TestASourceIsAskedAboutTheArchitectureBeforeAnything(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	var architectures []string
	request := deployment("x", "one")
	request.Base, request.Source = Base{Platform: testECS}, picky{archive{}, &architectures}
	request.Settings = append(request.Settings, instances("t4g.small"))
	before := len(p.cloud.Calls())
	_, err := p.manager.Deploy(t.Context(), request, Options{})
	if err == nil || err.Error() != "for no architecture" || len(architectures) != 1 || architectures[0] != "arm64" || len(p.cloud.Calls()) > before {
		t.Errorf("Deploy: %v, asked about %q, calls %v", err, architectures, p.cloud.Calls()[before:])
	}
}

func TestALivingEnvironmentKeepsItsArchitecture(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.launched(p.name("x"), NewTags("x", "Kim", time.Now()))
	_, err := p.newDeploy(func(d *Deployment) { d.Settings = append(d.Settings, instances("t4g.small")) }).find(t.Context())
	if _, ok := errors.AsType[*ArchitectureError](err); !ok || !strings.Contains(err.Error(), "its instances are amd64 t3.micro, t3.small, and what runs on them can't run on arm64 t4g.small") {
		t.Errorf("find: %v", err)
	}
}

func TestAnArchitectureThatIsSetNoLongerIsKept(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	request := deployment("x", "one")
	request.Settings = append(request.Settings, instances("t4g.small"))
	p.deployed(request, Created)
	before := len(p.cloud.Calls())
	_, err := p.manager.Deploy(t.Context(), deployment("x", "one"), Options{})
	if _, ok := errors.AsType[*ArchitectureError](err); !ok || len(p.changesSince(before)) > 0 {
		t.Errorf("Deploy: %v, calls %q", err, p.changesSince(before))
	}
}

func TestImagesOfAnotherArchitectureDoNotFit(t *testing.T) {
	for platform, fits := range map[string]bool{"linux/arm64": true, "linux/arm64/v8": true, "linux/amd64": false, "": false} {
		err := destination{arch: "arm64"}.fits([]Image{{Name: "web", Platform: platform}})
		if (err == nil) != fits {
			t.Errorf("%q: %v", platform, err)
		}
	}
}

func TestWhatALaunchStartsFromIsChecked(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	p.launched("shop-dev1", nil, beanstalk.Setting{Namespace: "aws:rds:dbinstance", Name: "HasCoupledDatabase", Value: "true"})
	docker, err := p.manager.beanstalk.Platform(t.Context(), "Docker running on 64bit Amazon Linux 2023")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.bare().CreateConfigurationTemplate(t.Context(), &elasticbeanstalk.CreateConfigurationTemplateInput{
		ApplicationName: aws.String("shop"), TemplateName: aws.String("docker"), PlatformArn: &docker,
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name        string
		base        Base
		field, want string
	}{
		{"a platform that doesn't exist", Base{Platform: "ECS running on 64bit Amazon Linux 2032"}, "Base.Platform", "the nearest: ECS running on 64bit Amazon Linux 2023"},
		{"a platform that can't run images", Base{Platform: "Docker running on 64bit Amazon Linux 2023"}, "Base.Platform", "can't run images"},
		{"a saved configuration that doesn't exist", Base{SavedConfiguration: "base"}, "Base.SavedConfiguration", "No Configuration Template named"},
		{"a saved configuration of another platform", Base{SavedConfiguration: "docker"}, "Base.SavedConfiguration", "can't run images"},
		{"a saved configuration mistyped", Base{SavedConfiguration: "dokcer"}, "Base.SavedConfiguration", "the nearest: docker"},
		{"a source that doesn't exist", Base{CopyFrom: "shop-dve1"}, "Base.CopyFrom", "the nearest: shop-dev1"},
	} {
		_, err := p.newDeploy(func(d *Deployment) { d.Base = tt.base }).find(t.Context())
		if field, ok := errors.AsType[*FieldError](err); !ok || field.Field != tt.field || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	d, said := p.newDeploy(func(d *Deployment) { d.Base = Base{CopyFrom: "shop-dev1"} }), told{}
	d.options = said.options()
	got, err := d.find(t.Context())
	if err != nil || got.base.Copy == nil || got.arch != "amd64" {
		t.Errorf("a source that lives: %+v, %v", got, err)
	}
	if d.noteLeftOut(got); !strings.Contains(said.String(), "the copy of environment shop-dev1 leaves out its database (aws:rds)") {
		t.Errorf("said %q", said.String())
	}
}

func TestAWorkersConfigurationIsRefusedBeforeAnything(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("other", "one"), Created)
	worker := p.create(elasticbeanstalk.CreateEnvironmentInput{
		EnvironmentName: aws.String("shop-jobs"), Tier: &types.EnvironmentTier{Name: aws.String("Worker"), Type: aws.String("SQS/HTTP")},
	})
	_, err := p.bare().CreateConfigurationTemplate(t.Context(), &elasticbeanstalk.CreateConfigurationTemplateInput{
		ApplicationName: aws.String("shop"), TemplateName: aws.String("jobs"), EnvironmentId: &worker,
	})
	if err != nil {
		t.Fatal(err)
	}
	before := len(p.cloud.Calls())
	for _, base := range []Base{{SavedConfiguration: "jobs"}, {CopyFrom: "shop-jobs"}} {
		for _, dry := range []bool{false, true} {
			request := deployment("x", "one")
			request.Base = base
			if _, err := p.manager.Deploy(t.Context(), request, Options{DryRun: dry}); err == nil || !strings.Contains(err.Error(), "worker") {
				t.Errorf("%+v: %v", base, err)
			}
		}
	}
	if sent := p.changesSince(before); len(sent) > 0 {
		t.Errorf("%q reached the cloud", sent)
	}
}

func TestImagesAreNotDeployedToAPlatformThatCannotRunThem(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	images := p.manager
	p.manager = p.newManager(nil)
	e := p.deployed(deployment("x", "one"), Created)
	if _, err := p.newDeploy(nil).find(t.Context()); err != nil {
		t.Errorf("an artifact: %v", err)
	}
	p.manager = images
	_, err := p.newDeploy(nil).find(t.Context())
	if platform, ok := errors.AsType[*PlatformError](err); !ok || !strings.Contains(err.Error(), e.ID) || !strings.HasPrefix(platform.Platform, testPlatform) {
		t.Errorf("images go to %v", err)
	}
	if _, isField := errors.AsType[*FieldError](err); isField {
		t.Error("a field of the deployment is blamed")
	}
}

func TestThePlatformMustRunWhatTheBundleDescribes(t *testing.T) {
	const platform = "arn:aws:elasticbeanstalk:us-east-1::platform/"
	for arn, runs := range map[string][]bool{ // a Dockerrun, a compose file
		platform + "ECS running on 64bit Amazon Linux 2023/4.2.0":         {true, false},
		platform + "Docker running on 64bit Amazon Linux 2023/4.6.0":      {false, true},
		platform + "Corretto 21 running on 64bit Amazon Linux 2023/4.6.0": {false, false},
		"arn:aws:elasticbeanstalk:us-east-1:123456789012:platform/Own":    {true, true},
	} {
		for i, compose := range []bool{false, true} {
			d := &deploy{manager: &Manager{}, Deployment: Deployment{Compose: compose}}
			err := d.runsOn(arn)
			if refused, ok := errors.AsType[*PlatformError](err); ok == runs[i] || ok && refused.Compose != compose {
				t.Errorf("compose %v on %s: %v", compose, arn, err)
			}
		}
	}
}

func TestAnEnvironmentMadeByHandIsLeftAlone(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.launched(p.name("x"), nil)
	before := len(p.cloud.Calls())
	if _, err := p.manager.Deploy(t.Context(), deployment("x", "one"), Options{}); !errors.Is(err, ErrNotOurs) {
		t.Errorf("Deploy: %v", err)
	}
	if sent := p.changesSince(before); len(sent) > 0 {
		t.Errorf("%q reached the cloud", sent)
	}
}

func TestAFailedLaunchThatIsProtectedIsNotRemoved(t *testing.T) {
	p := newPlot(t, localcloud.Config{Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error { return engine.Fail("no") }}}, nil)
	r, err := p.manager.Deploy(t.Context(), deployment("x", "one"), Options{})
	if _, failed := errors.AsType[*beanstalk.Failure](err); !failed {
		t.Fatalf("the launch ends with %v", err)
	}
	d := p.newDeploy(nil)
	for _, protected := range []bool{false, true} {
		if protected {
			if _, err := p.manager.Protect(t.Context(), r.Environment, "", Options{By: "kim"}); err != nil {
				t.Fatal(err)
			}
		}
		if d.run.record, err = p.store().Read(t.Context(), d.run.name); err != nil {
			t.Fatal(err)
		}
		to, err := d.lookFirst(t.Context())
		refusal, refused := errors.AsType[*ProtectedError](err)
		if refused != protected || refused && !refusal.Launch || err == nil && !to.broken {
			t.Errorf("protected: %v; the destination is %+v, %v", protected, to, err)
		}
	}
}

func TestTheURLGoesByTheSchemeAndThenByTheListeners(t *testing.T) {
	alone := []beanstalk.Setting{
		{Namespace: "aws:elbv2:listener:443", Name: "Protocol", Value: "HTTPS"},
		{Namespace: "aws:elbv2:listener:default", Name: "ListenerEnabled", Value: "false"},
	}
	for name, tt := range map[string]struct {
		deployment Deployment
		want       bool
	}{
		"nothing is said":          {Deployment{}, false},
		"https is said":            {Deployment{Scheme: HTTPS}, true},
		"the listeners":            {Deployment{Settings: alone}, true},
		"http, whatever they take": {Deployment{Scheme: HTTP, Settings: alone}, false},
	} {
		d := deploy{Deployment: tt.deployment}
		if got := d.answersByHTTPS(beanstalk.Configuration{}); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheSchemeOfADeployIsItsOwn(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	secure := deployment("secure", "one")
	secure.Scheme = HTTPS
	if e := p.deployed(secure, Created); !strings.HasPrefix(e.URL(), "https://") {
		t.Errorf("its URL is %s", e.URL())
	}
	if e := p.deployed(deployment("plain", "one"), Created); !strings.HasPrefix(e.URL(), "http://") {
		t.Errorf("another's URL is %s", e.URL())
	}
	p.launched(p.name("x"), NewTags("x", "Kim", time.Now()),
		beanstalk.Setting{Namespace: "aws:elbv2:listener:443", Name: "Protocol", Value: "HTTPS"},
		beanstalk.Setting{Namespace: "aws:elbv2:listener:default", Name: "ListenerEnabled", Value: "false"})
	if to, err := p.newDeploy(nil).find(t.Context()); err != nil || !strings.HasPrefix(to.url, "https://") {
		t.Errorf("what lives takes HTTPS alone, and its URL is %s, %v", to.url, err)
	}
	p.manager.config.HTTPS = true
	list, err := p.manager.List(t.Context(), Filter{})
	if err != nil || len(list.Environments) != 3 {
		t.Fatalf("List: %+v, %v", list, err)
	}
	for _, e := range list.Environments {
		if !strings.HasPrefix(e.URL(), "https://") {
			t.Errorf("the URL of %s is %s", e.Feature, e.URL())
		}
	}
}

func TestAnEnvironmentStaysOnItsPlatform(t *testing.T) {
	const docker = "Docker running on 64bit Amazon Linux 2023"
	for _, tt := range []struct{ platform, arn, want string }{
		{"", "arn:aws:elasticbeanstalk:us-east-1::platform/" + docker + "/4.6.0", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1::platform/" + docker + "/4.6.0", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1::platform/" + testPlatform + "/4.6.0", testPlatform},
		{docker, "", ""},
		{docker, "arn:aws:elasticbeanstalk:us-east-1:123456789012:platform/our own/1.0.0", ""},
	} {
		if got := otherPlatform(tt.platform, tt.arn); got != tt.want {
			t.Errorf("wanted %q, on %q: %q, want %q", tt.platform, tt.arn, got, tt.want)
		}
	}
}
