package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/must"
)

// journey launches, changes and terminates an environment.
func journey(ctx context.Context, t *testing.T, c *Client) error {
	const name = "shop-x"
	one, two := version(t, c, name+"-1"), version(t, c, name+"-2")
	platform, err := c.Platform(ctx, branch)
	if err != nil {
		return err
	}
	if _, free, err := c.Address(ctx, name); err != nil || !free {
		return fmt.Errorf("free = %v: %w", free, err)
	}
	if _, err := c.Bucket(ctx); err != nil {
		return err
	}
	settings := roles()
	op, err := changer(c).Launch(ctx, Launch{
		Name: name, Application: application, Description: "x", Version: one,
		Tags: map[string]string{"beansprout:feature": "x"}, Base: Base{Platform: platform}, Settings: settings.List(),
	})
	if err != nil {
		return err
	}
	e, err := c.Wait(ctx, op, func(Event) {})
	if err != nil {
		return err
	}
	settings.Variables = map[string]string{"COLOUR": "blue"}
	have, err := c.Configuration(ctx, e)
	if err == nil {
		op, err = changer(c).Update(ctx, e, Update{Settings: have.Compare(settings.List(), nil)})
	}
	if err == nil {
		e, err = c.Wait(ctx, op, func(Event) {})
	}
	if err == nil {
		op, err = changer(c).Deploy(ctx, e, two, "x")
	}
	if err == nil {
		e, err = c.Wait(ctx, op, func(Event) {})
	}
	if err != nil {
		return err
	}
	if tags, err := c.Tags(ctx, e); err != nil || tags["beansprout:feature"] != "x" || e.Version != two {
		return fmt.Errorf("%+v with %v: %w", e, tags, err)
	}
	if op, err = changer(c).Terminate(ctx, e); err == nil {
		_, err = c.Wait(ctx, op, func(Event) {})
	}
	return errors.Join(err, changer(c).DeleteVersion(ctx, application, one))
}

// TestAJourneySurvivesEveryFaultAtEveryCall lets each operation go wrong twice in each way
// that the local cloud knows, over real connections; a third of it, unless it is a soak.
func TestAJourneySurvivesEveryFaultAtEveryCall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var group errgroup.Group
	group.SetLimit(16) // they wait most of the time
	for i, operation := range operations(t) {
		for j, kind := range fault.Kinds() {
			r := fault.Rule{Service: "elasticbeanstalk", Operation: operation, Kind: kind, Count: 2}
			if os.Getenv("BEANSPROUT_SOAK") != "1" && (i+j)%3 != 0 || r.Check() != nil && kind == fault.Stale {
				continue
			}
			if kind == fault.Slow || kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
				r.For = 300 * time.Millisecond
			}
			group.Go(func() error {
				t.Run(operation+" "+string(kind), func(t *testing.T) { survives(t, r) })
				return nil
			})
		}
	}
	_ = group.Wait() // t knows
}

// operations returns the operations that a journey calls.
func operations(t *testing.T) (all []string) {
	c, local := cloud(t, localcloud.Config{})
	must.Succeed(t, journey(t.Context(), t, c))
	for _, call := range local.Calls() {
		if !slices.Contains(all, call.Action) && call.Action != "CreateApplication" {
			all = append(all, call.Action)
		}
	}
	return all
}

func survives(t *testing.T, r fault.Rule) {
	const took = 30 * time.Millisecond // long enough to be met under way
	c, local := cloud(t, localcloud.Config{CreateTime: took, UpdateTime: took, TerminateTime: took, Faults: []fault.Rule{r}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	must.Succeed(t, journey(ctx, t, c))
	carriedOut := map[string]int{}
	for _, call := range local.Calls() {
		if call.Status == 200 || call.Fault == fault.TimeoutAfter || call.Fault == fault.ResetAfter || call.Fault == fault.Truncated {
			carriedOut[call.Action]++
		}
	}
	for operation, times := range map[string]int{"CreateEnvironment": 1, "UpdateEnvironment": 2, "TerminateEnvironment": 1} {
		if carriedOut[operation] != times {
			t.Errorf("%s was carried out %d times", operation, carriedOut[operation])
		}
	}
}

// BenchmarkReadyToReported measures how long Ready goes unreported, and how many calls that
// costs, where it is known how long AWS takes.
func BenchmarkReadyToReported(b *testing.B) {
	for _, takes := range []time.Duration{2 * time.Second, 30 * time.Second} {
		b.Run(takes.String(), func(b *testing.B) {
			c, local := cloud(b, localcloud.Config{UpdateTime: takes})
			e, err := launch(b, c, "shop-x")
			must.Succeed(b, err)
			labels := []string{version(b, c, "shop-x-1"), version(b, c, "shop-x-2")}
			var unreported time.Duration
			calls := 0
			for i := 0; b.Loop(); i++ {
				op, err := changer(c).Deploy(b.Context(), e, labels[(i+1)%2], "")
				before := len(local.Calls())
				if err == nil {
					e, err = c.Wait(b.Context(), op.Expect(takes), func(Event) {})
				}
				must.Succeed(b, err)
				unreported += time.Since(e.Updated)
				calls += len(local.Calls()) - before
			}
			b.ReportMetric(float64(unreported.Milliseconds())/float64(b.N), "ms-unreported/op")
			b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
		})
	}
}
