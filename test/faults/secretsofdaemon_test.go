package faults

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// daemon has the janitor run, buttons pressed, and calls refused.
func (c *confidant) daemon() {
	c.Cloud.Advance(-6 * 24 * time.Hour)
	c.tell("", "up", "--feature", "login")
	c.tell("", "up", "--feature", "due")
	c.Cloud.Advance(6 * 24 * time.Hour)
	c.tell("", "extend", "login", "--by", "30d")
	var out output
	cmd := c.command("janitor", "--live", "--listen", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = &out, &out
	c.echo.refuse("TerminateEnvironment")
	must.Succeed(c, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	address := c.wait(&out, `"msg":"listening".*"address":"([^"]+)"`)
	c.wait(&out, `"msg":"sweep".*Invalid request`, `(?s)remove environment .*Invalid request`)
	c.see("http://"+address, &out)
	must.Wait(c, "a connection of Socket Mode", func() bool { return c.slack.Sockets() > 0 })
	c.echo.refuse("PUT ledger")
	c.press("extend")
	c.wait(&out, `"msg":"press".*"result":"failed"`)
	c.echo.refuse("")
	c.press("protect")
	c.wait(&out, `"msg":"press".*"result":"done"`)
	c.slack.Always(notifytest.Body(500, notifytest.Token+c.marks["the AWS session token"]))
	c.press("unprotect")
	c.wait(&out, `(?s)"result":"done".*"result":"done"`)
	c.see("http://"+address, &out)
	c.slack.Always(nil)
	must.Succeed(c, cmd.Process.Signal(syscall.SIGTERM))
	if err := <-ended; err != nil {
		c.Errorf("the janitor ended with %v", err)
	}
	c.wantNone(c.TB, "the janitor's log", out.String())
	c.hidden += strings.Count(out.String(), "***")
}

// wait waits until a line of any of these is printed, and returns what it has in parentheses.
func (c *confidant) wait(out *output, lines ...string) string {
	c.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, line := range lines {
			if m := regexp.MustCompile(line).FindStringSubmatch(out.String()); m != nil {
				return m[len(m)-1]
			}
		}
	}
	c.Fatalf("nothing like %q is printed:\n%s", lines, out)
	return ""
}

// see looks at what the janitor serves.
func (c *confidant) see(address string, out *output) {
	for _, path := range []string{"/healthz", "/metrics", "/livez", "/", "/api/environments", "/features/hello/login", "/features/hello/due", "/features/hello/broken"} {
		r, err := http.NewRequest(http.MethodGet, address+path, nil)
		must.Succeed(c, err)
		r.Header.Set("Authorization", "Bearer "+c.marks["the metrics' token"])
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			c.Fatalf("%v:\n%s", err, out)
		}
		if answer.StatusCode != http.StatusOK && path != "/healthz" && path != "/features/hello/broken" {
			c.Errorf("%s is answered %s", path, answer.Status)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		must.Succeed(c, err)
		c.wantNone(c.TB, path, string(text))
		c.hidden += strings.Count(string(text), "***")
	}
}

// press presses a button of login's environment.
func (c *confidant) press(action notify.Action) {
	c.Helper()
	name := c.Name("login")
	found, err := elasticbeanstalk.NewFromConfig(c.Config()).DescribeEnvironments(context.Background(), &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
	must.Succeed(c, err)
	id := ""
	for _, e := range found.Environments {
		if e.Status != "Terminated" {
			id = *e.EnvironmentId
		}
	}
	value, err := notify.New(notifytest.Token, c.slack.URL, "", nil).SealButton(notify.Button{
		Action: action, Account: c.Account(), Region: lab.Region, Application: lab.Application, Name: name, ID: id, Feature: "login", Token: string(action),
	})
	must.Succeed(c, err)
	at := notifytest.Message{Channel: "C000000009", Timestamp: "1700000000.000001"}
	_, err = c.slack.Send(notifytest.Payload(at, string(action), value, notifytest.User{ID: "U0KIM", Name: "kim"}))
	must.Succeed(c, err)
}
