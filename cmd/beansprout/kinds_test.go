package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
	"beansprout/localcloud/engine"
	"beansprout/test/must"
)

// failed is an error as --json prints it.
type failed struct{ Kind, Message, Hint string }

// fails runs the whole program in this process, which must fail, and returns the error that it prints.
func (p *plot) fails(ctx context.Context, args ...string) failed {
	p.Helper()
	p.Setenv("BEANSPROUT_LOCAL_DIR", p.dir)
	var stdout, stderr bytes.Buffer
	code := execute(ctx, slices.Concat([]string{"beansprout"}, args, []string{"--config", p.config, "--json"}), &stdout, &stderr)
	var v struct{ Error failed }
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil || code == 0 {
		p.Fatalf("%q ends with %d, %v: %s%s", args, code, err, stdout.String(), stderr.String())
	}
	return v.Error
}

// local is fails against the local cloud.
func (p *plot) local(args ...string) failed {
	p.Helper()
	return p.fails(p.Context(), append([]string{"--local"}, args...)...)
}

func (p *plot) upFails(feature string) failed {
	p.Helper()
	return p.local("up", "--feature", feature, filepath.Dir(p.config))
}

func (p *plot) upWorks(feature string) state {
	p.Helper()
	p.ok("up", "--feature", feature, filepath.Dir(p.config))
	return p.status(feature)
}

// against is fails against another AWS.
func (p *plot) against(endpoint string) failed {
	p.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		p.Setenv(name, value)
	}
	return p.fails(p.Context(), "list")
}

// provocations bring about each kind of error that there is.
var provocations = map[string]struct {
	cloud   localcloud.Config
	provoke func(p *plot) failed
}{
	"usage": {provoke: func(p *plot) failed { return p.local("list", "--state", "nonsense") }},
	"interrupted": {provoke: func(p *plot) failed {
		ctx, cancel := context.WithCancel(p.Context())
		cancel()
		return p.fails(ctx, "--local", "list")
	}},
	"timeout":   {provoke: func(p *plot) failed { return p.local("list", "--timeout", "1ns") }},
	"not_ours":  {provoke: func(p *plot) failed { p.launchBare(p.name("x")); return p.local("status", "x") }},
	"not_found": {provoke: func(p *plot) failed { return p.local("status", "x") }},
	"credentials": {provoke: func(p *plot) failed {
		return p.against(serve(p, httptest.NewServer, http.StatusForbidden, "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>"))
	}},
	"certificate": {provoke: func(p *plot) failed { return p.against(serve(p, httptest.NewTLSServer, http.StatusOK, "")) }},
	"unavailable": {provoke: func(p *plot) failed {
		const nowhere = "aws.invalid"
		_, err := net.DefaultResolver.LookupHost(p.Context(), nowhere)
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
			p.Skip("nothing here says that a name does not exist")
		}
		return p.against("http://" + nowhere)
	}},
	"quota": {localcloud.Config{Quotas: cloudbeanstalk.Quotas{Environments: 1}}, func(p *plot) failed {
		p.deploys(corretto, "")
		p.sprout("another")
		return p.upFails("x")
	}},
	"taken": {provoke: func(p *plot) failed {
		p.deploys(corretto, "")
		p.upWorks("x")
		p.ok("down", "x")
		p.launchBare("other")
		return p.local("restore", "x")
	}},
	"denied": {localcloud.Config{Denied: []string{"elasticbeanstalk:CreateEnvironment"}}, func(p *plot) failed { p.deploys(corretto, ""); return p.upFails("x") }},
	"no_engine": {provoke: func(p *plot) failed {
		p.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
		dir := filepath.Dir(p.config)
		must.Succeed(p, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600))
		must.Succeed(p, os.WriteFile(filepath.Join(dir, "Dockerrun.template.json"), []byte(`{"AWSEBDockerrunVersion": 2, "containerDefinitions": [
			{"name": "web", "image": "${image.web}", "memory": 64, "essential": true, "portMappings": [{"hostPort": 80, "containerPort": 80}]}]}`), 0o600))
		return p.upFails("x")
	}},
	"check": {localcloud.Config{Pretend: &engine.Pretend{Answer: func(engine.Deployment) http.Handler { return http.NotFoundHandler() }}}, func(p *plot) failed {
		p.deploys(corretto, "")
		text := must.Read(p, p.config)
		must.Succeed(p, os.WriteFile(p.config, []byte(strings.Replace(text, "check: off", "check: {timeout: 1s}", 1)), 0o600))
		return p.upFails("x")
	}},
	"build": {provoke: func(p *plot) failed {
		p.deploys(corretto, "")
		must.Succeed(p, appendTo(p.config, "prepare: exit 3\n"))
		return p.upFails("x")
	}},
	"deploy": {localcloud.Config{Pretend: failing("it does not start")}, func(p *plot) failed { p.deploys(corretto, ""); return p.upFails("x") }},
	"protected": {provoke: func(p *plot) failed {
		p.sprout("x")
		p.ok("keep", "x")
		return p.local("down", "x")
	}},
	"alive": {provoke: func(p *plot) failed { p.sprout("x"); return p.local("restore", "x") }},
	"going": {localcloud.Config{TerminateTime: time.Hour}, func(p *plot) failed {
		e := p.sprout("x")
		_, err := p.bare().TerminateEnvironment(p.Context(), &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentId: &e.ID})
		must.Succeed(p, err)
		return p.local("extend", "x", "--by", "1d")
	}},
	"not_ready": {localcloud.Config{UpdateTime: time.Hour}, func(p *plot) failed {
		e := p.sprout("x")
		version := p.version("another")
		_, err := p.bare().UpdateEnvironment(p.Context(), &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentId: &e.ID, VersionLabel: &version})
		must.Succeed(p, err)
		return p.local("logs", "x")
	}},
	"expiry": {provoke: func(p *plot) failed {
		p.sprout("x")
		p.ok("extend", "x", "--by", "300d")
		return p.local("extend", "x", "--by", "300d")
	}},
	"version": {provoke: func(p *plot) failed {
		p.deploys(corretto, "one")
		one := p.upWorks("x")
		p.deploys(corretto, "two")
		p.upWorks("x")
		p.put(store.BundleKey(one.Version, "zip"), "other bytes")
		return p.local("rollback", "x")
	}},
	"conflict": {provoke: func(p *plot) failed {
		p.deploys(corretto, "one")
		one := p.upWorks("x")
		p.ok("down", "x", "--purge")
		p.put("elsewhere.zip", "x")
		_, err := p.beanstalk.Changing(allowed).Register(p.Context(), beanstalk.Version{Application: "shop", Label: one.Version, Bucket: p.store.Bucket(), Key: "elsewhere.zip"})
		must.Succeed(p, err)
		return p.upFails("x")
	}},
	"platform": {provoke: func(p *plot) failed {
		p.deploys(corretto+"  instance_type: t3.small\n", "one")
		p.upWorks("x")
		p.deploys(corretto+"  instance_type: t4g.small\n", "two")
		return p.upFails("x")
	}},
	"slack": {provoke: func(p *plot) failed {
		p.Setenv("SLACK_BOT_TOKEN", "xoxb-1")
		p.Setenv("SLACK_APP_TOKEN", "xapp-1")
		p.Setenv("BEANSPROUT_SLACK_API_URL", serve(p, httptest.NewServer, http.StatusOK, `{"ok": false, "error": "invalid_auth"}`)+"/")
		must.Succeed(p, appendTo(p.config, "slack: {channel: C0123}\n"))
		return p.fails(p.Context(), "slack", "test")
	}},
	"failed": {provoke: func(p *plot) failed {
		p.deploys(corretto+"  options:\n    aws:elasticbeanstalk:environment: {EnvironmentType: LoadBalanced, LoadBalancerIsShared: true, LoadBalancerType: application}\n", "")
		return p.upFails("x")
	}},
}

