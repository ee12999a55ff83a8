package envs

import (
	"errors"
	"testing"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
)

// A board shows snapshots, whose environments were not looked up one by one.
func TestAllOperationsWorkOnWhatASnapshotHas(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	one, _ := p.twice()
	kim := Options{By: "kim"}
	try := func(what string, _ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	e, err := p.manager.Extend(t.Context(), p.snapshot().of("x"), day, kim)
	try("Extend", e, err)
	now := p.snapshot().of("x")
	if !now.Expires.Equal(e.Expires) || now.Expires.Sub(now.Created) < 6*day-time.Minute {
		t.Errorf("it expires at %v, of %v", now.Expires, now.Created)
	}
	e, err = p.manager.Protect(t.Context(), now, "a demo", kim)
	try("Protect", e, err)
	if _, err := p.manager.Remove(t.Context(), now, RemoveOptions{Options: kim}); err == nil {
		t.Error("what is protected meanwhile is removed")
	}
	e, err = p.manager.Unprotect(t.Context(), p.snapshot().of("x"), kim)
	try("Unprotect", e, err)
	r, err := p.manager.Rollback(t.Context(), p.snapshot().of("x"), RollbackOptions{Options: kim, Check: HealthCheck{Off: true}})
	try("Rollback", r, err)
	if r.Environment.Version != one.Version {
		t.Errorf("it is rolled back to %s", r.Environment.Version)
	}
	receipt, err := p.manager.Remove(t.Context(), p.snapshot().of("x"), RemoveOptions{Options: kim})
	try("Remove", receipt, err)
	gone := p.snapshot().Removed[0]
	r, err = p.manager.Restore(t.Context(), gone.Environment(), RestoreOptions{Options: kim, Check: HealthCheck{Off: true}})
	try("Restore", r, err)
	back := p.snapshot().of("x")
	if r.Outcome != Restored || back.ID != one.ID || back.Version != one.Version || back.Expires.Before(p.now().Add(5*day-time.Minute)) {
		t.Errorf("restored: %+v; %+v", r, back)
	}
	if _, err := p.manager.Restore(t.Context(), gone.Environment(), RestoreOptions{Options: kim}); !errors.Is(err, ErrAlive) {
		t.Errorf("a page that is out of date restores once more: %v", err)
	}
}

// Instances may be able to write records.
func TestARecordHasNoForeignEnvironmentBroughtBack(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	other := p.deployed(deployment("other", "one"), Created)
	p.deployed(deployment("x", "one"), Created)
	p.removed("other", RemoveOptions{})
	p.removed("x", RemoveOptions{})
	p.note("x", func(r *store.Record) {
		forged := *r.Restorable
		forged.ID, forged.Version = other.ID, other.Version
		r.Restorable = &forged
	})
	calls := len(p.cloud.Calls())
	for _, g := range p.snapshot().Removed {
		if g.Feature != "x" {
			continue
		}
		if _, err := p.manager.Restore(t.Context(), g.Environment(), RestoreOptions{Check: HealthCheck{Off: true}}); !errors.Is(err, ErrReplaced) {
			t.Errorf("Restore: %v, want %v", err, ErrReplaced)
		}
	}
	if changes := p.changesSince(calls); len(changes) > 0 {
		t.Errorf("it calls %q", changes)
	}
}

func TestEventsAreToldOfWhatHasGone(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	var last beanstalk.Event
	err := p.manager.Events(t.Context(), p.snapshot().Removed[0].Environment(), EventOptions{Show: func(e beanstalk.Event) error { last = e; return nil }})
	if err != nil || !last.Terminated() {
		t.Errorf("the last event is %+v, %v", last, err)
	}
}

func TestEventsAreReadFromADateThatThereWas(t *testing.T) {
	long, noon := time.Now().Add(-terminatedRetention), time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ created, since, want time.Time }{
		{noon, time.Time{}, noon.Add(-time.Minute)},
		{noon, noon.Add(time.Hour), noon.Add(time.Hour)},
		{time.Time{}, time.Time{}, long},
		{time.Time{}, time.Time{}.Add(-time.Minute), long},
		{time.Time{}, noon, noon},
	} {
		if got := eventsFrom(Environment{Env: Env{Created: tt.created}}, tt.since); got.Sub(tt.want).Abs() > time.Minute/2 {
			t.Errorf("of one made at %v since %v: %v, want %v", tt.created, tt.since, got, tt.want)
		}
	}
}
