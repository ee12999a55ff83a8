package janitor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
)

func TestScheduleRefusesWhatWouldPanicOrNeverSweep(t *testing.T) {
	tests := []struct {
		expr string
		want string // a part of the error; "" means accepted
	}{
		{"0 * * * *", ""},
		{" */15 9-18 * * mon-fri ", ""},
		{"@hourly", ""},
		{"@every 1s", ""},
		{"@every 1h30m", ""},
		{"CRON_TZ=Asia/Seoul 0 9 * * *", ""},
		{"TZ=UTC @daily", ""},
		{"0 0 29 2 *", ""},
		{"", "empty"},
		{"TZ=UTC", "time zone is written as"},
		{"CRON_TZ=", "time zone is written as"},
		{"CRON_TZ= 0 * * * *", "time zone is written as"},
		{"TZ=UTC ", "time zone is written as"},
		{"TZ=Mars/Olympus 0 * * * *", "bad location"},
		{"0 0 30 2 *", "no such day"},
		{", * * * *", "no such day"},
		{"@every 100ms", "whole number of seconds"},
		{"@every -5s", "whole number of seconds"},
		{"@every 1500ms", "whole number of seconds"},
		{"TZ=UTC @every 0s", "whole number of seconds"},
		{"@every soon", "invalid duration"},
		{"0 0 * * * *", "found 6"},
		{"60 * * * *", "above maximum"},
		{"often", "found 1"},
	}
	for _, tt := range tests {
		table, err := Schedule(tt.expr)
		switch {
		case tt.want == "" && (err != nil || table.Next(noon).IsZero()):
			t.Errorf("%q: got %v", tt.expr, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q: got error %v, want %q", tt.expr, err, tt.want)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"0 * * * *", "TZ=UTC", "CRON_TZ=Asia/Seoul 0 9 * * *", "@every 1s", "*/7,3-9 1 1 1 1", "TZ=\t 1 1 1 1 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		table, err := Schedule(s)
		if err == nil && !table.Next(noon).After(noon) {
			t.Errorf("%q: next after %v is %v", s, noon, table.Next(noon))
		}
	})
}

func TestScheduleAtTheChangesOfDaylightSaving(t *testing.T) {
	for _, tt := range []struct {
		expr, from string
		want       []string
	}{
		{ // 02:30 does not exist on 30 March
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2025-03-29T12:00:00Z",
			[]string{"2025-03-31T00:30:00Z"},
		},
		{ // 02:30 is there twice on 26 October
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2025-10-25T12:00:00Z",
			[]string{"2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-27T01:30:00Z"},
		},
	} {
		table, err := Schedule(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, tt.from)
		for _, want := range tt.want {
			at = table.Next(at)
			if got := at.UTC().Format(time.RFC3339); got != want {
				t.Errorf("%s after %s: got %s, want %s", tt.expr, tt.from, got, want)
			}
		}
	}
}

// ticking is a shelf whose clock is right and whose environments are always expired.
type ticking struct {
	*shelf
	look func() // before each survey; may be nil
}

func (c ticking) Survey(ctx context.Context, pick func([]*envs.Candidate, time.Time)) (envs.Survey, error) {
	if c.look != nil {
		c.look()
	}
	now := time.Now()
	for i := range c.shelf.survey.Environments {
		e := &c.shelf.survey.Environments[i].Environment
		c.shelf.survey.Environments[i].Soonest = now.Add(-24 * time.Hour)
		e.Created, e.Updated, e.Expires = now.Add(-48*time.Hour), now.Add(-48*time.Hour), now.Add(-24*time.Hour)
	}
	c.shelf.survey.Now = now
	return c.shelf.Survey(ctx, pick)
}

func tick(j *Janitor, s *shelf, look func()) { j.Now, j.Environments = nil, ticking{s, look} }

func TestRunSweepsOnItsScheduleAndOutlivesPanicsAndErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := house("a", "b")
		var at []time.Duration
		start := time.Now()
		tick(j, s, func() {
			if time.Since(start) == 30*time.Minute {
				panic("in the middle of a sweep")
			}
		})
		s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
			if e.Feature == "a" {
				panic("in a removal")
			}
			at = append(at, time.Since(start))
			return envs.Receipt{}, errors.New("never succeeds")
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- j.Run(ctx, "@every 10m", true) }()

		time.Sleep(45 * time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Errorf("got %v, want nil", err)
		}
		want := []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute}
		if !slices.Equal(at, want) {
			t.Errorf("swept after %v, want %v", at, want)
		}
	})
}

func TestRunStopsWhenTheRemovalInProgressIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := house("a", "b", "c", "d", "e", "f")
		tick(j, s, nil)
		var finished []string
		var mu sync.Mutex
		s.remove = func(ctx context.Context, e envs.Env) (envs.Receipt, error) {
			select {
			case <-ctx.Done():
				t.Error("the removal in progress was cancelled")
			case <-time.After(5 * time.Minute):
			}
			mu.Lock()
			defer mu.Unlock()
			finished = append(finished, e.Feature)
			return envs.Receipt{}, nil
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		start := time.Now()
		go func() { done <- j.Run(ctx, "@every 1m", true) }()
		time.Sleep(2 * time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Errorf("got %v, want nil", err)
		}
		if took := time.Since(start); took != 6*time.Minute || len(finished) != sideBySide {
			t.Errorf("stopped after %v with %v removed, want 6m0s and four", took, finished)
		}
	})
}

func TestRunDoesNotOverlapItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := house("a")
		tick(j, s, nil)
		running, sweeps := 0, 0
		s.remove = func(context.Context, envs.Env) (envs.Receipt, error) {
			if running++; running > 1 {
				t.Error("two sweeps at once")
			}
			time.Sleep(150 * time.Second)
			running--
			sweeps++
			return envs.Receipt{}, nil
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute+30*time.Second)
		defer stop()
		if err := j.Run(ctx, "@every 1m", true); err != nil || sweeps != 3 {
			t.Errorf("got %v after %d sweeps, want 3", err, sweeps)
		}
	})
}

func TestRunReturnsAtOnceWhenItIsStoppedOrMisconfigured(t *testing.T) {
	j, s := house("a")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := j.Run(ctx, "0 0 1 1 *", true); err != nil || len(s.removed) > 0 {
		t.Errorf("got %v and removed %v", err, s.removed)
	}
	if err := j.Run(t.Context(), "whenever", true); err == nil {
		t.Error("a schedule that is none was accepted")
	}
}

func TestRunBeginsWithTheSweepThatWasMissed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ago    time.Duration // when the last sweep was; 0 for never
		unread error
		want   []time.Duration
	}{
		{"missed", 2 * time.Hour, nil, []time.Duration{0, time.Hour}},
		{"due now", time.Hour, nil, []time.Duration{0, time.Hour}},
		{"not due yet", 59 * time.Minute, nil, []time.Duration{time.Hour}},
		{"never swept", 0, nil, []time.Duration{time.Hour}},
		{"not known", 2 * time.Hour, errors.New("access denied"), []time.Duration{time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := house()
				start := time.Now()
				var at []time.Duration
				tick(j, s, func() { at = append(at, time.Since(start)) })
				if s.survey.LastError = tt.unread; tt.ago > 0 {
					s.survey.Last.At = start.Add(-tt.ago)
				}
				ctx, stop := context.WithTimeout(t.Context(), 90*time.Minute)
				defer stop()
				if err := j.Run(ctx, "@every 1h", true); err != nil || !slices.Equal(at, tt.want) {
					t.Errorf("swept after %v, %v; want %v", at, err, tt.want)
				}
			})
		})
	}
}
