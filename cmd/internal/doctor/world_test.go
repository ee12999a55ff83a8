package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/service"
	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// world is everything that a deploy needs: a project in a git checkout, a local cloud, a Docker Engine and
// a Slack.
type world struct {
	*testing.T
	config  localcloud.Config // of the cloud, before it opens
	cloud   *localcloud.Cloud
	dir     string // of the project
	yaml    string
	feature string
	region  string
	slack   *notifytest.Server
	token   string // of the bot
	app     string // token of the app
	connect error  // why there is no configuration of AWS
	unknown bool   // AWS does not know the application
	// repository is the lifecycle policy of the application's repository, "" where it has none.
	repository string
	aws        aws.Config
	// answer may replace the answer of AWS to an action; nil replaces none.
	answer func(action string, form url.Values, original func() (*http.Response, error)) (*http.Response, error)
}

const shop = `application: shop
build: {web: {context: .}}
dockerrun: {template: Dockerrun.template.json}
slack: {channel: "#qa"}
`

const template = `{"AWSEBDockerrunVersion": 2, "containerDefinitions": [
  {"name": "web", "image": "${image.web}", "memory": 128, "portMappings": [{"hostPort": 80, "containerPort": 80}]}]}
`

// checkout is a git checkout of a project, from which each world has its own.
var checkout = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "checkout-"); err != nil {
		return dir, err
	}
	for name, text := range map[string]string{"Dockerrun.template.json": template, "Dockerfile": "FROM scratch\n"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for _, args := range []string{
		"init --quiet --initial-branch=login", "add .", "-c user.name=Kim -c user.email=kim@example.com commit --quiet --message=x",
	} {
		cmd := exec.Command("git", strings.Fields(args)...)
		cmd.Dir = dir
		err = errors.Join(err, cmd.Run())
	}
	return dir, err
})

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, dir: t.TempDir(), yaml: shop, region: "us-east-1", slack: notifytest.New(),
		token: notifytest.Token, app: notifytest.AppToken,
	}
	t.Cleanup(w.slack.Close)
	dir, err := checkout()
	must.Succeed(t, err)
	must.Succeed(t, os.CopyFS(w.dir, os.DirFS(dir)))
	return w
}

func (w *world) git(args ...string) {
	w.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("git %q: %v: %s", args, err, out)
	}
}

// open opens the cloud and creates the application.
func (w *world) open() {
	w.Helper()
	w.config.Dir = filepath.Join(w.TempDir(), "cloud")
	cloud, err := localcloud.Open(w.Context(), w.config)
	must.Succeed(w, err)
	w.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	w.cloud = cloud
	w.aws = awsconfig.Local(localcloud.Running{Endpoint: cloud.Endpoint(), Key: key, Secret: secret}, w.region)
	if !w.unknown {
		w.call("elasticbeanstalk", "CreateApplication", "ApplicationName", "shop")
	}
}

// call makes a call that Beansprout itself never makes.
func (w *world) call(service, action string, pairs ...string) {
	w.Helper()
	form := url.Values{"Action": {action}}
	form.Set("Version", map[string]string{"elasticbeanstalk": "2010-12-01", "iam": "2010-05-08"}[service])
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, w.cloud.Endpoint()+"/", strings.NewReader(body))
	must.Succeed(w, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	credentials, err := w.aws.Credentials.Retrieve(w.Context())
	must.Succeed(w, err)
	must.Succeed(w, v4.NewSigner().SignHTTP(w.Context(), credentials, r, fmt.Sprintf("%x", sha256.Sum256([]byte(body))), service, w.region, time.Now()))
	answer, err := http.DefaultClient.Do(r)
	must.Succeed(w, err)
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		w.Fatalf("%s: %s", action, text)
	}
}

// makeRepository makes the application's repository with its lifecycle policy.
func (w *world) makeRepository(name, region string) {
	w.Helper()
	if w.repository == "" {
		return
	}
	client := awsecr.NewFromConfig(w.aws, func(o *awsecr.Options) { o.Region = region })
	_, err := client.CreateRepository(w.Context(), &awsecr.CreateRepositoryInput{RepositoryName: &name})
	must.Succeed(w, err)
	_, err = client.PutLifecyclePolicy(w.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: &name, LifecyclePolicyText: &w.repository})
	must.Succeed(w, err)
}

// reroute has the cloud answer at AWS's own addresses.
func (w *world) reroute() { w.aws.BaseEndpoint = nil }

// Do sends a call to the cloud.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	action := r.Header.Get("X-Amz-Target")
	action = action[strings.LastIndexByte(action, '.')+1:]
	var form url.Values
	if r.Body != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, _ = url.ParseQuery(string(body))
		action, r = form.Get("Action"), r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if w.aws.BaseEndpoint == nil {
		r = w.redirected(r)
	}
	original := func() (*http.Response, error) { return http.DefaultClient.Do(r) }
	if w.answer == nil {
		return original()
	}
	return w.answer(action, form, original)
}

// redirected returns a call to AWS as one to the cloud.
func (w *world) redirected(r *http.Request) *http.Request {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	to, err := http.NewRequestWithContext(r.Context(), r.Method, w.cloud.Endpoint()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		w.Error(err)
		return r
	}
	to.Header = r.Header.Clone()
	scope := strings.Split(r.Header.Get("Authorization"), "/") // ... Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...
	if len(scope) < 4 {
		return to
	}
	credentials, err := w.aws.Credentials.Retrieve(r.Context())
	if err == nil {
		err = v4.NewSigner().SignHTTP(r.Context(), credentials, to, fmt.Sprintf("%x", sha256.Sum256(body)), scope[3], scope[2], time.Now())
	}
	if err != nil {
		w.Error(err)
	}
	return to
}

