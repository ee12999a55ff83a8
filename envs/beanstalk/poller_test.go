package beanstalk

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
)

// TestOneDescribeAnswersForAll has a process wait for many terminations at once, as a sweep does.
func TestOneDescribeAnswersForAll(t *testing.T) {
	waits := func(t *testing.T, n int) (describes int) {
		synctest.Test(t, func(t *testing.T) {
			s, c := newStage(t, terminating, `
				0s   Terminating v1 Grey
				180s Terminated v1 Grey`)
			e, err := c.Get(t.Context(), envID)
			if err != nil {
				t.Fatal(err)
			}
			op, err := c.Terminate(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
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
				t.Error("events were read that nobody wanted to see")
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

func TestAnAnswerIsOfferedToThoseItWasAskedFor(t *testing.T) {
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
			{"e-2", time.Minute, false, 3}, // nobody has asked for it
		} {
			if tt.id != envID {
				defer c.polls.join(tt.id)()
			}
			r, err := c.row(t.Context(), tt.id, tt.age)
			if err != nil || r.there != tt.there || s.calls["DescribeEnvironments"] != tt.calls {
				t.Errorf("%d: %+v, %v, %d calls", i, r, err, s.calls["DescribeEnvironments"])
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestSettleTellsGoneFromMissing(t *testing.T) {
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
				e.State = envs.Updating
				got, err := c.Settle(t.Context(), e)
				if errors.Is(err, envs.ErrNotFound) != tt.gone || !tt.gone && (err != nil || got.State != envs.Ready) || time.Since(s.called) > tt.by {
					t.Errorf("%+v, %v after %s", got, err, time.Since(s.called))
				}
			})
		})
	}
}

func TestThrottlesSlowTheLooksDown(t *testing.T) {
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
	calm, strained := looks(func(int) bool { return true }), looks(func(call int) bool { return call%2 == 0 })
	t.Logf("%d calls pass in ten minutes, %d where every other is throttled", calm, strained)
	if strained > calm*2/3 {
		t.Errorf("%d calls pass in ten minutes, %d where every other is throttled", calm, strained)
	}
}
