package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/localcloud"
	"beansprout/localcloud/engine"
	"beansprout/notify/notifytest"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// confidant is an application and its surroundings that are full of secrets.
type confidant struct {
	*lab.Lab
	marks
	echo   *echo
	slack  *notifytest.Server
	home   string
	traced string // what child processes were started with
	hidden int    // how often *** was told
}

// TestNoSecretIsTold takes secret values through everything that the program does, where it succeeds
// and where servers refuse it with what it has sent them.
func TestNoSecretIsTold(t *testing.T) {
	c := newConfidant(t)
	c.Cloud.Advance(-6 * 24 * time.Hour)
	c.tell("", "up", "--feature", "login")
	for _, args := range []string{
		"up --feature login", "up --feature login --json --config changed.yaml --dry-run", "list", "list --json", "status login", "status login --json",
		"versions login", "events login", "events login --ours", "events login --ours --json", "logs login", "extend login --by 1d", "keep login", "unkeep login",
		"slack manifest",
	} {
		c.tell("", strings.Fields(args)...)
	}
	c.fails("", "up", "--feature", "broken")
	c.tell("", "events", "broken")
	c.tell("", "events", "broken", "--json")
	c.tell("", "events", "broken", "--ours")
	c.tell("", "status", "broken")
	c.fails("", "up", "--feature", "login", "--config", "wrong.yaml")
	c.Env["FAIL"] = "1"
	c.fails("", "up", "--feature", "login")
	delete(c.Env, "FAIL")
	for call, args := range map[string]string{
		"GetCallerIdentity": "list", "DescribeEnvironments": "list --json", "DescribeConfigurationSettings": "up --feature login",
		"CreateEnvironment": "up --feature other", "UpdateEnvironment": "up --feature login --config changed.yaml", "CreateApplicationVersion": "up --feature third",
		"PUT ledger": "extend login --by 1d", "PUT bundles": "up --feature fourth", "TerminateEnvironment": "down broken --force --yes",
		"ListTagsForResource": "status login",
	} {
		c.fails(call, strings.Fields(args)...)
	}
	c.withProfile(func() { c.fails("DescribeEnvironments", "list") })
	c.tell("GET ledger", "status", "login", "--json")
	c.Cloud.Advance(6 * 24 * time.Hour)
	c.tell("", "sweep")
	c.tell("", "sweep", "--json")
	c.fails("TerminateEnvironment", "sweep", "--live", "--yes")
	c.fails("TerminateEnvironment", "sweep", "--live", "--yes", "--json")
	c.fails("DeleteApplicationVersion", "down", "login", "--purge", "--yes")
	c.daemon()
	c.wantNothingLeft()
	if c.hidden < 20 {
		t.Errorf("*** is told %d times: little that is secret came near", c.hidden)
	}
	t.Logf("%d secrets, hidden %d times", len(c.marks), c.hidden)
}

func newConfidant(t *testing.T) *confidant {
	c := &confidant{marks: marks{}, slack: notifytest.New(), home: t.TempDir()}
	t.Cleanup(c.slack.Close)
	spoiled := c.mark("a variable in a failure's reason")
	pretend := &engine.Pretend{Outcome: func(d engine.Deployment) error {
		if !strings.Contains(d.Name, "broken") {
			return nil
		}
		return engine.Fail("exit status 1: " + d.Variables["DB_PASSWORD"] + " " + d.Variables["JWT_SECRET"] + " REASON_TOKEN=" + spoiled)
	}}
	c.Lab = lab.New(t, localcloud.Config{Pretend: pretend})
	c.Zip("app.war", "index.html")
	c.echo = newEcho(t, c.Cloud)
	c.traced = filepath.Join(t.TempDir(), "traced")
	c.variables(spoiled)
	c.write()
	return c
}

