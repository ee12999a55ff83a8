package beanstalk

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
)

const (
	application = "shop"
	branch      = "ECS running on 64bit Amazon Linux 2023"
)

// cloud is a local cloud without containers, and a client of it.
func cloud(t testing.TB, cfg localcloud.Config) (*Client, *localcloud.Cloud) {
	t.Helper()
	cfg.Dir = t.TempDir()
	c, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	key, secret := c.Credentials()
	api := eb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(c.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
	if err := New(api, nil).CreateApplication(t.Context(), application); err != nil {
		t.Fatal(err)
	}
	return New(api, http.DefaultClient), c
}

// version registers a version without a bundle, which runs AWS's sample application.
func version(t testing.TB, c *Client, label string) string {
	t.Helper()
	app := application
	_, err := c.api.CreateApplicationVersion(t.Context(), &eb.CreateApplicationVersionInput{ApplicationName: &app, VersionLabel: &label})
	if err = translate(err); err != nil && !errors.Is(err, envs.ErrTaken) {
		t.Fatal(err)
	}
	return label
}

func launch(t testing.TB, c *Client, name string) (envs.Env, error) {
	t.Helper()
	return launchAs(t, c, name, roles())
}

func launchAs(t testing.TB, c *Client, name string, w Wish) (envs.Env, error) {
	t.Helper()
	platform, err := c.Platform(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Launch(t.Context(), Launch{
		Name: name, Application: application, Description: "x @ abc", Version: version(t, c, name+"-1"),
		Tags: envs.NewTags("x", "Kim", time.Now()), Base: Base{Platform: platform}, Settings: w.Settings(),
	})
	if err != nil {
		return envs.Env{}, err
	}
	return c.Wait(t.Context(), op, func(Event) {})
}

func roles() Wish {
	return Wish{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
}

func TestAnEnvironmentLives(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	ctx := t.Context()
	cname, free, err := c.Address(ctx, "shop-x")
	if err != nil || !free || !strings.HasPrefix(cname, "shop-x.") {
		t.Fatalf("Address = %q, %v, %v", cname, free, err)
	}
	e, err := launch(t, c, "shop-x")
	if err != nil || e.State != envs.Ready || e.CNAME != cname || !Healthy(e) {
		t.Fatalf("launched: %+v, %v", e, err)
	}
	if _, err := launch(t, c, "shop-x"); !errors.Is(err, envs.ErrTaken) {
		t.Errorf("launched twice: %v", err)
	}

	var seen []string
	op, err := c.Deploy(ctx, e, version(t, c, "shop-x-2"), "x @ def")
	if err != nil {
		t.Fatal(err)
	}
	e, err = c.Wait(ctx, op, func(ev Event) { seen = append(seen, ev.Message) })
	if err != nil || e.Version != "shop-x-2" || e.Description != "x @ def" {
		t.Errorf("deployed: %+v, %v", e, err)
	}
	if len(seen) < 2 || seen[0] != "Environment update is starting." || seen[len(seen)-1] != "Environment update completed successfully." {
		t.Errorf("events: %q", seen)
	}

	rows, now, err := c.Environments(ctx, application)
	if err != nil || len(rows) != 1 || time.Since(now).Abs() > time.Minute {
		t.Errorf("Environments = %v, %v, %v", rows, now, err)
	}
	fresh, tags, err := c.Fresh(ctx, e.ID)
	if err != nil || fresh != rows[0] || tags[envs.TagFeature] != "x" {
		t.Errorf("Fresh = %+v, %v, %v; the list says %+v", fresh, tags, err, rows[0])
	}

	if op, err = c.Terminate(ctx, e); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(ctx, op, func(Event) {}); err != nil {
		t.Errorf("terminated: %v", err)
	}
	if _, err := c.Find(ctx, "shop-x"); !errors.Is(err, envs.ErrNotFound) {
		t.Errorf("Find after the termination: %v", err)
	}
	if _, err := c.Terminate(ctx, e); !errors.Is(err, envs.ErrNotFound) {
		t.Errorf("terminated twice: %v", err)
	}
	if again, err := launch(t, c, "shop-x"); err != nil || again.ID == e.ID {
		t.Errorf("the name used again: %+v, %v", again, err)
	}
}

func TestAFailedDeployIsAFailureAlthoughAWSIsReadyAgain(t *testing.T) {
	var broken bool
	c, _ := cloud(t, localcloud.Config{Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error {
		if broken {
			return engine.Fail("ECS task stopped due to: Essential container in task exited.")
		}
		return nil
	}}})
	e, err := launch(t, c, "shop-x")
	if err != nil {
		t.Fatal(err)
	}
	broken = true
	op, err := c.Deploy(t.Context(), e, version(t, c, "shop-x-2"), "x @ def")
	if err != nil {
		t.Fatal(err)
	}
	e, err = c.Wait(t.Context(), op, func(Event) {})
	var failure *Failure
	if !errors.As(err, &failure) || e.State != envs.Ready || e.Version != "shop-x-1" {
		t.Fatalf("deployed: %+v, %v", e, err)
	}
	if !strings.Contains(failure.Reason, "Essential container") {
		t.Errorf("the reason is %q", failure.Reason)
	}
	if failed, err := c.LaunchFailed(t.Context(), e); failed || err != nil {
		t.Errorf("a failed deploy passes for a failed launch: %v, %v", failed, err)
	}
	if text, err := c.Tail(t.Context(), e); err != nil {
		t.Errorf("Tail = %q, %v", text, err)
	}
}

func TestAFailedLaunchIsKnownAsOne(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error { return engine.Fail("no") }}})
	e, err := launch(t, c, "shop-x")
	var failure *Failure
	if !errors.As(err, &failure) || Healthy(e) {
		t.Fatalf("launched: %+v, %v", e, err)
	}
	if failed, err := c.LaunchFailed(t.Context(), e); !failed || err != nil {
		t.Errorf("LaunchFailed = %v, %v", failed, err)
	}
}

