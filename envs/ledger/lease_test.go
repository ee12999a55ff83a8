package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"beansprout/envs"
)

// brief gives the ledger leases that a test can wait for.
func brief(l *Ledger) *Ledger {
	l.Duration, l.Renewal, l.poll = 3*time.Second, 200*time.Millisecond, 20*time.Millisecond
	return l
}

func take(t *testing.T, l *Ledger, c Claim) *Lease {
	t.Helper()
	h, _, err := l.Take(t.Context(), "shop-x", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestALeaseIsHeldByOneAtATime(t *testing.T) {
	l := open(t)
	h := take(t, l, Claim{Verb: "up", By: "build 7", Ticket: 3})
	r, err := l.Read(t.Context(), "shop-x")
	if err != nil || r.Lease == nil || r.Lease.Verb != "up" || r.Lease.Ticket != 3 || r.Lease.Renewed.IsZero() {
		t.Fatalf("the record has %+v, %v", r.Lease, err)
	}
	_, _, err = l.Take(t.Context(), "shop-x", Claim{Impatient: true}, nil)
	if !errors.Is(err, ErrHeld) || !errors.Is(err, envs.ErrNotReady) {
		t.Errorf("a second one got %v, want %v", err, ErrHeld)
	}
	if r, err = l.Change(t.Context(), "shop-x", func(r *Record) { r.Lease, r.Feature = nil, "x" }); err != nil || r.Lease == nil {
		t.Errorf("a change by another took the lease away: %+v, %v", r, err)
	}
	if err := h.Release(t.Context(), func(r *Record) { r.Commit = "abc" }); err != nil {
		t.Fatal(err)
	}
	other := take(t, l, Claim{Impatient: true})
	if err := other.Ensure(t.Context()); err != nil {
		t.Error(err)
	}
	if r, _ = l.Read(t.Context(), "shop-x"); r.Commit != "abc" {
		t.Errorf("the last change before the release is missing: %+v", r)
	}
}

func TestTakeWaitsForTheHolderAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	h := take(t, l, Claim{Verb: "up"})
	var waited []string
	claim := Claim{Waiting: func(h Held) { waited = append(waited, h.Verb) }}
	time.AfterFunc(300*time.Millisecond, func() {
		if err := h.Release(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	take(t, l, claim)
	if len(waited) != 1 || waited[0] != "up" {
		t.Errorf("it said that it waits for %q", waited)
	}
}

func TestWhatDecideSaysEndsTheWaiting(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	take(t, l, Claim{})
	superseded := errors.New("superseded")
	time.AfterFunc(200*time.Millisecond, func() {
		if _, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.Draw("abc") }); err != nil {
			t.Error(err)
		}
	})
	_, r, err := l.Take(t.Context(), "shop-x", Claim{}, func(r Record) error {
		if r.Ticket > 0 {
			return superseded
		}
		return nil
	})
	if !errors.Is(err, superseded) || r.Asked != "abc" {
		t.Errorf("Take = %+v, %v", r, err)
	}
}

func TestALeaseThatIsNotRenewedIsOver(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	h := take(t, l, Claim{})
	take(t, l, Claim{})
	for what, err := range map[string]error{
		"Ensure": h.Ensure(t.Context()), "Release": h.Release(t.Context(), nil), "Change": change(t, h),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s of the one who lost it: %v, want %v", what, err, ErrLost)
		}
	}
}

func change(t *testing.T, h *Lease) error {
	_, err := h.Change(t.Context(), func(r *Record) { r.Commit = "mine" })
	return err
}

func TestALeaseThatIsRenewedIsNotOver(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	h := take(t, l, Claim{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	waiting, cancel := context.WithTimeout(t.Context(), 2*l.Duration)
	defer cancel()
	if _, _, err := l.Take(waiting, "shop-x", Claim{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another one's Take: %v, want the end of its patience", err)
	}
	if ctx.Err() != nil {
		t.Errorf("the holder's context has ended: %v", context.Cause(ctx))
	}
	if err := change(t, h); err != nil {
		t.Error(err)
	}
}

func TestTheContextOfALeaseEndsWhenItIsTaken(t *testing.T) {
	t.Parallel()
	l := brief(open(t))
	h := take(t, l, Claim{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	_, err := l.swap(t.Context(), "shop-x", func(r reading) (Record, error) {
		r.Lease = &Held{Holder: "another", Renewed: r.At}
		return r.Record, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	if err := context.Cause(ctx); !errors.Is(err, ErrLost) {
		t.Errorf("the cause is %v, want %v", err, ErrLost)
	}
}

func TestARecordIsDroppedWithItsLeaseUnlessSomebodyWroteIntoIt(t *testing.T) {
	l, ctx := open(t), t.Context()
	for _, drawn := range []bool{true, false} {
		h := take(t, l, Claim{})
		if drawn {
			if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Draw("abc") }); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Drop(ctx); err != nil {
			t.Fatal(err)
		}
		all, err := l.Names(ctx)
		if err != nil || (len(all) == 1) != drawn {
			t.Errorf("drawn meanwhile: %v, and there are %+v, %v", drawn, all, err)
		}
		if r, err := l.Read(ctx, "shop-x"); err != nil || r.Lease != nil || (r.Ticket == 1) != drawn {
			t.Errorf("drawn meanwhile: %v, and the record says %+v, %v", drawn, r, err)
		}
	}
}