// variables sets those of the process.
func (c *confidant) variables(spoiled string) {
	key, secret := c.Cloud.Credentials()
	c.marks["the AWS secret key"] = secret
	for what, token := range map[string]string{"Slack's bot token": notifytest.Token, "Slack's app token": notifytest.AppToken, "Slack's signing secret": notifytest.SigningSecret} {
		c.marks[what] = token
	}
	for _, name := range []string{"GIT_COMMIT", "CHANGE_AUTHOR"} {
		delete(c.Env, name)
	}
	job := c.mark("a CI's token, in the build's URL")
	login := c.mark("a password in a variable's URL")
	file := filepath.Join(c.home, "key")
	must.Write(c, file, c.mark("a private key's file"))
	for name, value := range map[string]string{
		"HOME": c.home, "TMPDIR": c.home, "PATH": c.children() + string(os.PathListSeparator) + c.Env["PATH"],
		"AWS_ENDPOINT_URL": c.echo.URL, "AWS_REGION": lab.Region, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_SESSION_TOKEN": c.mark("the AWS session token"), "AWS_EC2_METADATA_DISABLED": "true",
		"SLACK_BOT_TOKEN": notifytest.Token, "SLACK_APP_TOKEN": notifytest.AppToken, "SLACK_SIGNING_SECRET": notifytest.SigningSecret,
		"BEANSPROUT_SLACK_API_URL": c.slack.URL, "BEANSPROUT_GIT_TOKEN": c.mark("the remote's password"), "BEANSPROUT_GIT_KEY": file,
		"SSH_DEPLOY_KEY":     "-----BEGIN OPENSSH PRIVATE KEY-----\n" + c.mark("a private key") + "\n-----END OPENSSH PRIVATE KEY-----",
		"DOCKER_AUTH_CONFIG": `{"auths":{"r.example.com":{"auth":"` + c.mark("docker's credentials") + `"}}}`, "DOCKER_PASSWORD": c.mark("docker's password"),
		"NPM_TOKEN": c.mark("a build secret"), "REGISTRY_TOKEN": c.mark("a registry's token"), "GITHUB_TOKEN": c.mark("a token in a commit's message"),
		"CI_JOB_TOKEN": job, "BRANCH_NAME": "login", "BUILD_URL": "https://ci.example.com/1?token=" + job, "PIP_INDEX_URL": "https://kim:" + login + "@pip.example.com",
		"REASON_TOKEN": spoiled, "NO_PROXY": "*", "http_password": c.mark("a variable in small letters"), "SENTRY_AUTH": c.mark("an authorization"), "API_KEY": c.mark("an API key"),
		"BEANSPROUT_GITHUB_TOKEN": c.mark("GitHub's token"), "BEANSPROUT_GITLAB_TOKEN": c.mark("GitLab's token"),
		"BEANSPROUT_BOARD_TOKENS": "kim:" + c.mark("a person's token"), "BEANSPROUT_METRICS_TOKEN": c.mark("the metrics' token"),
	} {
		c.Env[name] = value
	}
}

// children makes programs that write down what they are started with, and returns their directory.
func (c *confidant) children() string {
	dir := filepath.Join(filepath.Dir(c.traced), "bin")
	for _, name := range []string{"git", "sh"} {
		program, err := exec.LookPath(name)
		must.Succeed(c, err)
		must.Write(c, filepath.Join(dir, name), fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$0 $*\" >>%[1]s\nenv | grep -E '^(SLACK_.*(TOKEN|SECRET)|BEANSPROUT_(GITHUB_TOKEN|GITLAB_TOKEN|BOARD_TOKENS|METRICS_TOKEN))=' >>%[1]s\nexec %s \"$@\"\n", c.traced, program))
	}
	return dir
}

