package beanstalk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// alone waits for a deploy that takes so long, alone, and that AWS calls done some time before
// the environment is Ready. It returns how long Ready went
// unreported, and the calls that it took.
func alone(t *testing.T, takes, usual, lag time.Duration) (latency time.Duration, describes, events int) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, fmt.Sprintf(`
			0s    Updating v1 Green
			0s    INFO Environment update is starting.
			%[1]s INFO Environment update completed successfully.
			%[2]s Ready v2 Green`, takes-lag, takes))
		e, err := c.Get(t.Context(), envID)
		if err != nil {
			t.Fatal(err)
		}
		op, err := c.Deploy(t.Context(), e, "v2", "")
		if err == nil {
			clear(s.calls)
			_, err = c.Wait(t.Context(), op.Expect(usual), func(Event) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		latency, describes, events = time.Since(s.called)-takes, s.calls["DescribeEnvironments"], s.calls["DescribeEvents"]
	})
	return latency, describes, events
}

// TestReadyIsReportedSoonAndCheaply compares with aws elasticbeanstalk wait, which describes
// the environment every 20 seconds.
func TestReadyIsReportedSoonAndCheaply(t *testing.T) {
	for _, takes := range []time.Duration{50 * time.Millisecond, 2 * time.Second, 30 * time.Second, 4 * time.Minute} {
		for _, off := range []float64{1, 0.98, 1.02, 0.9, 1.1, 0.7, 1.5, 0} {
			const runs = 40
			var latency time.Duration
			var describes, events int
			for range runs {
				l, d, e := alone(t, takes, time.Duration(float64(takes)*off), 0)
				latency, describes, events = latency+l, describes+d, events+e
			}
			theirs := runs * (int(takes/heartbeat) + 2)
			t.Logf("%6s, expected x%.2f: %.3f s unreported, %.1f describes and %.1f reads of events; the waiter %d", takes, off,
				latency.Seconds()/runs, float64(describes)/runs, float64(events)/runs, theirs/runs)
			if known := off == 1; known && (latency > runs*500*time.Millisecond || describes > theirs) {
				t.Errorf("%s: %s and %d describes in %d waits", takes, latency/runs, describes, runs)
			}
			if describes > theirs+runs {
				t.Errorf("%s, expected x%.1f: %d describes in %d waits", takes, off, describes, runs)
			}
		}
	}
}

func TestReadyIsLookedForCloselyOnceAWSHasSaidHowItEnded(t *testing.T) {
	const runs = 20
	var latency time.Duration
	for range runs {
		l, _, _ := alone(t, 4*time.Minute, 0, 8*time.Second)
		latency += l
	}
	if latency /= runs; latency > 1500*time.Millisecond {
		t.Errorf("%s unreported", latency)
	}
}

func TestEventsOfTheSameInstantAreOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, "0s INFO one\n 0s INFO two\n 0s INFO three")
		s.called = time.Now()
		events, err := c.Events(t.Context(), envID, s.called.Add(-time.Second))
		if err != nil || len(events) != 3 || events[0].Message != "one" || events[2].Message != "three" {
			t.Errorf("Events = %v, %v", events, err)
		}
	})
}
