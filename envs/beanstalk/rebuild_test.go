package beanstalk

import (
	"errors"
	"slices"
	"testing"
	"time"

	"beansprout/envs/awsapi"
	"beansprout/localcloud"
	"beansprout/test/must"
)

func TestAnUpdateIsAborted(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{UpdateTime: time.Minute})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	if err := changer(c).Abort(t.Context(), e); !errors.Is(err, awsapi.ErrNotReady) {
		t.Errorf("with nothing to abort: %v", err)
	}
	_, err = changer(c).Deploy(t.Context(), e, version(t, c, "shop-x-2"), "")
	must.Succeed(t, err)
	must.Succeed(t, changer(c).Abort(t.Context(), e))
	if e, err = c.Settle(t.Context(), e); err != nil || e.Version != "shop-x-1" {
		t.Errorf("afterwards: %+v, %v", e, err)
	}
}

func TestTerminatedEnvironmentsAreListed(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	if rows, err := c.Terminated(t.Context(), application, time.Time{}); err != nil || len(rows) > 0 {
		t.Errorf("while it lives: %v, %v", rows, err)
	}
	op, err := changer(c).Terminate(t.Context(), e)
	if err == nil {
		_, err = c.Wait(t.Context(), op, func(Event) {})
	}
	must.Succeed(t, err)
	rows, err := c.Terminated(t.Context(), application, time.Now().Add(-time.Minute))
	if err != nil || len(rows) != 1 || rows[0].ID != e.ID || rows[0].Version != "shop-x-1" || time.Since(rows[0].Updated).Abs() > time.Minute {
		t.Errorf("Terminated = %+v, %v", rows, err)
	}
	if rows, err := c.Terminated(t.Context(), application, time.Now().Add(time.Minute)); err != nil || len(rows) > 0 {
		t.Errorf("since later: %v, %v", rows, err)
	}
	if rows, err := c.Terminated(t.Context(), "other", time.Time{}); err != nil || len(rows) > 0 {
		t.Errorf("of another application: %v, %v", rows, err)
	}
}

func TestTheEndOfATerminationIsNoEarlierThanItCanBe(t *testing.T) {
	noon := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	for _, tt := range []struct {
		name             string
		created, updated time.Time
		known            bool
		want             time.Time
	}{
		{"an hour ago", ago(2 * time.Hour), ago(time.Hour), true, ago(time.Hour)},
		{"as soon as it was created", ago(time.Hour), ago(time.Hour), true, ago(time.Hour)},
		{"without the date of its creation", time.Time{}, ago(time.Hour), true, ago(time.Hour)},
		{"without a date", ago(time.Hour), time.Time{}, false, noon},
		{"before it was created", ago(time.Hour), time.Unix(0, 0), false, noon},
		{"created in the far future", noon.AddDate(7974, 0, 0), ago(time.Hour), false, noon},
		{"in the far future", ago(time.Hour), noon.AddDate(7974, 0, 0), true, noon},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := Env{Created: tt.created, Updated: tt.updated}
			if got := latestEnd(e, noon); !got.Equal(tt.want) || endIsKnown(e) != tt.known {
				t.Errorf("got %v, known: %v", got, endIsKnown(e))
			}
		})
	}
}

func TestATerminatedEnvironmentComesBack(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	op, err := changer(c).Terminate(t.Context(), e)
	if err == nil {
		_, err = c.Wait(t.Context(), op, func(Event) {})
	}
	if err == nil {
		op, err = changer(c).Rebuild(t.Context(), e)
	}
	must.Succeed(t, err)
	back, err := c.Wait(t.Context(), op, func(Event) {})
	if err != nil || back.ID != e.ID || back.CNAME != e.CNAME || back.Version != e.Version || back.State != Ready {
		t.Errorf("rebuilt: %+v, %v", back, err)
	}
	if _, err := changer(c).Rebuild(t.Context(), Env{ID: "e-2222222222", Name: "shop-y"}); !errors.Is(err, awsapi.ErrNotFound) {
		t.Errorf("what never was: %v", err)
	}
}

func TestVersionsAreListed(t *testing.T) {
	c, _ := cloud(t, localcloud.Config{})
	want := []string{"shop-x-0123456789abcdef0123", "shop-x-v2", "v1"}
	for _, label := range want {
		version(t, c, label)
	}
	all, err := c.AllVersions(t.Context(), application)
	must.Succeed(t, err)
	var got []string
	for _, v := range all {
		got = append(got, v.Label)
		if v.Application != application || time.Since(v.Created).Abs() > time.Minute {
			t.Errorf("got %+v", v)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("AllVersions = %q, want %q", got, want)
	}
}
