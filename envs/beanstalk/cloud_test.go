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

	"beansprout/envs/awsapi"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
	"beansprout/test/must"
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
	must.Succeed(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	key, secret := c.Credentials()
	api := eb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(c.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
	must.Succeed(t, changer(New(api, nil)).CreateApplication(t.Context(), application))
	return New(api, http.DefaultClient), c
}

// changer returns a Changer that is always allowed to change.
func changer(c *Client) *Changer { return c.Changing(func(context.Context) error { return nil }) }

// version registers a version without a bundle, which runs AWS's sample application.
func version(t testing.TB, c *Client, label string) string {
	t.Helper()
	app := application
	_, err := c.api.CreateApplicationVersion(t.Context(), &eb.CreateApplicationVersionInput{ApplicationName: &app, VersionLabel: &label})
	if err = translate(err); err != nil && !errors.Is(err, awsapi.ErrTaken) {
		t.Fatal(err)
	}
	return label
}

func launch(t testing.TB, c *Client, name string) (Env, error) {
	t.Helper()
	return launchAs(t, c, name, roles())
}

func launchAs(t testing.TB, c *Client, name string, w Settings) (Env, error) {
	t.Helper()
	platform, err := c.Platform(t.Context(), branch)
	must.Succeed(t, err)
	op, err := changer(c).Launch(t.Context(), Launch{
		Name: name, Application: application, Description: "x @ abc", Version: version(t, c, name+"-1"),
		Tags: map[string]string{"beansprout:feature": "x"}, Base: Base{Platform: platform}, Settings: w.List(),
	})
	if err != nil {
		return Env{}, err
	}
	return c.Wait(t.Context(), op, func(Event) {})
}

func roles() Settings {
	return Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
}

func TestTheLifeOfAnEnvironment(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	ctx := t.Context()
	cname, free, err := c.Address(ctx, "shop-x")
	if err != nil || !free || !strings.HasPrefix(cname, "shop-x.") {
		t.Fatalf("Address = %q, %v, %v", cname, free, err)
	}
	e, err := launch(t, c, "shop-x")
	if err != nil || e.State != Ready || e.CNAME != cname || !Healthy(e) {
		t.Fatalf("launched: %+v, %v", e, err)
	}
	if _, err := launch(t, c, "shop-x"); !errors.Is(err, awsapi.ErrTaken) {
		t.Errorf("launched twice: %v", err)
	}

	var seen []string
	op, err := changer(c).Deploy(ctx, e, version(t, c, "shop-x-2"), "x @ def")
	must.Succeed(t, err)
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
	if now, err := c.Get(ctx, e.ID); err != nil || now != rows[0] {
		t.Errorf("Get = %+v, %v; the list has %+v", now, err, rows[0])
	}
	if tags, err := c.Tags(ctx, e); err != nil || tags["beansprout:feature"] != "x" {
		t.Errorf("Tags = %v, %v", tags, err)
	}

	op, err = changer(c).Terminate(ctx, e)
	must.Succeed(t, err)
	if _, err := c.Wait(ctx, op, func(Event) {}); err != nil {
		t.Errorf("terminated: %v", err)
	}
	if _, err := c.Find(ctx, "shop-x", nil); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("Find after the termination: %v", err)
	}
	if _, err := changer(c).Terminate(ctx, e); !errors.Is(err, awsapi.ErrNotFound) {
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
	must.Succeed(t, err)
	broken = true
	op, err := changer(c).Deploy(t.Context(), e, version(t, c, "shop-x-2"), "x @ def")
	must.Succeed(t, err)
	e, err = c.Wait(t.Context(), op, func(Event) {})
	var failure *Failure
	if !errors.As(err, &failure) || e.State != Ready || e.Version != "shop-x-1" {
		t.Fatalf("deployed: %+v, %v", e, err)
	}
	if !strings.Contains(failure.Reason, "Essential container") {
		t.Errorf("the reason is %q", failure.Reason)
	}
	if failed, err := c.LaunchFailed(t.Context(), e); failed || err != nil {
		t.Errorf("a failed deploy passes for a failed launch: %v, %v", failed, err)
	}
	if text, err := c.Tail(t.Context(), e); err != nil || strings.Count(text, "== i-") != 2 {
		t.Errorf("Tail = %q, %v, want what goes on and what failed", text, err)
	}
	on := failure.Instances()
	if text, err := c.Tail(t.Context(), e, on...); len(on) != 1 || err != nil || strings.Contains(text, "== i-") {
		t.Errorf("Tail of %q = %q, %v, want one instance's", on, text, err)
	}
}

func TestAFailedLaunchIsReported(t *testing.T) {
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

func TestChangesDuringAnOperationAreRefused(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{UpdateTime: 300 * time.Millisecond})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	two, three := version(t, c, "shop-x-2"), version(t, c, "shop-x-3")
	op, err := changer(c).Deploy(t.Context(), e, two, "")
	must.Succeed(t, err)
	if _, err := changer(c).Deploy(t.Context(), e, three, ""); !errors.Is(err, awsapi.ErrNotReady) {
		t.Errorf("a second deploy: %v", err)
	}
	if _, err := changer(c).Terminate(t.Context(), e); !errors.Is(err, awsapi.ErrNotReady) {
		t.Errorf("a termination: %v", err)
	}
	busy, err := c.Get(t.Context(), e.ID)
	if err != nil || busy.State != Updating {
		t.Fatalf("meanwhile: %+v, %v", busy, err)
	}
	if settled, err := c.Settle(t.Context(), busy); err != nil || settled.State != Ready {
		t.Errorf("Settle = %+v, %v", settled, err)
	}
	if e, err := c.Wait(t.Context(), op, func(Event) {}); err != nil || e.Version != two {
		t.Errorf("the first deploy: %+v, %v", e, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	op, err = changer(c).Deploy(t.Context(), e, three, "")
	must.Succeed(t, err)
	if _, err := c.Wait(ctx, op, func(Event) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
}

func TestSettingsAreComparedAndChanged(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	settings := roles()
	settings.Variables = map[string]string{"COLOUR": "blue"}
	d := differ(t, c, e, settings.List(), nil)
	if len(d.Set) != 1 || d.Set[0].Name != "COLOUR" {
		t.Fatalf("Compare = %+v", d)
	}
	change(t, c, e, d)
	if d = differ(t, c, e, settings.List(), nil); !d.Empty() {
		t.Errorf("after the change: %+v", d)
	}
	before := []string{nsVariables + ":COLOUR"}
	if d = differ(t, c, e, roles().List(), before); len(d.Remove) != 1 {
		t.Fatalf("without the variable: %+v", d)
	}
	change(t, c, e, d)
	if d = differ(t, c, e, roles().List(), before); !d.Empty() {
		t.Errorf("after the removal: %+v", d)
	}
}

func differ(t *testing.T, c *Client, e Env, want []Setting, before []string) Difference {
	t.Helper()
	have, err := c.Configuration(t.Context(), e)
	must.Succeed(t, err)
	return have.Compare(want, before)
}

func change(t *testing.T, c *Client, e Env, d Difference) {
	t.Helper()
	op, err := changer(c).Update(t.Context(), e, Update{Settings: d})
	if err == nil {
		_, err = c.Wait(t.Context(), op, func(Event) {})
	}
	must.Succeed(t, err)
}

func TestErrorsNameWhatDoesNotExist(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	_, err := c.Platform(t.Context(), "ECS running on 64bit Amazon Linux 1999")
	if !errors.Is(err, awsapi.ErrNotFound) || !strings.Contains(err.Error(), branch) {
		t.Errorf("Platform: %v", err)
	}
	if _, err := c.SavedConfiguration(t.Context(), application, "nothing"); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("SavedConfiguration: %v", err)
	}
	if _, err := changer(c).Register(t.Context(), Version{Application: "missing", Label: "l", Bucket: "b", Key: "k"}); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("Register: %v", err)
	}
	if err := changer(c).DeleteVersion(t.Context(), application, "nothing"); err != nil {
		t.Errorf("DeleteVersion: %v", err)
	}
}
