package localcloud

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cli is the aws command line, a client that is not ours.
type cli struct {
	path string
	env  []string
}

func newCLI(t *testing.T, c *Cloud) cli {
	t.Helper()
	if testing.Short() {
		t.Skip("the aws command line takes seconds")
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED, NOT PROVEN: the aws command line is not installed")
	}
	key, secret := c.Credentials()
	return cli{path, append(os.Environ(), "AWS_ENDPOINT_URL="+c.Endpoint(), "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret,
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "HOME="+t.TempDir())}
}

func (a cli) try(args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(a.path, args...)
	cmd.Env = a.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (a cli) run(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := a.try(args...)
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	return out
}

// parsed runs a command and returns its parsed JSON.
func (a cli) parsed(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var v map[string]any
	if out := a.run(t, append(args, "--output", "json")...); json.Unmarshal([]byte(out), &v) != nil {
		t.Fatalf("aws %s printed %s", strings.Join(args, " "), out)
	}
	return v
}

func TestAWSCommandLine(t *testing.T) {
	c := start(t, Config{})
	a := newCLI(t, c)
	t.Run("served", func(t *testing.T) { // in parallel: each command takes a second
		for name, test := range map[string]func(*testing.T, *Cloud){
			"identity": a.identity, "objects": a.objects, "environments": a.environments, "repositories": a.repositories, "refusals": a.refusals,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, c)
			})
		}
	})
	for _, call := range c.Calls() {
		if call.Status >= 500 && call.Status != 501 {
			t.Errorf("answered with a fault of ours: %+v", call)
		}
	}
}

func (a cli) identity(t *testing.T, c *Cloud) {
	if got := a.parsed(t, "sts", "get-caller-identity")["Account"]; got != c.id.Account {
		t.Errorf("account = %v, want %s", got, c.id.Account)
	}
	roles := a.parsed(t, "iam", "list-roles")["Roles"].([]any)
	for i, want := range []string{"aws-elasticbeanstalk-ec2-role", "aws-elasticbeanstalk-service-role"} {
		role := roles[i].(map[string]any)
		if _, trust := role["AssumeRolePolicyDocument"].(map[string]any); role["RoleName"] != want || !trust {
			t.Errorf("role = %v, want %s with its policy as JSON", role, want)
		}
	}
}

func (a cli) objects(t *testing.T, _ *Cloud) {
	a.run(t, "s3", "mb", "s3://bkt")
	dir := t.TempDir()
	for name, size := range map[string]int{"small b+c.zip": 1 << 10, "large.zip": 20 << 20} { // the second in parts
		body := make([]byte, size)
		_, _ = rand.Read(body)
		file, back := filepath.Join(dir, name), filepath.Join(dir, "back")
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		a.run(t, "s3", "cp", file, "s3://bkt/dir/"+name)
		a.run(t, "s3", "cp", "s3://bkt/dir/"+name, back)
		if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s came back with %d of %d bytes, %v", name, len(got), size, err)
		}
		for _, region := range []string{"us-east-1", "ap-northeast-2"} { // signature version 2, version 4
			url := strings.TrimSpace(a.run(t, "--region", region, "s3", "presign", "s3://bkt/dir/"+name))
			if status, got := get(t, url); status != 200 || got != string(body) {
				t.Errorf("presigned %s: %d, %d bytes", url, status, len(got))
			}
			if status, _ := get(t, strings.Replace(url, "/dir/", "/other/", 1)); status != 403 {
				t.Errorf("presigned for another object: %d", status)
			}
		}
		if listed := a.run(t, "s3", "ls", "s3://bkt/dir/"); !strings.Contains(listed, strconv.Itoa(size)+" "+name) {
			t.Errorf("%s is not listed: %s", name, listed)
		}
	}
	a.run(t, "s3", "rb", "--force", "s3://bkt")
}

func (a cli) environments(t *testing.T, c *Cloud) {
	a.run(t, "elasticbeanstalk", "create-application", "--application-name", "shop")
	made := a.parsed(t, "elasticbeanstalk", "create-environment", "--application-name", "shop", "--environment-name", "shop-login",
		"--cname-prefix", "shop-login", "--solution-stack-name", a.stack(t), "--option-settings",
		"Namespace=aws:autoscaling:launchconfiguration,OptionName=IamInstanceProfile,Value=aws-elasticbeanstalk-ec2-role")
	if made["Status"] != "Launching" {
		t.Errorf("made = %v", made)
	}
	a.run(t, "elasticbeanstalk", "wait", "environment-exists", "--environment-names", "shop-login")
	found := a.parsed(t, "elasticbeanstalk", "describe-environments")["Environments"].([]any)[0].(map[string]any)
	if want := "shop-login.localhost:" + strconv.Itoa(c.URLPort()); found["CNAME"] != want || found["Status"] != "Ready" {
		t.Errorf("found = %v, want CNAME %s", found, want)
	}
	awaitPage(t, c, "sample application")
	if out := a.run(t, "--region", "us-east-1", "elasticbeanstalk", "describe-environments"); strings.Contains(out, "shop-login") {
		t.Errorf("seen in another region: %s", out)
	}
}

// stack returns the newest solution stack that runs several containers.
func (a cli) stack(t *testing.T) string {
	t.Helper()
	for _, s := range a.parsed(t, "elasticbeanstalk", "list-available-solution-stacks")["SolutionStacks"].([]any) {
		if name := s.(string); strings.Contains(name, "ECS") {
			return name
		}
	}
	t.Fatal("no ECS solution stack")
	return ""
}

func (a cli) repositories(t *testing.T, _ *Cloud) {
	a.run(t, "ecr", "create-repository", "--repository-name", "shop")
	repos := a.parsed(t, "ecr", "describe-repositories")["repositories"].([]any)
	if got := repos[0].(map[string]any)["repositoryName"]; len(repos) != 1 || got != "shop" {
		t.Errorf("repositories = %v", repos)
	}
	if out := a.run(t, "ecr", "get-login-password"); strings.TrimSpace(out) == "" {
		t.Error("no password")
	}
}

func (a cli) refusals(t *testing.T, _ *Cloud) {
	foreign := cli{a.path, slices.Concat(a.env, []string{"AWS_ACCESS_KEY_ID=AKIAFOREIGNFOREIGN00"})}
	wrong := cli{a.path, slices.Concat(a.env, []string{"AWS_SECRET_ACCESS_KEY=wrong"})}
	for _, tt := range []struct {
		who  cli
		args string
		want string
	}{
		{foreign, "sts get-caller-identity", "(InvalidClientTokenId)"},
		{foreign, "ecr describe-repositories", "(UnrecognizedClientException)"},
		{foreign, "s3 ls", "(InvalidAccessKeyId)"},
		{wrong, "elasticbeanstalk describe-environments", "(SignatureDoesNotMatch)"},
		{wrong, "ecr describe-repositories", "(InvalidSignatureException)"},
		{a, "iam list-users", "(InvalidAction)"},
		{a, "s3api get-bucket-policy --bucket bkt", "(NotImplemented)"},
		{a, "ecr describe-registry", "(UnknownOperationException)"},
	} {
		out, errs, err := tt.who.try(strings.Fields(tt.args)...)
		if err == nil || !strings.Contains(errs, tt.want) {
			t.Errorf("aws %s: %s%s, want %s", tt.args, out, errs, tt.want)
		}
	}
}
