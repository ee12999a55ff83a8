package beanstalk

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	smithy "github.com/aws/smithy-go/middleware"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/wire"
)

func wireCall() wire.Call {
	return wire.Call{ID: "request", Region: region, Account: account, Now: time.Now()}
}

// lasting makes transitions so long that they do not end during a test.
func lasting(cfg *Config) { cfg.CreateTime, cfg.UpdateTime, cfg.TerminateTime = keeps, keeps, keeps }

// over moves the clock past all transitions.
func over(cfg *Config) { cfg.Now = func() time.Time { return time.Now().Add(keeps + time.Hour) } }

func TestTransitionsContinueAfterARestart(t *testing.T) {
	for _, tt := range []struct {
		name      string
		begin     func(c *cloud, id *string) smithy.Metadata
		during    string
		version   string
		lastEvent string
	}{
		{"update", func(c *cloud, id *string) smithy.Metadata {
			out, err := c.UpdateEnvironment(c.Context(), &eb.UpdateEnvironmentInput{EnvironmentId: id, VersionLabel: aws.String("v2")})
			must(c, err)
			return out.ResultMetadata
		}, "Updating", "v2", "Environment update completed successfully."},
		{"rebuild", func(c *cloud, id *string) smithy.Metadata {
			out, err := c.RebuildEnvironment(c.Context(), &eb.RebuildEnvironmentInput{EnvironmentId: id})
			must(c, err)
			return out.ResultMetadata
		}, "Updating", "v1", "Successfully launched environment: shop-x"},
		{"terminate", func(c *cloud, id *string) smithy.Metadata {
			out, err := c.TerminateEnvironment(c.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: id})
			must(c, err)
			return out.ResultMetadata
		}, "Terminating", "v1", "terminateEnvironment completed successfully."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			c := start(t, dir)
			c.has("v1", "v2")
			e := c.launch(launchInput("shop-x"))
			c.stop()
			c = start(t, dir, lasting)
			request, _ := middleware.GetRequestIDMetadata(tt.begin(c, e.EnvironmentId))
			if got := c.row(*e.EnvironmentId).Status; string(got) != tt.during {
				t.Errorf("it is %s", got)
			}
			c.stop()
			c = start(t, dir, over)
			if got := c.settled(*e.EnvironmentId); *got.VersionLabel != tt.version {
				t.Errorf("ended with %s", *got.VersionLabel)
			}
			texts := c.told(&eb.DescribeEventsInput{RequestId: &request})
			if texts[len(texts)-1] != tt.lastEvent {
				t.Errorf("events %q", texts)
			}
		})
	}
}

func TestLaunchContinuesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir, lasting)
	c.has("v1")
	out, err := c.CreateEnvironment(t.Context(), launchInput("shop-x"))
	must(t, err)
	c.stop()
	c = start(t, dir, lasting)
	if got := c.row(*out.EnvironmentId); got.Status != "Launching" {
		t.Errorf("it is %s", got.Status)
	}
	c.stop()
	c = start(t, dir, over)
	if got := c.settled(*out.EnvironmentId); got.Status != "Ready" || got.Health != "Green" {
		t.Errorf("ended as %s %s", got.Status, got.Health)
	}
}

func TestReadyEnvironmentsRunAfterARestart(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	c.has("v1")
	kept, gone := c.launch(launchInput("kept")), c.launch(launchInput("gone"))
	_, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: gone.EnvironmentId})
	must(t, err)
	c.settled(*gone.EnvironmentId)
	c.stop()

	var mu sync.Mutex
	var deployed []string
	broken := func(d engine.Deployment) error {
		mu.Lock()
		defer mu.Unlock()
		deployed = append(deployed, d.Environment)
		return engine.Fail("no image")
	}
	c = start(t, dir, func(cfg *Config) { cfg.Runner = &engine.Pretend{Outcome: broken} })
	c.eventually("Red", func() bool { return c.row(*kept.EnvironmentId).Health == "Red" })
	mu.Lock()
	if !slices.Equal(deployed, []string{*kept.EnvironmentId}) {
		t.Errorf("deployed %v", deployed)
	}
	mu.Unlock()
	c.stop()
	c = start(t, dir)
	c.eventually("Green", func() bool { return c.row(*kept.EnvironmentId).Health == "Green" })
}

func TestAbortContinuesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	c.has("v1", "v2")
	e := c.launch(launchInput("shop-x"))
	must(t, c.service.within(wireCall(), c.service.db.Update, func(st *state) error {
		row, _ := environments.get(st, *e.EnvironmentId)
		w := work{Verb: update, Wanted: row.Setup, Deploys: true, Request: "request"}
		w.Wanted.Version = "v2"
		after, _ := row.begin(w, st.Now, keeps)
		after.Status, after.Work.Aborted = aborting, true
		st.save(after)
		return nil
	}))
	c.stop()
	c = start(t, dir)
	if got := c.settled(*e.EnvironmentId); *got.VersionLabel != "v1" {
		t.Errorf("ended with %s", *got.VersionLabel)
	}
}

func TestProcessingContinuesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	c.has("v1")
	status := func() (status string) {
		must(t, c.service.within(wireCall(), c.service.db.View, func(st *state) error {
			v, _ := versions.get(st, "shop", "v1")
			status = v.Status
			return nil
		}))
		return status
	}
	must(t, c.service.within(wireCall(), c.service.db.Update, func(st *state) error {
		v, _ := versions.get(st, "shop", "v1")
		v.Status = processing
		versions.put(st, v, "shop", "v1")
		return nil
	}))
	c.stop()
	c = start(t, dir)
	c.eventually("processed", func() bool { return status() == processed })
}

func TestOldRowsAndEventsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	c.has("v1")
	e := c.launch(launchInput("shop-x"))
	_, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId})
	must(t, err)
	c.settled(*e.EnvironmentId)
	c.stop()
	c = start(t, dir, over)
	must(t, c.service.within(wireCall(), c.service.db.View, func(st *state) error {
		if n := environments.count(st) + events.count(st); n != 0 {
			t.Errorf("%d records are left", n)
		}
		return nil
	}))
}