// write writes the application's files, and commits them.
func (c *confidant) write() {
	remote := httptest.NewServer(http.HandlerFunc(refuseLogin))
	c.Cleanup(remote.Close)
	yaml := `application: hello
artifact: app.war
prepare: env | sort; printf 'base64 '; printf %s "$API_KEY" | base64; exit ${FAIL:-0}
environment:
  platform: Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023
  check: off
  variables: {DB_PASSWORD: ` + c.mark("a variable") + `, SECRET_KEY_BASE: ` + c.mark("a key in a variable") + `, DATABASE_URL: "postgres://kim:` + c.mark("a password in the file") + `@db/shop", MODE: one, JWT_SECRET: ` + c.mark("another variable") + `}
  options:
    aws:rds:dbinstance: {DBPassword: ` + c.mark("an option") + `}
expire: {after: 5d, warn_before: 0s, restore_for: 0s, schedule: "@every 1s", branches: {remote: "` + strings.Replace(remote.URL, "http://", "http://kim@", 1) + `/shop.git", after: 0s}}
slack: {channel: "#qa"}
`
	c.Write("beansprout.yaml", yaml)
	c.Write("changed.yaml", strings.Replace(strings.ReplaceAll(yaml, "MODE: one", "MODE: two"), "JWT_SECRET: ", "SMTP_PASSWORD: "+c.mark("a new variable")+", JWT_SECRET: ", 1))
	c.Write("wrong.yaml", strings.NewReplacer("DB_PASSWORD: ", "DB_PASSWORD: ["+c.mark("a value of a wrong type")+"], OTHER_TOKEN: ", "http://kim@", "http://kim:"+c.mark("a password in the remote's URL")+"@").Replace(yaml))
	for _, args := range [][]string{
		{"init", "-q", "-b", "login"}, {"remote", "add", "origin", "https://kim:" + c.mark("the password of the checkout's remote") + "@127.0.0.1:1/shop.git"},
		{"-c", "user.name=kim", "-c", "user.email=kim@example.com", "commit", "-q", "--allow-empty", "-m", "Log in with " + c.Env["GITHUB_TOKEN"] + " at https://kim:" + c.mark("a password in a commit's message") + "@example.com"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = c.Dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			c.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
}

// refuseLogin answers as a git server that quotes the password in its status.
func refuseLogin(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	name, password, _ := r.BasicAuth()
	fmt.Fprintf(conn, "HTTP/1.1 403 no entry for %s:%s\r\nContent-Length: 0\r\n\r\n", name, password)
}

// command returns a command that finds the cloud as it finds AWS.
func (c *confidant) command(args ...string) *exec.Cmd {
	cmd := c.Command(args)
	cmd.Args = slices.DeleteFunc(cmd.Args, func(arg string) bool { return arg == "--local" })
	return cmd
}

// run runs the binary while a call is refused, and returns how it ended.
func (c *confidant) run(call string, args []string) lab.Ended {
	c.Helper()
	c.echo.refuse(call)
	defer c.echo.refuse("")
	cmd := c.command(args...)
	cmd.Args = append(cmd.Args[:1:1], append([]string{"--region", lab.Region}, cmd.Args[1:]...)...)
	r := c.Run(cmd, nil)
	c.wantNone(c.TB, fmt.Sprintf("%q without %q", args, call), r.Stdout+r.Stderr)
	c.hidden += strings.Count(r.Stdout+r.Stderr, "***")
	if call != "" && c.echo.struck() == 0 {
		c.Errorf("%q asks for no %s: %v", args, call, r)
	}
	return r
}

// tell wants a run to succeed.
func (c *confidant) tell(call string, args ...string) {
	c.Helper()
	if r := c.run(call, args); r.Code != 0 {
		c.Errorf("%v", r)
	}
}

// fails wants a run to fail.
func (c *confidant) fails(call string, args ...string) {
	c.Helper()
	if r := c.run(call, args); r.Code == 0 {
		c.Errorf("without %q: %v", call, r)
	}
}

// withProfile has the credentials come from a program, so that no variable tells them.
func (c *confidant) withProfile(do func()) {
	variables := map[string]string{}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		variables[name] = c.Env[name]
		delete(c.Env, name)
	}
	given := filepath.Join(filepath.Dir(c.traced), "credentials")
	must.Write(c, given, fmt.Sprintf(`{"Version": 1, "AccessKeyId": %q, "SecretAccessKey": %q, "SessionToken": %q}`,
		variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], c.mark("a session token that a program gives")))
	config := filepath.Join(filepath.Dir(c.traced), "config")
	must.Write(c, config, "[default]\ncredential_process = cat "+given+"\n")
	c.Env["AWS_CONFIG_FILE"] = config
	do()
	delete(c.Env, "AWS_CONFIG_FILE")
	for name, value := range variables {
		c.Env[name] = value
	}
}

// wantNothingLeft looks at what stands in Slack, in the cloud's bucket and descriptions, in files, and
// in the arguments of child processes.
func (c *confidant) wantNothingLeft() {
	c.Helper()
	said := 0
	for _, m := range c.slack.Messages() {
		for _, each := range append([]notifytest.Message{m}, m.Replies...) {
			text := each.Text + string(each.Blocks)
			c.wantNone(c.TB, "Slack", text)
			c.hidden += strings.Count(text, "***")
			said++
		}
	}
	c.wantNone(c.TB, "the children's arguments", must.Read(c, c.traced))
	c.wantNoneBelow(c.TB, c.home, filepath.Join(c.home, "key"))
	ctx := context.Background()
	client := elasticbeanstalk.NewFromConfig(c.Config())
	environments, err := client.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{})
	must.Succeed(c, err)
	for _, e := range environments.Environments {
		c.wantNone(c.TB, "the environment's description", *e.Description)
	}
	objects := s3.NewFromConfig(c.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "elasticbeanstalk-" + lab.Region + "-" + c.Account()
	list, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
	must.Succeed(c, err)
	records := 0
	for _, each := range list.Contents {
		object, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: each.Key})
		must.Succeed(c, err)
		text, err := io.ReadAll(object.Body)
		_ = object.Body.Close()
		must.Succeed(c, err)
		c.wantNone(c.TB, *each.Key, string(text))
		if strings.Contains(*each.Key, "/ledger/") && strings.Contains(string(text), "history") {
			records++
		}
	}
	if said < 5 || records < 3 {
		c.Errorf("there are %d messages and %d records with a history: too few", said, records)
	}
}
