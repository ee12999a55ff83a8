package beanstalk

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs/awsapi"
	"beansprout/test/must"
)

// measureWait waits for a deploy that takes a time and that AWS reports as completed some time before
// the environment is Ready. It returns how long Ready was not
// reported, and the calls that it took.
func measureWait(t *testing.T, takes, expected, lag time.Duration) (latency time.Duration, describes, events int) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, fmt.Sprintf(`
			0s    Updating v1 Green
			0s    INFO Environment update is starting.
			%[1]s INFO Environment update completed successfully.
			%[2]s Ready v2 Green`, takes-lag, takes))
		e, err := c.Get(t.Context(), envID)
		must.Succeed(t, err)
		op, err := changer(c).Deploy(t.Context(), e, "v2", "")
		if err == nil {
			clear(s.calls)
			_, err = c.Wait(t.Context(), op.Expect(expected), func(Event) {})
		}
		must.Succeed(t, err)
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
				l, d, e := measureWait(t, takes, time.Duration(float64(takes)*off), 0)
				latency, describes, events = latency+l, describes+d, events+e
			}
			theirs := runs * (int(takes/idlePoll) + 2)
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

func TestEventsAndStateAreReadSideBySideAtTheExpectedEnd(t *testing.T) {
	const latency = 80 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, `
			0s  Updating v1 Green
			0s  INFO Environment update is starting.
			1s  INFO Environment update completed successfully.
			1s  Ready v2 Green`)
		op, err := changer(c).Deploy(t.Context(), s.before, "v2", "")
		if err != nil {
			t.Fatal(err)
		}
		clear(s.calls)
		s.latency = latency
		if _, err := c.Wait(t.Context(), op.Expect(time.Second), func(Event) {}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(s.called); took > time.Second+2*latency || s.calls["DescribeEvents"] != 1 || s.calls["DescribeEnvironments"] != 1 {
			t.Errorf("%v after %v, of which AWS took a second", s.calls, took)
		}
	})
}

func TestPollsAreFrequentAfterTheLastEvent(t *testing.T) {
	const runs = 20
	var latency time.Duration
	for range runs {
		l, _, _ := measureWait(t, 4*time.Minute, 0, 8*time.Second)
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

// TestOneDescribeAnswersForAll has a process wait for many terminations at once, as a sweep does.
func TestOneDescribeAnswersForAll(t *testing.T) {
	waits := func(t *testing.T, n int) (describes int) {
		synctest.Test(t, func(t *testing.T) {
			s, c := newStage(t, terminating, `
				0s   Terminating v1 Grey
				180s Terminated v1 Grey`)
			e, err := c.Get(t.Context(), envID)
			must.Succeed(t, err)
			op, err := changer(c).Terminate(t.Context(), e)
			must.Succeed(t, err)
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if _, err := c.Wait(t.Context(), op, nil); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if s.calls["DescribeEvents"] > 0 {
				t.Error("events were read that are not shown")
			}
			describes = s.calls["DescribeEnvironments"]
		})
		return describes
	}
	one, many := waits(t, 1), waits(t, 20)
	t.Logf("%d describes for one wait, %d for twenty", one, many)
	if many > 3*one {
		t.Errorf("%d describes for twenty waits, %d for one", many, one)
	}
}

func TestAnAnswerIsSharedOnlyByWaitsForItsEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, "")
		defer c.polls.join(envID)()
		for i, tt := range []struct {
			id    string
			age   time.Duration
			there bool
			calls int
		}{
			{envID, time.Second, true, 1},
			{envID, time.Second, true, 1},
			{envID, 0, true, 2},
			{"e-2", time.Minute, false, 3}, // no wait was for it
		} {
			if tt.id != envID {
				defer c.polls.join(tt.id)()
			}
			r, err := c.row(t.Context(), tt.id, tt.age)
			if err != nil || r.found != tt.there || s.calls["DescribeEnvironments"] != tt.calls {
				t.Errorf("%d: %+v, %v, %d calls", i, r, err, s.calls["DescribeEnvironments"])
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestSettleDistinguishesGoneFromMissing(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		gone         bool
		by           time.Duration
	}{
		{"a deploy ends", "0s Updating v1 Green\n 30s Ready v2 Green", false, 40 * time.Second},
		{"missing for a moment", "0s Updating v1 Green\n 10s gone\n 30s Updating v1 Green\n 60s Ready v2 Green", false, 70 * time.Second},
		{"terminated", "0s Terminating v1 Grey\n 60s Terminated v1 Grey", true, 70 * time.Second},
		{"gone", "0s Terminating v1 Grey\n 60s gone", true, 2 * time.Minute},
		{"missing, and Terminating all the same", "0s Terminating v1 Grey\n 10s gone\n 30s Terminating v1 Grey\n 60s Ready v1 Grey", false, 70 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := newStage(t, updating, tt.script)
				s.called = time.Now()
				e := s.before
				e.State = Updating
				got, err := c.Settle(t.Context(), e)
				if errors.Is(err, awsapi.ErrNotFound) != tt.gone || !tt.gone && (err != nil || got.State != Ready) || time.Since(s.called) > tt.by {
					t.Errorf("%+v, %v after %s", got, err, time.Since(s.called))
				}
			})
		})
	}
}

func TestThrottlingSlowsPollsDown(t *testing.T) {
	looks := func(through func(call int) bool) (passed int) {
		synctest.Test(t, func(t *testing.T) {
			s, c := newStage(t, updating, strings.ReplaceAll(deployScript, "60s", "10m"))
			calls := 0
			s.bucket = func(string) bool {
				calls++
				if !through(calls) {
					return false
				}
				passed++
				return true
			}
			if err := deployed(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
		return passed
	}
	calm, throttled := looks(func(int) bool { return true }), looks(func(call int) bool { return call%2 == 0 })
	t.Logf("%d calls pass in ten minutes, %d where every other is throttled", calm, throttled)
	if throttled > calm*2/3 {
		t.Errorf("%d calls pass in ten minutes, %d where every other is throttled", calm, throttled)
	}
}
