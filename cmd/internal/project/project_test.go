package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"beansprout/builder"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/test/must"
)

// newProject returns a project that a beansprout.yaml with this environment makes.
func newProject(t *testing.T, environment string) *Project {
	t.Helper()
	file := filepath.Join(t.TempDir(), config.Name)
	must.Succeed(t, os.WriteFile(file, []byte("application: shop\nbuild: {web: {}}\nenvironment:\n"+environment), 0o600))
	p, err := Read(t.Context(), filepath.Dir(file), "", os.LookupEnv)
	must.Succeed(t, err)
	return p
}

// mistaken reports whether an error is a mistake in the project.
func mistaken(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

func TestInstancesOfSeveralArchitecturesAreRefused(t *testing.T) {
	p := newProject(t, "  options:\n    aws:ec2:instances: {InstanceTypes: \"t3.micro,t4g.micro\"}\n")
	err := p.Open(t.Context())
	if !mistaken(err) || !strings.HasPrefix(err.Error(), p.Config.File+":5:40: ") || !strings.Contains(err.Error(), "t3.micro is amd64, t4g.micro is arm64") {
		t.Error(err)
	}
}

func TestAnImageForAnotherArchitectureIsRefused(t *testing.T) {
	p := newProject(t, "  instance_type: t4g.small\n")
	p.engine = new(builder.Builder)
	for platform, want := range map[string]bool{"": false, config.PlatformARM64: false, config.PlatformAMD64: true} {
		p.Config.Build[0].Platform = platform
		if err := p.Check(t.Context(), "arm64"); mistaken(err) != want {
			t.Errorf("%q: %v", platform, err)
		}
	}
}

func TestADockerfileForAnotherArchitectureIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("the engine tells what it builds for")
	}
	p := newProject(t, "  instance_type: t4g.small\n")
	engine, err := builder.Connect(t.Context())
	must.Succeed(t, err)
	defer engine.Close()
	p.engine = engine
	file := filepath.Join(p.Config.Dir, "Dockerfile")
	must.Succeed(t, os.WriteFile(file, []byte("FROM --platform=linux/amd64 scratch\n"), 0o600))
	if err := p.Check(t.Context(), "arm64"); !mistaken(err) || !strings.HasPrefix(err.Error(), file+":1: ") {
		t.Errorf("a Dockerfile's own platform: %v", err)
	}
}

func TestEachKeyThatBecomesAnOptionIsLocated(t *testing.T) {
	p := newProject(t, "  instance_type: t3.small\n  variables: {A: b}\n  secrets:\n    DB: arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1B2c3\n")
	for option, want := range map[string]string{
		"Namespace: 'aws:ec2:instances', OptionName: 'InstanceTypes'":                               ":4:18: environment.instance_type: ",
		"Namespace: 'aws:elasticbeanstalk:application:environmentsecrets', OptionName: 'DB'":        ":7:9: environment.secrets.DB: ",
		"Namespace: 'aws:elasticbeanstalk:application:environment', OptionName: 'A'":                ":5:18: environment.variables.A: ",
		"Namespace: 'aws:elasticbeanstalk:application:environment', OptionName: 'EnvironmentParts'": ":5:14: environment.variables: ",
	} {
		for _, err := range []error{&beanstalk.Refusal{Message: "Invalid option value (" + option + ")"}, &beanstalk.Failure{Reason: "Invalid option value (" + option + ")"}} {
			if got := p.Locate(err); !strings.Contains(got.Error(), want) {
				t.Errorf("%s: %v, want %s", option, got, want)
			}
		}
	}
}

func TestTheSchemeGoesByTheFileAndThenByTheListeners(t *testing.T) {
	alone := map[string]map[string]string{
		"aws:elbv2:listener:443":     {"Protocol": "HTTPS"},
		"aws:elbv2:listener:default": {"ListenerEnabled": "false"},
	}
	for name, tt := range map[string]struct {
		environment config.Environment
		https       bool
		scheme      envs.Scheme
	}{
		"nothing is said":          {config.Environment{}, false, envs.ByListeners},
		"https is said":            {config.Environment{URL: config.URLHTTPS}, true, envs.HTTPS},
		"the listeners":            {config.Environment{Options: alone}, true, envs.ByListeners},
		"http, whatever they take": {config.Environment{URL: config.URLHTTP, Options: alone}, false, envs.HTTP},
	} {
		p := Of(&config.Config{Environment: tt.environment}, "", os.LookupEnv)
		if https, scheme := p.ManagerConfig().HTTPS, p.Deployment("x").Scheme; https != tt.https || scheme != tt.scheme {
			t.Errorf("%s: %v and %q, want %v and %q", name, https, scheme, tt.https, tt.scheme)
		}
	}
}

func TestOnlyAPushedBranchIsABranchByOrigin(t *testing.T) {
	for _, tt := range []struct {
		checkout checkout.Checkout
		feature  string
		want     string
	}{
		{checkout.Checkout{Branch: "login", Pushed: true}, "login", envs.SourceBranch},
		{checkout.Checkout{Branch: "login", Pushed: true}, "demo", envs.SourceName},
		{checkout.Checkout{Branch: "login"}, "login", envs.SourceName},
		{checkout.Checkout{Branch: "kim:main", Fork: true, Pushed: true}, "kim:main", envs.SourceFork},
		{checkout.Checkout{Branch: "kim:pull/7", Fork: true}, "kim:pull/7", envs.SourceFork},
		{checkout.Checkout{}, "demo", envs.SourceName},
	} {
		p := Of(&config.Config{}, "", os.LookupEnv)
		p.Checkout = tt.checkout
		if d := p.Deployment(tt.feature); d.Origin != tt.want {
			t.Errorf("%q of %+v is %q, want %q", tt.feature, tt.checkout, d.Origin, tt.want)
		}
	}
}