func TestChangesMeetWhereAWSIsAtWork(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{UpdateTime: 300 * time.Millisecond})
	e, err := launch(t, c, "shop-x")
	if err != nil {
		t.Fatal(err)
	}
	two, three := version(t, c, "shop-x-2"), version(t, c, "shop-x-3")
	op, err := c.Deploy(t.Context(), e, two, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(t.Context(), e, three, ""); !errors.Is(err, envs.ErrNotReady) {
		t.Errorf("a second deploy: %v", err)
	}
	if _, err := c.Terminate(t.Context(), e); !errors.Is(err, envs.ErrNotReady) {
		t.Errorf("a termination: %v", err)
	}
	busy, err := c.Get(t.Context(), e.ID)
	if err != nil || busy.State != envs.Updating {
		t.Fatalf("meanwhile: %+v, %v", busy, err)
	}
	if settled, err := c.Settle(t.Context(), busy); err != nil || settled.State != envs.Ready {
		t.Errorf("Settle = %+v, %v", settled, err)
	}
	if e, err := c.Wait(t.Context(), op, func(Event) {}); err != nil || e.Version != two {
		t.Errorf("the first deploy: %+v, %v", e, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	op, err = c.Deploy(t.Context(), e, three, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(ctx, op, func(Event) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
}

func TestSettingsAreComparedAndChanged(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	if err != nil {
		t.Fatal(err)
	}
	wish := roles()
	wish.Variables = map[string]string{"COLOUR": "blue"}
	d := differ(t, c, e, wish.Settings(), nil)
	if len(d.Set) != 1 || d.Set[0].Name != "COLOUR" {
		t.Fatalf("Compare = %+v", d)
	}
	change(t, c, e, d)
	if d = differ(t, c, e, wish.Settings(), nil); !d.Empty() {
		t.Errorf("after the change: %+v", d)
	}
	before := []string{nsVariables + ":COLOUR"}
	if d = differ(t, c, e, roles().Settings(), before); len(d.Remove) != 1 {
		t.Fatalf("without the variable: %+v", d)
	}
	change(t, c, e, d)
	if d = differ(t, c, e, roles().Settings(), before); !d.Empty() {
		t.Errorf("after the removal: %+v", d)
	}
}

func differ(t *testing.T, c *Client, e envs.Env, want []Setting, before []string) Difference {
	t.Helper()
	have, err := c.Configuration(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return have.Compare(want, before)
}

func change(t *testing.T, c *Client, e envs.Env, d Difference) {
	t.Helper()
	op, err := c.Configure(t.Context(), e, d)
	if err == nil {
		_, err = c.Wait(t.Context(), op, func(Event) {})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatDoesNotExistIsNamed(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	_, err := c.Platform(t.Context(), "ECS running on 64bit Amazon Linux 1999")
	if !errors.Is(err, envs.ErrNotFound) || !strings.Contains(err.Error(), branch) {
		t.Errorf("Platform: %v", err)
	}
	if _, err := c.SavedConfiguration(t.Context(), application, "nothing"); !errors.Is(err, envs.ErrNotFound) {
		t.Errorf("SavedConfiguration: %v", err)
	}
	if err := c.Register(t.Context(), Version{Application: "nobody", Label: "l", Bucket: "b", Key: "k"}); !errors.Is(err, envs.ErrNotFound) {
		t.Errorf("Register: %v", err)
	}
	if labels, err := c.Versions(t.Context(), "nobody", "x"); err != nil || len(labels) > 0 {
		t.Errorf("Versions = %v, %v", labels, err)
	}
	if err := c.DeleteVersion(t.Context(), application, "nothing"); err != nil {
		t.Errorf("DeleteVersion: %v", err)
	}
}
