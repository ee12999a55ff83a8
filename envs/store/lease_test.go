package store

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"beansprout/envs/awsapi"
	"beansprout/test/must"
)

// brief makes leases short enough for a test to wait for. On a busy machine their owners lose them.
func brief(l *Store) *Store {
	l.Duration, l.Renewal = 3*time.Second, 200*time.Millisecond
	return eager(l)
}

// crowded makes leases for many at once: those who wait must leave the owner time for its calls.
func crowded(l *Store) *Store {
	l.Duration, l.poll = 10*time.Second, 100*time.Millisecond
	return l
}

// eager looks often whether a lease can be taken.
func eager(l *Store) *Store {
	l.poll = 20 * time.Millisecond
	return l
}

// longLeases makes leases that outlast every pause of a busy machine.
func longLeases(l *Store) *Store {
	l.Duration, l.Renewal = 3*time.Hour, time.Hour
	return l
}

func take(t *testing.T, l *Store, c LeaseRequest) *Lease {
	t.Helper()
	h, _, err := l.Take(t.Context(), "shop-x", c, nil)
	must.Succeed(t, err)
	return h
}

func TestALeaseHasOneOwnerAtATime(t *testing.T) {
	l := open(t)
	h := take(t, l, LeaseRequest{Verb: "up", By: "build 7", RequestNumber: 3})
	r, err := l.Read(t.Context(), "shop-x")
	if err != nil || r.Lease == nil || r.Lease.Verb != "up" || r.Lease.RequestNumber != 3 || r.Lease.Renewed.IsZero() {
		t.Fatalf("the record has %+v, %v", r.Lease, err)
	}
	_, _, err = l.Take(t.Context(), "shop-x", LeaseRequest{NoWait: true}, nil)
	if !errors.Is(err, ErrHeld) || !errors.Is(err, awsapi.ErrNotReady) {
		t.Errorf("a second one got %v, want %v", err, ErrHeld)
	}
	if r, err = l.Change(t.Context(), "shop-x", func(r *Record) { r.Lease, r.Feature = nil, "x" }); err != nil || r.Lease == nil {
		t.Errorf("a change by another took the lease away: %+v, %v", r, err)
	}
	must.Succeed(t, h.Release(t.Context(), func(r *Record) { r.Commit = "abc" }))
	other := take(t, l, LeaseRequest{NoWait: true})
	must.Succeed(t, other.Ensure(t.Context()))
	if r, _ = l.Read(t.Context(), "shop-x"); r.Commit != "abc" {
		t.Errorf("the last change before the release is missing: %+v", r)
	}
}

// later calls f after a pause, and returns what waits for its end: others may see what it does before it
// has its own answer.
func later(pause time.Duration, f func()) (wait func()) {
	done := make(chan struct{})
	time.AfterFunc(pause, func() { defer close(done); f() })
	return func() { <-done }
}

func TestTakeWaitsForTheOwnerAndReportsItOnce(t *testing.T) {
	t.Parallel()
	l := eager(longLeases(open(t)))
	h := take(t, l, LeaseRequest{Verb: "up"})
	var waited []string
	claim := LeaseRequest{Waiting: func(h LeaseOwner) { waited = append(waited, h.Verb) }}
	defer later(300*time.Millisecond, func() {
		if err := h.Release(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})()
	take(t, l, claim)
	if len(waited) != 1 || waited[0] != "up" {
		t.Errorf("it said that it waits for %q", waited)
	}
}

func TestAnErrorOfDecideEndsTheWaiting(t *testing.T) {
	t.Parallel()
	l := eager(longLeases(open(t)))
	take(t, l, LeaseRequest{})
	superseded := errors.New("superseded")
	defer later(200*time.Millisecond, func() {
		if _, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.NumberRequest("abc") }); err != nil {
			t.Error(err)
		}
	})()
	_, r, err := l.Take(t.Context(), "shop-x", LeaseRequest{}, func(r Record) error {
		if r.RequestNumber > 0 {
			return superseded
		}
		return nil
	})
	if !errors.Is(err, superseded) || r.Requested != "abc" {
		t.Errorf("Take = %+v, %v", r, err)
	}
}

func TestALeaseThatIsNotRenewedExpires(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	h := take(t, l, LeaseRequest{})
	take(t, l, LeaseRequest{})
	for what, err := range map[string]error{
		"Ensure": h.Ensure(t.Context()), "Release": h.Release(t.Context(), nil), "Change": change(t, h),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s after the lease was lost: %v, want %v", what, err, ErrLost)
		}
	}
}

func change(t *testing.T, h *Lease) error {
	_, err := h.Change(t.Context(), func(r *Record) { r.Commit = "mine" })
	return err
}

