package store

import (
	"errors"
	"testing"
	"time"
)

// beside returns another process's store in the same bucket, as far as memory goes.
func beside(l *Store) *Store {
	other := *l
	other.recent = &recent{}
	return &other
}

func number(t *testing.T, l *Store, commit string) {
	t.Helper()
	if _, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.NumberRequest(commit) }); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseNeedsNoReadingOfWhatThisProcessWroteLast(t *testing.T) {
	l, cloud := openCloud(t)
	longLeases(l)
	number(t, l, "abc")
	before := sent(cloud, "GetObject")
	h, r, err := l.Take(t.Context(), "shop-x", LeaseRequest{}, nil)
	if err != nil || r.RequestNumber != 1 || r.Lease == nil {
		t.Fatalf("Take = %+v, %v", r, err)
	}
	if err := h.Release(t.Context(), func(r *Record) { r.Commit = "abc" }); err != nil {
		t.Fatal(err)
	}
	if n := sent(cloud, "GetObject") - before; n != 0 {
		t.Errorf("the record was read %d times", n)
	}
	if r, err := l.Read(t.Context(), "shop-x"); err != nil || r.Lease != nil || r.Commit != "abc" || r.RequestNumber != 1 {
		t.Errorf("the record is %+v, %v", r, err)
	}
}

func TestWhatAnotherProcessWroteIsReadBeforeALeaseIsTakenOrReleased(t *testing.T) {
	l, cloud := openCloud(t)
	number(t, l, "abc")
	number(t, beside(l), "def")
	before := sent(cloud, "GetObject")
	var decided Record
	h, r, err := l.Take(t.Context(), "shop-x", LeaseRequest{}, func(r Record) error { decided = r; return nil })
	if err != nil || decided.Requested != "def" || r.RequestNumber != 2 {
		t.Fatalf("it was decided by %+v; Take = %+v, %v", decided, r, err)
	}
	number(t, beside(l), "ghi")
	if err := h.Release(t.Context(), func(r *Record) { r.Commit = "abc" }); err != nil {
		t.Fatal(err)
	}
	r, err = l.Read(t.Context(), "shop-x")
	if err != nil || r.Lease != nil || r.Commit != "abc" || r.RequestNumber != 3 {
		t.Errorf("the record is %+v, %v", r, err)
	}
	if n := sent(cloud, "GetObject") - before; n != 4 { // one each, that of the other process, and ours here
		t.Errorf("records were read %d times, want 4", n)
	}
}

func TestARecordThatWasWrittenSomeTimeAgoIsReadBeforeALeaseIsTaken(t *testing.T) {
	l, cloud := openCloud(t)
	number(t, l, "abc")
	before := sent(cloud, "GetObject")
	l.clock = func() instant { i := now(); i.wall = i.wall.Add(l.Renewal); return i }
	h := take(t, l, LeaseRequest{})
	if n := sent(cloud, "GetObject") - before; n != 1 {
		t.Errorf("the record was read %d times, want once: a lease that counts from then would have to be renewed", n)
	}
	if err := h.Ensure(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnExpiredLeaseIsNotReleasedUnread(t *testing.T) {
	l, cloud := openCloud(t)
	h := take(t, l, LeaseRequest{})
	l.clock = func() instant { i := now(); i.running = i.running.Add(l.Duration - time.Second); return i }
	cloud.Advance(l.Duration + precision)
	if err := h.Release(t.Context(), func(r *Record) { r.Commit = "late" }); !errors.Is(err, ErrLost) {
		t.Errorf("Release: %v, want %v", err, ErrLost)
	}
}

func TestALeaseIsNeverOlderThanItsOwnerThinks(t *testing.T) {
	l, cloud := openCloud(t)
	longLeases(l)
	number(t, l, "abc")
	cloud.Advance(l.Renewal / 4)
	l.clock = func() instant { i := now(); i.running = i.running.Add(l.Renewal / 4); return i }
	h, r, err := l.Take(t.Context(), "shop-x", LeaseRequest{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if age := h.age(); age < l.Renewal/4 {
		t.Errorf("its owner takes it for %v old, and the time that it counts from was %v ago", age, l.Renewal/4)
	}
	is, err := l.Read(t.Context(), "shop-x")
	if err != nil {
		t.Fatal(err)
	}
	if age := is.At.Sub(r.Lease.Renewed); age > h.age()+precision {
		t.Errorf("S3 takes it for %v old, its owner for %v", age, h.age())
	}
}

func TestALeaseThatWasReleasedSinceIsFree(t *testing.T) {
	l := open(t)
	h := take(t, beside(l), LeaseRequest{})
	number(t, l, "abc")
	if err := h.Release(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	take(t, l, LeaseRequest{NoWait: true})
}

func TestALeaseIsFreshByTheClockOfS3(t *testing.T) {
	for _, slow := range []func(*Store) time.Duration{
		func(l *Store) time.Duration { return l.Renewal + 2*precision },
		func(l *Store) time.Duration { return l.Duration + 2*precision },
	} {
		l, cloud := openCloud(t)
		longLeases(l)
		number(t, l, "abc")
		cloud.Advance(slow(l)) // and our clocks stand still
		take(t, l, LeaseRequest{})
		cloud.Advance(l.Renewal)
		if r, err := l.Read(t.Context(), "shop-x"); err != nil || r.Lease == nil || r.At.Sub(r.Lease.Renewed) > l.Renewal*3/2 {
			t.Errorf("%v later: %+v, %v", slow(l), r.Lease, err)
		}
	}
}