// replacing has a text in the answers to an action replaced.
func (w *world) replacing(of, old, with string) {
	w.answer = func(action string, _ url.Values, original func() (*http.Response, error)) (*http.Response, error) {
		answer, err := original()
		if err != nil || action != of {
			return answer, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		text = bytes.ReplaceAll(text, []byte(old), []byte(with))
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		return answer, err
	}
}

// refusing has the calls of an action refused whose form has the key.
func (w *world) refusing(service, of, key string) {
	message := "User: kim is not authorized to perform: " + service + ":" + of + " because no identity-based policy allows it"
	w.answer = func(action string, form url.Values, original func() (*http.Response, error)) (*http.Response, error) {
		if action != of || key != "" && !form.Has(key) {
			return original()
		}
		text := "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>" + message + "</Message></Error></ErrorResponse>"
		if form == nil {
			text = fmt.Sprintf(`{"__type": "AccessDeniedException", "message": %q}`, message)
		}
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
	}
}

// launch has an environment launched that is not ours.
func (w *world) launch(name string) {
	w.Helper()
	pairs := []string{"ApplicationName", "shop", "EnvironmentName", name, "CNAMEPrefix", name, "SolutionStackName", "64bit Amazon Linux 2023 v4.2.0 running ECS"}
	for i, option := range []string{
		"aws:autoscaling:launchconfiguration IamInstanceProfile aws-elasticbeanstalk-ec2-role", "aws:elasticbeanstalk:environment EnvironmentType SingleInstance",
	} {
		parts := strings.Fields(option)
		at := fmt.Sprintf("OptionSettings.member.%d.", i+1)
		pairs = append(pairs, at+"Namespace", parts[0], at+"OptionName", parts[1], at+"Value", parts[2])
	}
	w.call("elasticbeanstalk", "CreateEnvironment", pairs...)
}

// makeProfile makes an instance profile, with a role that has these policies of AWS.
func (w *world) makeProfile(name string, policies ...string) {
	w.Helper()
	w.call("iam", "CreateInstanceProfile", "InstanceProfileName", name)
	w.call("iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust("ec2.amazonaws.com"))
	for _, policy := range policies {
		w.call("iam", "AttachRolePolicy", "RoleName", name, "PolicyArn", "arn:aws:iam::aws:policy/"+policy)
	}
}

// examine makes the examination.
func (w *world) examine() []Finding {
	w.Helper()
	must.Write(w, filepath.Join(w.dir, "beansprout.yaml"), w.yaml)
	for variable, value := range map[string]string{"SLACK_BOT_TOKEN": w.token, "SLACK_APP_TOKEN": w.app, "SLACK_SIGNING_SECRET": ""} {
		w.Setenv(variable, value)
	}
	known := secrets.Take()
	getenv := func(name string) string {
		if name == "BEANSPROUT_SLACK_API_URL" {
			return w.slack.URL
		}
		return ""
	}
	p, err := project.Read(w.Context(), w.dir, "", func(string) (string, bool) { return "", false })
	must.Succeed(w, err)
	findings := Examine(w.Context(), Subject{
		Project: p, Feature: w.feature, Local: true, Getenv: getenv,
		Connector: &service.Connector{Secrets: known, Getenv: getenv, Local: true},
		Connect: func(context.Context) (aws.Config, error) {
			cfg := w.aws.Copy()
			cfg.HTTPClient = w
			return cfg, w.connect
		},
	})
	return Hide(findings, known.Hide)
}

// mend runs the commands of a fix in a shell, as a reader of it does.
func (w *world) mend(fix string) {
	w.Helper()
	if _, err := exec.LookPath("aws"); err != nil {
		w.Skip("the aws command is not installed: its commands are not tried")
	}
	credentials, err := w.aws.Credentials.Retrieve(w.Context())
	must.Succeed(w, err)
	cmd := exec.Command("sh", "-ec", fix)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+w.cloud.Endpoint(), "AWS_ACCESS_KEY_ID="+credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+credentials.SecretAccessKey, "AWS_DEFAULT_REGION="+w.region, "AWS_PAGER=", "AWS_CONFIG_FILE="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("%s\n%v: %s", fix, err, out)
	}
}

// fakeEngine serves the little of the Engine API that finding it needs, and returns its address.
func fakeEngine(api string) (host string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return "", nil, err
	}
	socket := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return "", nil, err
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", api)
		w.Header().Set("Ostype", "linux")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			_, _ = io.WriteString(w, "OK")
		case strings.HasSuffix(r.URL.Path, "/version"):
			_, _ = fmt.Fprintf(w, `{"Version": "28.5.2", "ApiVersion": %q, "Os": "linux", "Arch": "amd64"}`, api)
		default:
			_, _ = io.WriteString(w, `{"Status": "Login Succeeded"}`)
		}
	}))
	server.Listener = listener
	server.Start()
	return "unix://" + socket, func() { server.Close(); _ = os.RemoveAll(dir) }, nil
}

func TestMain(m *testing.M) {
	host, stop, err := fakeEngine("1.51")
	if err == nil {
		err = errors.Join(os.Setenv("DOCKER_HOST", host), os.Unsetenv("DOCKER_CONTEXT"), os.Setenv("GIT_CONFIG_NOSYSTEM", "1"))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	stop()
	if dir, err := checkout(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// environment returns the name of the feature's environment.
func (w *world) environment() string { return envs.Name(w.account(), "shop", "login") }

func (w *world) account() string {
	w.Helper()
	m, err := envs.New(w.Context(), w.aws, envs.Config{Application: "shop"})
	must.Succeed(w, err)
	account, err := m.Account(w.Context())
	must.Succeed(w, err)
	return account
}
