package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"beansprout/builder"
	"beansprout/cmd/internal/failure"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
	"beansprout/localcloud/engine"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

func TestWhatAWSRejectsIsLocated(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	for environment, want := range map[string]string{
		corretto + "  options:\n    aws:elasticbeanstalk:command: {Timeout: 0}\n":                                                                                   ":7:45: environment.options.aws:elasticbeanstalk:command.Timeout: ",
		corretto + "  options:\n    \"aws:nothing:there\":\n      Foo: bar\n":                                                                                       ":8:12: environment.options.aws:nothing:there.Foo: ",
		corretto + "  options:\n    aws:elasticbeanstalk:environment: {EnvironmentType: LoadBalanced, LoadBalancerIsShared: true, LoadBalancerType: application}\n": "hint: " + p.config + " doesn't set aws:",
		"  copy_from: shop-dve1\n":                                     ":5:14: environment.copy_from: ",
		"  platform: Corretto 21 running on 64bit Amazon Linux 2032\n": ":5:13: environment.platform: ",
	} {
		p.deploys(environment, "")
		out := p.up("x")
		code := failure.ExitUsage
		if strings.HasPrefix(want, "hint: ") {
			code = failure.ExitFailed
		}
		if out.code != code || !strings.Contains(out.stderr, want) {
			t.Errorf("%s\nends with %d: %s", environment, out.code, out.stderr)
		}
	}
}

func TestWhatAWSSaysComesWithTheNextStep(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cloud localcloud.Config
		said  string
		hint  string
	}{
		{"the quota of environments", localcloud.Config{Quotas: cloudbeanstalk.Quotas{Environments: 1}}, "TooManyEnvironmentsException", "hint: beansprout list"},
		{"elastic IPs", localcloud.Config{Pretend: failing("Creating EIP failed Reason: The maximum number of addresses has been reached.")},
			"maximum number of addresses", "shared_load_balancer"},
		{"a right of Beanstalk's own work", localcloud.Config{Pretend: failing("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ec2:RunInstances on resource: *")},
			"ec2:RunInstances", "operations_role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlot(t, tt.cloud)
			p.deploys(corretto, "")
			if tt.cloud.Quotas.Environments > 0 {
				p.sprout("another")
			}
			if out := p.up("x"); out.code != failure.ExitFailed || !strings.Contains(out.stderr, tt.said) || !strings.Contains(out.stderr, tt.hint) {
				t.Errorf("it ends with %d: %s", out.code, out.stderr)
			}
		})
	}
}

func failing(reason string) *engine.Pretend {
	return &engine.Pretend{Outcome: func(engine.Deployment) error { return engine.Fail(reason) }}
}

func TestARoleThatDoesNotExistIsAKeyOfTheFile(t *testing.T) {
	for reason, want := range map[string]string{
		"The instance profile nobody associated with the environment does not exist.": "environment.instance_profile",
		"The service role nobody associated with the environment does not exist.":     "environment.service_role",
	} {
		if got := strings.Join(failure.Hints(failure.Explain(&beanstalk.Failure{Reason: reason})), " "); !strings.Contains(got, want) {
			t.Errorf("%s: %q", reason, got)
		}
	}
}

// refusing is AWS without a right: it refuses one operation and hands on the others.
type refusing struct{ operation, code, message string }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(body), "Action="+r.operation+"&") {
		req.Body = io.NopCloser(strings.NewReader(string(body)))
		return http.DefaultTransport.RoundTrip(req)
	}
	text := fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`, r.code, r.message)
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func TestAMissingRightIsNamedWithTheStatementThatGrantsIt(t *testing.T) {
	cfg := newPlot(t, localcloud.Config{}).aws
	for _, tt := range []struct{ code, message string }{
		{"AccessDenied", "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: elasticbeanstalk:CreateApplication on resource: arn:aws:elasticbeanstalk:us-east-1:123456789012:application/other"},
		{"InsufficientPrivilegesException", "You do not have permission to do this."},
	} {
		cfg.HTTPClient = &http.Client{Transport: refusing{"CreateApplication", tt.code, tt.message}}
		client := beanstalk.New(elasticbeanstalk.NewFromConfig(cfg), nil)
		err := failure.Explain(client.Changing(allowed).CreateApplication(t.Context(), "other"))
		said := strings.Join(failure.Hints(err), " ")
		if !strings.Contains(said, "elasticbeanstalk:CreateApplication is missing: ") || !strings.Contains(said, "statement Versions ") {
			t.Errorf("%s: %v, hints %q", tt.code, err, said)
		}
	}
}

func TestABaseImageThatIsNotThereHasItsAdvice(t *testing.T) {
	err := &builder.BuildError{Image: "web", Step: "[internal] load metadata for registry.example.com/nope:1", Err: errors.New("not found")}
	if got := failure.Render(failure.Explain(err)); !strings.Contains(got, "hint: FROM names this base image") {
		t.Error(got)
	}
}
