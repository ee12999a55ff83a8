package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/builder"
	"beansprout/cmd/beansprout/config"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
	"beansprout/localcloud/engine"
)

// begin launches what the deployment is about and says how that ended, explained.
func begin(t *testing.T, cloud *localcloud.Cloud, d *deployment) error {
	t.Helper()
	to, err := d.newTarget(t.Context(), false)
	if err == nil {
		var op beanstalk.Operation
		op, err = d.beanstalk.Launch(t.Context(), beanstalk.Launch{
			Name: d.name, Application: "shop", Version: anyVersion(t, cloud), Base: to.base, Settings: d.settings,
		})
		if err == nil {
			_, err = d.beanstalk.Wait(t.Context(), op, func(beanstalk.Event) {})
		}
	}
	return explain(located(d.cfg, err))
}

// written makes the deployment's configuration the one of a file.
func (d *deployment) written(t *testing.T, environment string) *deployment {
	t.Helper()
	file := filepath.Join(t.TempDir(), config.Name)
	if err := os.WriteFile(file, []byte("application: shop\nbuild: {web: {}}\nenvironment:\n"+environment), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	d.cfg, d.settings = cfg, wish(cfg).Settings()
	return d
}

func TestAnOptionThatBeanstalkRejectsIsLocated(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	for environment, want := range map[string]string{
		"  options:\n    aws:elasticbeanstalk:command: {Timeout: 0}\n":                                                                                   ":5:45: environment.options.aws:elasticbeanstalk:command.Timeout: ",
		"  options:\n    \"aws:nothing:there\":\n      Foo: bar\n":                                                                                       ":6:12: environment.options.aws:nothing:there.Foo: ",
		"  options:\n    aws:elasticbeanstalk:environment: {EnvironmentType: LoadBalanced, LoadBalancerIsShared: true, LoadBalancerType: application}\n": "",
	} {
		err := begin(t, cloud, toCloud(t, cloud, nil).written(t, environment))
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Configuration validation exception") {
			t.Errorf("%s\nends with %v", environment, err)
		}
		if (exitCode(err) == exitUsage) != (want != "") {
			t.Errorf("%s\nends with exit code %d: %v", environment, exitCode(err), render(err))
		}
	}
}

func TestEachKeyThatBecomesAnOptionIsLocated(t *testing.T) {
	d := toCloud(t, emptyCloud(t, localcloud.Config{}), nil).written(t, "  instance_type: t3.small\n  variables: {A: b}\n  secrets:\n    DB: arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1B2c3\n")
	for option, want := range map[string]string{
		"Namespace: 'aws:ec2:instances', OptionName: 'InstanceTypes'":                               ":4:18: environment.instance_type: ",
		"Namespace: 'aws:elasticbeanstalk:application:environmentsecrets', OptionName: 'DB'":        ":7:9: environment.secrets.DB: ",
		"Namespace: 'aws:elasticbeanstalk:application:environment', OptionName: 'A'":                ":5:18: environment.variables.A: ",
		"Namespace: 'aws:elasticbeanstalk:application:environment', OptionName: 'EnvironmentParts'": ":5:14: environment.variables: ",
	} {
		for _, err := range []error{&beanstalk.Refusal{Message: "Invalid option value (" + option + ")"}, &beanstalk.Failure{Reason: "Invalid option value (" + option + ")"}} {
			if got := located(d.cfg, err); !strings.Contains(got.Error(), want) {
				t.Errorf("%s: %v, want %s", option, got, want)
			}
		}
	}
}

func TestWhatAWSSaysComesWithTheNextStep(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cloud  localcloud.Config
		change func(*config.Environment)
		said   string
		hint   string
	}{
		{"the quota of environments", localcloud.Config{Quotas: cloudbeanstalk.Quotas{Environments: 1}}, nil, "TooManyEnvironmentsException", "beansprout list"},
		{"elastic IPs", localcloud.Config{Pretend: failing("Creating EIP failed Reason: The maximum number of addresses has been reached.")}, nil,
			"maximum number of addresses", "shared_load_balancer"},
		{"a right of Beanstalk's own work", localcloud.Config{Pretend: failing("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ec2:RunInstances on resource: *")}, nil,
			"ec2:RunInstances", "operations_role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := emptyCloud(t, tt.cloud)
			if tt.cloud.Quotas.Environments > 0 {
				start(t, cloud, toCloud(t, cloud, nil), "shop-dev1")
			}
			err := begin(t, cloud, toCloud(t, cloud, tt.change))
			if err == nil || !strings.Contains(err.Error(), tt.said) || !strings.Contains(strings.Join(hints(err), " "), tt.hint) {
				t.Errorf("said %v, hints %q", err, hints(err))
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
		if got := strings.Join(hints(explain(&beanstalk.Failure{Reason: reason})), " "); !strings.Contains(got, want) {
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

func TestAMissingRightIsNamedWithTheLineThatGrantsIt(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{})
	key, secret := cloud.Credentials()
	for _, tt := range []struct{ code, message string }{
		{"AccessDenied", "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: elasticbeanstalk:CreateApplication on resource: arn:aws:elasticbeanstalk:us-east-1:123456789012:application/other"},
		{"InsufficientPrivilegesException", "You do not have permission to do this."},
	} {
		client := beanstalk.New(elasticbeanstalk.NewFromConfig(aws.Config{
			Region: localRegion, BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
			HTTPClient: &http.Client{Transport: refusing{"CreateApplication", tt.code, tt.message}},
		}), nil)
		err := explain(client.CreateApplication(t.Context(), "other"))
		said := strings.Join(hints(err), " ")
		if !strings.Contains(said, "elasticbeanstalk:CreateApplication is missing: line ") || !strings.Contains(said, "(Versions)") {
			t.Errorf("%s: %v, hints %q", tt.code, err, said)
		}
	}
	if line, sid := policyLine("elasticbeanstalk:CreateEnvironment"); line != 28 && sid != "CreateEnvironmentsThatCarryOurTags" {
		t.Errorf("CreateEnvironment is granted in line %d by %s", line, sid)
	}
	if h := denialHint(errors.New("AccessDenied for another reason")); h != "" {
		t.Errorf("a hint about no action: %s", h)
	}
}

func TestAWrongRegionIsSaid(t *testing.T) {
	err := fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "sts.ap-norteast-2.amazonaws.com", IsNotFound: true}})
	if h := sayingHint(err); !strings.Contains(h, "region") {
		t.Errorf("hint %q", h)
	}
}

func TestABaseImageThatIsNotThereHasItsAdvice(t *testing.T) {
	err := &builder.BuildError{Image: "web", Step: "[internal] load metadata for registry.example.com/nope:1", Err: errors.New("not found")}
	if got := render(explain(err)); !strings.Contains(got, "hint: FROM names this base image") {
		t.Error(got)
	}
}