// serve starts a server that answers everything alike.
func serve(p *plot, start func(http.Handler) *httptest.Server, status int, text string) string {
	s := start(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	s.Config.ErrorLog = nil
	p.Cleanup(s.Close)
	return s.URL
}

func appendTo(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(old, text...), 0o600)
}

// launchBare makes an environment with the address of the feature x as other tools do.
func (p *plot) launchBare(name string) {
	p.Helper()
	stacks, err := p.bare().ListAvailableSolutionStacks(p.Context(), nil)
	must.Succeed(p, err)
	_, err = p.bare().CreateEnvironment(p.Context(), &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: &name, CNAMEPrefix: aws.String(p.name("x")), SolutionStackName: &stacks.SolutionStacks[0],
		OptionSettings: []types.ConfigurationOptionSetting{
			{Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role")},
			{Namespace: aws.String("aws:elasticbeanstalk:environment"), OptionName: aws.String("ServiceRole"), Value: aws.String("aws-elasticbeanstalk-service-role")},
		},
	})
	must.Succeed(p, err)
}

// TestEachKindOfErrorIsProvokedAndHasAHint takes the kinds from the document that lists them, which is
// compared with the code.
func TestEachKindOfErrorIsProvokedAndHasAHint(t *testing.T) {
	documented := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(must.Read(t, "../../docs/errors.md"), -1)
	if len(documented) != len(provocations) {
		t.Errorf("%d kinds are documented, %d are provoked", len(documented), len(provocations))
	}
	for _, m := range documented {
		t.Run(m[1], func(t *testing.T) {
			p, ok := provocations[m[1]]
			if !ok {
				t.Fatal("nothing provokes it")
			}
			got := p.provoke(newPlot(t, p.cloud))
			if got.Kind != m[1] || got.Message == "" || got.Hint == "" {
				t.Errorf("got %+v", got)
			}
			t.Log(got)
		})
	}
}
