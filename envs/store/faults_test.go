package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/must"
)

// lease uses a lease as every operation does, and takes one request number.
func lease(ctx context.Context, l *Store, name string) error {
	h, _, err := l.Take(ctx, name, LeaseRequest{Verb: "up"}, nil)
	if err != nil {
		return err
	}
	if _, err := h.Change(ctx, func(r *Record) { r.Commit = "abc" }); err != nil {
		return errors.Join(err, h.Release(ctx, nil))
	}
	if _, err := l.Change(ctx, name, func(r *Record) { r.NumberRequest("def") }); err != nil {
		return errors.Join(err, h.Release(ctx, nil))
	}
	return h.Release(ctx, func(r *Record) { r.Outcome = &Outcome{Verb: "up"} })
}

func TestALeaseSurvivesOneFaultAtAnyCall(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	l.request = 5 * time.Second
	for _, kind := range fault.Kinds() {
		for _, operation := range []string{"GetObject", "PutObject"} {
			for skip := range 4 {
				rule := fault.Rule{Service: "s3", Operation: operation, Kind: kind, Count: 1, Skip: skip}
				if kind == fault.Slow || kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
					rule.For = 20 * time.Millisecond
				}
				if kind == fault.Stale && operation == "PutObject" {
					continue
				}
				name := fmt.Sprintf("%s-%s-%d", kind, operation, skip)
				t.Run(name, func(t *testing.T) { survive(t, l, cloud, name, rule) })
			}
		}
	}
}

func survive(t *testing.T, l *Store, cloud *localcloud.Cloud, name string, rule fault.Rule) {
	must.Succeed(t, cloud.Inject(rule))
	err := lease(t.Context(), l, name)
	cloud.Clear()
	must.Succeed(t, err)
	r, err := l.Read(t.Context(), name)
	if err != nil || r.Lease != nil || r.Commit != "abc" || r.RequestNumber != 1 || r.Outcome == nil || r.Counter != 4 {
		t.Errorf("it left %+v, %v", r, err)
	}
}

func TestALeaseSurvivesLostAnswersWhileOthersWrite(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() {
		for ctx.Err() == nil {
			_, _ = l.Change(ctx, "shop-x", func(r *Record) { r.NumberRequest("abc") })
		}
	})
	for i := range 20 {
		rule := fault.Rule{Service: "s3", Operation: "PutObject", Kind: fault.ResetAfter, Probability: 0.3, Seed: uint64(i)}
		must.Succeed(t, cloud.Inject(rule))
		h, _, err := l.Take(ctx, "shop-x", LeaseRequest{}, nil)
		if err != nil {
			t.Fatalf("Take: %v", err)
		}
		if err := h.Release(ctx, nil); err != nil {
			t.Fatalf("Release: %v", err)
		}
		cloud.Clear()
	}
	stop()
}

func TestARequestThatHangsIsRepeated(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	l.request = 5 * time.Second
	for _, kind := range []fault.Kind{fault.TimeoutBefore, fault.TimeoutAfter} {
		survive(t, l, cloud, string(kind), fault.Rule{Service: "s3", Operation: "PutObject", Kind: kind, Count: 1})
	}
}

func TestALeaseOutlivesAnOutageOfS3(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	longLeases(l).Renewal = 50 * time.Millisecond
	h := take(t, l, LeaseRequest{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	away(t, cloud)
	time.Sleep(500 * time.Millisecond)
	if err := h.Ensure(t.Context()); err == nil || errors.Is(err, ErrLost) {
		t.Errorf("without S3, Ensure = %v, want an error that isn't %v", err, ErrLost)
	}
	cloud.Clear()
	if err := h.Ensure(t.Context()); err != nil || ctx.Err() != nil {
		t.Errorf("S3 is back: %v, and the context has ended with %v", err, context.Cause(ctx))
	}
}

func TestALeaseThatCannotBeRenewedIsLostBeforeOthersTakeIt(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	brief(l)
	h := take(t, l, LeaseRequest{})
	ctx, stop := h.Context(t.Context())
	defer stop()
	away(t, cloud)
	must.Wait(t, "the context has ended", func() bool { return ctx.Err() != nil })
	if err := context.Cause(ctx); !errors.Is(err, ErrLost) {
		t.Errorf("the context ended with %v, want %v", err, ErrLost)
	}
	if err := h.Ensure(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("Ensure: %v, want %v", err, ErrLost)
	}
}

func away(t *testing.T, cloud *localcloud.Cloud) {
	t.Helper()
	must.Succeed(t, cloud.Inject(fault.Rule{Service: "s3", Operation: "*", Kind: fault.ResetBefore}))
}

func TestAfterAClockChangeTheOwnerAsksS3(t *testing.T) {
	l, cloud := openCloud(t)
	for _, tt := range []struct {
		name string
		jump func(instant) instant
	}{
		{"the machine was suspended, or its clock was set", func(i instant) instant { i.wall = i.wall.Add(time.Hour); return i }},
		{"the process was stopped and the clock set back", func(i instant) instant {
			return instant{i.wall.Add(-time.Hour), i.running.Add(time.Hour)}
		}},
	} {
		l.clock = now
		name := tt.name
		h, _, err := l.Take(t.Context(), name, LeaseRequest{}, nil)
		must.Succeed(t, err)
		l.clock = func() instant { return tt.jump(now()) }
		away(t, cloud)
		if err := h.Ensure(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("%s, and S3 doesn't answer: %v, want %v", name, err, ErrLost)
		}
		cloud.Clear()
		if err := h.Ensure(t.Context()); err != nil {
			t.Errorf("%s, but S3 knows that the lease is ours: %v", name, err)
		}
		h.renewed = instant{}
		_, err = l.Change(t.Context(), name, func(r *Record) { r.Commit = "theirs" })
		must.Succeed(t, err)
		cloud.Advance(l.Duration + precision)
		if err := h.Ensure(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("%s, and S3 knows that the lease is over: %v, want %v", name, err, ErrLost)
		}
	}
}

func TestChangesByOthersDoNotProlongALease(t *testing.T) {
	l, cloud := openCloud(t)
	take(t, l, LeaseRequest{})
	const slowMachine = 10 * time.Second
	cloud.Advance(l.Duration - slowMachine)
	_, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.NumberRequest("abc") })
	must.Succeed(t, err)
	if r, err := l.Read(t.Context(), "shop-x"); err != nil || r.Lease == nil {
		t.Errorf("it has expired too early: %+v, %v", r, err)
	}
	cloud.Advance(slowMachine + precision)
	if r, err := l.Read(t.Context(), "shop-x"); err != nil || r.Lease != nil {
		t.Errorf("it has not expired: %+v, %v", r.Lease, err)
	}
}
