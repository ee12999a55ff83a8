package envs

import (
	"context"
	"errors"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

func TestGroundsHoldForSecondsAndForOneAttempt(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		grounds grounds
		want    bool
	}{
		"read just now":             {grounds{began: now, at: now}, true},
		"read too long ago":         {grounds{began: now, at: now.Add(-groundsMaxAge)}, false},
		"begun too long ago":        {grounds{began: now.Add(-groundsMaxTime), at: now}, false},
		"for one attempt":           {grounds{began: now, at: now, once: true}, true},
		"used":                      {grounds{began: now, at: now, spent: true}, true},
		"for one attempt, and used": {grounds{began: now, at: now, once: true, spent: true}, false},
	} {
		if got := tt.grounds.hold(); got != tt.want {
			t.Errorf("%s: they hold = %v", name, got)
		}
	}
}

func TestGroundsThatTakeTooLongToReadAreNone(t *testing.T) {
	r, reads := &removal{env: Env{Name: "x"}}, 0
	r.grounds.read = func(context.Context) error {
		reads++
		r.grounds.at = time.Now().Add(-groundsMaxAge)
		return nil
	}
	if err := r.allow(t.Context()); err == nil || reads != groundsReads {
		t.Errorf("after %d reads: %v", reads, err)
	}
	r.grounds.read = func(context.Context) error { return store.ErrLost }
	if err := r.allow(t.Context()); !errors.Is(err, store.ErrLost) {
		t.Errorf("what can't be read: %v", err)
	}
}

func TestMayGoAnswersForAllThatKeepsAnEnvironment(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	own := func(change func(*store.Record)) *store.Record {
		r := &store.Record{Environment: "e-x"}
		change(r)
		return r
	}
	for _, tt := range []struct {
		name  string
		state State
		tags  Tags
		rec   *store.Record
		want  string
	}{
		{"nothing was read", Ready, nil, nil, ""},
		{"nothing keeps it", Ready, Tags{TagLifecycle: Ephemeral}, own(func(*store.Record) {}), ""},
		{"it is going away", Terminating, nil, nil, "is gone already"},
		{"a deploy", Updating, nil, nil, "is Updating: next sweep"},
		{"a state that AWS invents tomorrow", "Pondering", nil, nil, "is Pondering: next sweep"},
		{"its tag", Ready, Tags{TagLifecycle: " KEEP"}, nil, `is protected: its tag beansprout:lifecycle says " KEEP"`},
		{"an unknown tag", Ready, Tags{TagLifecycle: "forever"}, nil, `its tag beansprout:lifecycle says "forever", which is unknown`},
		{"an operation", Ready, nil, own(func(r *store.Record) { r.Lease = &store.LeaseOwner{Verb: "up"} }), "up is at work on it: next sweep"},
		{"time that is over", Ready, nil, own(func(r *store.Record) { r.Extended = now }), ""},
		{"a person", Ready, nil, own(func(r *store.Record) { r.Protected = &store.Protection{By: "kim"} }), "kim keeps it"},
		{"a person, before", Ready, nil, &store.Record{Environment: "e-before", Protected: &store.Protection{By: "kim"}, Extended: now.Add(day)}, ""},
	} {
		if got := mayGo(Env{ID: "e-x", State: tt.state}, tt.tags, tt.rec); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A sweep may wait for AWS's tags, and the environment may have moved when it has them.
func TestGroundsAreAsOldAsTheEnvironmentThatWasReadFirst(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	r := p.removalOf(e)
	r.refuse = func(Env, Tags, *store.Record) error { return nil }
	for age, want := range map[time.Duration]bool{0: true, groundsMaxTime: false} {
		if err := r.confirm(t.Context(), e.Env, time.Now().Add(-age)); err != nil || r.grounds.hold() != want {
			t.Errorf("read %v ago: they hold = %v, %v", age, r.grounds.hold(), err)
		}
	}
}