func TestALeaseThatIsRenewedDoesNotExpire(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	longLeases(l).Renewal = 100 * time.Millisecond
	h := take(t, l, LeaseRequest{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	const steps = 8 // of a quarter of the duration each
	for range steps {
		cloud.Advance(l.Duration / 4)
		must.Wait(t, "the lease is renewed", func() bool {
			r, err := l.Read(t.Context(), "shop-x")
			must.Succeed(t, err)
			return r.Lease == nil || r.At.Sub(r.Lease.Renewed) < l.Duration/4
		})
		if _, _, err := l.Take(t.Context(), "shop-x", LeaseRequest{NoWait: true}, nil); !errors.Is(err, ErrHeld) {
			t.Fatalf("Take by another owner: %v, want %v", err, ErrHeld)
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the owner's context has ended: %v", context.Cause(ctx))
	}
	must.Succeed(t, change(t, h))
}

func TestTheContextOfALeaseEndsWhenItIsTaken(t *testing.T) {
	t.Parallel()
	l := longLeases(open(t))
	l.Renewal = 100 * time.Millisecond
	h := take(t, l, LeaseRequest{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	_, err := l.swap(t.Context(), "shop-x", nil, func(r reading) (Record, error) {
		r.Lease = &LeaseOwner{Holder: "another", Renewed: r.At}
		return r.Record, nil
	})
	must.Succeed(t, err)
	must.Wait(t, "the context has ended", func() bool { return ctx.Err() != nil })
	if err := context.Cause(ctx); !errors.Is(err, ErrLost) {
		t.Errorf("the cause is %v, want %v", err, ErrLost)
	}
}

func TestARecordIsDeletedWithItsLeaseUnlessItWasWritten(t *testing.T) {
	l, ctx := open(t), t.Context()
	for _, written := range []bool{true, false} {
		h := take(t, l, LeaseRequest{})
		if written {
			_, err := l.Change(ctx, "shop-x", func(r *Record) { r.NumberRequest("abc") })
			must.Succeed(t, err)
		}
		must.Succeed(t, h.DeleteRecord(ctx))
		all, err := l.Entries(ctx, nil)
		if err != nil || (len(all) == 1) != written {
			t.Errorf("written meanwhile: %v, and there are %+v, %v", written, all, err)
		}
		if r, err := l.Read(ctx, "shop-x"); err != nil || r.Lease != nil || (r.RequestNumber == 1) != written {
			t.Errorf("written meanwhile: %v, and the record is %+v, %v", written, r, err)
		}
	}
}

func TestTheLeaseOfADeadProcessIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	longLeases(l)
	p := start(t, cloud, "holder")
	p.expect(t, "taken")
	if _, _, err := l.Take(t.Context(), "shop-x", LeaseRequest{NoWait: true}, nil); err == nil {
		t.Fatal("it was taken from a process that lives")
	}
	must.Succeed(t, p.Process.Kill())
	must.Wait(t, "the lease is free", func() bool {
		_, _, err := l.Take(t.Context(), "shop-x", LeaseRequest{NoWait: true}, nil)
		return err == nil
	})
}

func TestAProcessThatSleptThroughItsLeaseHasLostIt(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	brief(l)
	p := start(t, cloud, "sleeper")
	p.expect(t, "taken")
	time.Sleep(2 * l.Renewal) // it renews, and must not have lost anything by that
	must.Succeed(t, p.Process.Signal(syscall.SIGSTOP))
	for r := (Record{Lease: &LeaseOwner{}}); r.Lease != nil; time.Sleep(50 * time.Millisecond) {
		var err error
		r, err = l.Read(t.Context(), "shop-x")
		must.Succeed(t, err)
	}
	must.Succeed(t, p.Process.Signal(syscall.SIGCONT))
	p.expect(t, "lost") // although it has no other owner
	p.expect(t, "ended")
}

func TestAliveDistinguishesAProcessFromALaterOneWithItsID(t *testing.T) {
	own := (&Lease{}).owner(LeaseRequest{}, time.Now())
	if own.Host == "" {
		t.Skip("the system has no identity within which process ids are unique")
	}
	other := *own
	for _, tt := range []struct {
		name         string
		change       func(*LeaseOwner)
		known, alive bool
	}{
		{"ourselves", func(*LeaseOwner) {}, true, true},
		{"one that started earlier", func(h *LeaseOwner) { h.Started += "0" }, true, false},
		{"one without a start", func(h *LeaseOwner) { h.Started = "" }, true, false},
		{"none", func(h *LeaseOwner) { h.PID = 1 << 30 }, true, false},
		{"another host", func(h *LeaseOwner) { h.Host = "x" }, false, false},
		{"no host", func(h *LeaseOwner) { h.Host = "" }, false, false},
		{"a process group", func(h *LeaseOwner) { h.PID = -h.PID }, false, false},
		{"all processes", func(h *LeaseOwner) { h.PID = 0 }, false, false},
	} {
		h := other
		tt.change(&h)
		if known, lives := alive(h); known != tt.known || lives != tt.alive {
			t.Errorf("%s: known %v, alive %v; want %v, %v", tt.name, known, lives, tt.known, tt.alive)
		}
	}
}
