package beanstalk

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/localcloud/engine"
)

func TestAbort(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	var deployed []string
	hold, held := make(chan struct{}), make(chan struct{})
	c.runner.Outcome = func(d engine.Deployment) error {
		deployed = append(deployed, d.Version)
		if d.Version == "v2" {
			close(held)
			<-hold // as if it could no longer be stopped
		}
		return nil
	}
	_, err := c.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentId: e.EnvironmentId})
	refused(t, err, "InvalidParameterValue", "Environment named shop-x is in an invalid state for this operation. Must be pending deployment.")
	_, err = c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
	must(t, err)
	<-held
	_, err = c.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	if got := c.row(*e.EnvironmentId).Status; got != "Aborting" {
		t.Errorf("it is %s", got)
	}
	close(hold)
	if e := c.settled(*e.EnvironmentId); *e.VersionLabel != "v1" || e.Health != "Green" {
		t.Errorf("ended as %s %s", *e.VersionLabel, e.Health)
	}
	if want := []string{"v2", "v1"}; !slices.Equal(deployed, want) {
		t.Errorf("deployed %v, want %v", deployed, want)
	}
}

func TestAbortInterruptsTheWait(t *testing.T) {
	c := start(t, t.TempDir(), func(cfg *Config) { cfg.UpdateTime = 1 << 50 })
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	_, err := c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
	must(t, err)
	_, err = c.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	if e := c.settled(*e.EnvironmentId); *e.VersionLabel != "v1" {
		t.Errorf("ended as %s", *e.VersionLabel)
	}
}

func TestAbortBetweenTheDeployAndItsRecord(t *testing.T) {
	c := start(t, t.TempDir(), func(cfg *Config) { cfg.UpdateTime = 1 << 50 })
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	_, err := c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
	must(t, err)
	stale, _ := c.service.row(region, *e.EnvironmentId)
	must(t, c.service.within(wireCall(), c.service.db.Update, func(st *state) error {
		_, err := abortEnvironmentUpdate(st, named{EnvironmentId: stale.ID})
		st.after = nil // the abort is committed but has not interrupted the work yet
		return err
	}))
	if c.service.settle(stale, nil) {
		t.Error("an update that was aborted was recorded as done")
	}
	c.service.interrupt(stale.ID)
	if e := c.settled(stale.ID); *e.VersionLabel != "v1" {
		t.Errorf("ended as %s", *e.VersionLabel)
	}
}

// patient deploys when it is allowed to, and stops when it is interrupted.
type patient struct {
	engine.Pretend
	asked, let chan string
}

func (p *patient) Deploy(ctx context.Context, d engine.Deployment) error {
	p.asked <- d.Version
	select {
	case <-p.let:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestInterruptedRevertIsRepeated(t *testing.T) {
	runner := &patient{asked: make(chan string), let: make(chan string)}
	c := start(t, t.TempDir(), func(cfg *Config) { cfg.Runner = runner })
	c.has("v1", "v2")
	created, err := c.CreateEnvironment(t.Context(), launchInput("shop-x"))
	must(t, err)
	<-runner.asked
	runner.let <- ""
	e := c.settled(*created.EnvironmentId)
	_, err = c.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: e.EnvironmentId, VersionLabel: aws.String("v2")})
	must(t, err)
	if got := <-runner.asked; got != "v2" {
		t.Fatalf("deploys %s", got)
	}
	_, err = c.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	for range 2 {
		if got := <-runner.asked; got != "v1" {
			t.Fatalf("reverts to %s", got)
		}
		if c.row(*e.EnvironmentId).Status != "Aborting" {
			t.Fatal("it is said to be reverted while that is under way")
		}
		c.service.interrupt(*e.EnvironmentId)
	}
	<-runner.asked
	runner.let <- ""
	if e := c.settled(*e.EnvironmentId); *e.VersionLabel != "v1" {
		t.Errorf("ended as %s", *e.VersionLabel)
	}
}
