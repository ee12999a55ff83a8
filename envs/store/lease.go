package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"sync"
	"time"

	"beansprout/envs/awsapi"
)

var (
	// ErrHeld is reported when the lease belongs to another owner. It wraps awsapi.ErrNotReady.
	ErrHeld = fmt.Errorf("%w: another operation is changing it", awsapi.ErrNotReady)
	// ErrLost is reported when a lease has expired or belongs to another owner now. The operation
	// that needed it must stop.
	ErrLost = errors.New("the lease is lost")
)

// Lease is the right to change one environment. Its methods may be called concurrently.
type Lease struct {
	store  *Store
	name   string
	holder string

	mu      sync.Mutex
	renewed instant // when the lease was renewed: no later than S3's clock says
	counter int64   // of the record that this lease wrote last
}

// Ensure renews the lease unless it was renewed within Store.Renewal, so that it outlasts a call
// that is made now. The error wraps ErrLost when the lease is lost.
func (l *Lease) Ensure(ctx context.Context) error {
	if l.age() < l.store.Renewal {
		return nil
	}
	_, err := l.Change(ctx, func(*Record) {})
	return err
}

// Change changes the record as Store.Change does, and renews the lease. The error wraps ErrLost
// when the lease is lost.
func (l *Lease) Change(ctx context.Context, change func(*Record)) (Record, error) {
	bounded, cancel := context.WithTimeout(ctx, l.renewalTimeout())
	defer cancel()
	r, err := l.write(bounded, nil, func(r *Record) {
		held := *r.Lease
		held.Renewed = r.At
		change(r)
		r.Lease = &held
	})
	if err != nil && ctx.Err() == nil && l.left() <= 0 && !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: it couldn't be renewed in time: %w", ErrLost, err)
	}
	return r, err
}

// Confirm returns an error that wraps ErrLost unless the record, as it was just read, names this lease:
// others may have overwritten or deleted it since the last renewal.
func (l *Lease) Confirm(r Record) error {
	if r.Lease == nil || r.Lease.Holder != l.holder {
		return l.lost(r.Lease)
	}
	return nil
}

// Release releases the lease with one last change, which may be nil. It reads the record only where
// another process wrote it since this one did. It needs a context that has not ended, also after an
// interruption.
func (l *Lease) Release(ctx context.Context, change func(*Record)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*l.store.request)
	defer cancel()
	tried := false
	known := l.store.known(l.name, l.store.Duration, func(r Record) bool {
		return r.Lease != nil && r.Lease.Holder == l.holder && l.left() > 0
	})
	_, err := l.write(ctx, known, func(r *Record) {
		if change != nil {
			change(r)
		}
		r.Lease, tried = nil, true
	})
	if tried && errors.Is(err, ErrLost) && l.left() > 0 {
		return nil // no other owner could have taken it yet: our first write succeeded
	}
	return err
}

// DeleteRecord releases the lease and deletes the record with it, unless others wrote the record
// meanwhile: then it stays.
func (l *Lease) DeleteRecord(ctx context.Context) error {
	was, err := l.store.read(ctx, l.name)
	if err != nil {
		return fmt.Errorf("read the record of %s: %w", l.name, err)
	}
	if was.Lease != nil && was.Lease.Holder == l.holder && l.wrote(was.Record) {
		if deleted, err := l.store.DeleteRecord(ctx, Entry{Name: l.name, etag: was.etag}); deleted || err != nil {
			return err
		}
	}
	return l.Release(ctx, nil)
}

// write changes the record, or returns an error that wraps ErrLost. known is the record if it need not
// be read, and nil otherwise.
func (l *Lease) write(ctx context.Context, known *reading, change func(*Record)) (Record, error) {
	var sent instant
	stale := 0
	r, err := l.store.swap(ctx, l.name, known, func(was reading) (Record, error) {
		if was.Lease == nil || was.Lease.Holder != l.holder {
			if stale++; stale < maxAttempts && l.outdated(was.Record) {
				return Record{}, errAgain
			}
			return Record{}, l.lost(was.Lease)
		}
		sent = earlier(sent, was.sent)
		after := was.Record
		change(&after)
		return after, nil
	})
	if err == nil {
		l.noteRenewal(sent, r.Counter)
	}
	return r, err
}

func (l *Lease) lost(to *LeaseOwner) error {
	err := fmt.Errorf("environment %s: %w", l.name, ErrLost)
	if to != nil {
		err = fmt.Errorf("%w: %s holds it now", err, to.describe())
	}
	return err
}

// Context returns a context that ends with the cause ErrLost when the lease is lost. The lease
// is renewed in the background until stop is called.
func (l *Lease) Context(ctx context.Context) (leased context.Context, stop func()) {
	leased, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		if err := l.renew(leased); err != nil {
			cancel(err)
		}
	})
	return leased, func() {
		cancel(context.Canceled)
		renewing.Wait()
	}
}

// renew renews the lease until ctx ends or the lease is lost. While S3 can't be reached, it
// tries again until the lease has expired by our own clocks.
func (l *Lease) renew(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(l.store.Renewal-l.age(), l.store.Renewal/20)):
		}
		if err := l.Ensure(ctx); errors.Is(err, ErrLost) {
			return err
		}
	}
}

func (l *Lease) noteRenewal(renewed instant, counter int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if counter > l.counter {
		l.renewed, l.counter = renewed, counter
	}
}

// outdated reports whether a record is older than what this lease wrote: an answer other than
// S3's own, which is always the newest.
func (l *Lease) outdated(r Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return r.Counter < l.counter
}

// wrote reports whether this lease wrote the record last.
func (l *Lease) wrote(r Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return r.Counter == l.counter
}

// age returns how long ago the lease was renewed, by our own clocks.
func (l *Lease) age() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store.clock().since(l.renewed)
}

// left returns how long the lease lasts for certain, by our own clocks.
func (l *Lease) left() time.Duration { return l.store.Duration*9/10 - l.age() }

// renewalTimeout returns the timeout of a renewal. S3 is asked even when the lease has expired by
// our clocks, because a clock may have been set.
func (l *Lease) renewalTimeout() time.Duration {
	if left := l.left(); left > 0 {
		return left
	}
	return l.store.request
}

// LeaseRequest says what a lease is needed for.
type LeaseRequest struct {
	Verb, By      string // what is to be done, and who does it: a build's URL, or user@host
	RequestNumber int64
	NoWait        bool             // return ErrHeld at once instead of waiting for the owner
	Waiting       func(LeaseOwner) // called once for each owner that is waited for; may be nil

	// Change is part of the write that takes the lease; may be nil.
	Change func(*Record)
}

// Take takes the lease of the named environment, and waits while another owner has it. decide,
// which may be nil, is called with each record that was read; its error ends the waiting. A record
// that this process wrote just before is not read: if another wrote it since, taking fails, and then it is.
func (s *Store) Take(ctx context.Context, name string, c LeaseRequest, decide func(Record) error) (*Lease, Record, error) {
	h := &Lease{store: s, name: name, holder: rand.Text()}
	known := s.known(name, s.Renewal/2, func(r Record) bool { return r.Lease == nil })
	var waited string
	for wait := s.poll; ; wait = min(wait*3/2, 5*s.poll) {
		r, holder, err := h.take(ctx, known, c, decide)
		known = nil
		if err == nil {
			return h, r, nil
		}
		if holder == nil || c.NoWait {
			return nil, r, err
		}
		if holder.Holder != waited && c.Waiting != nil {
			c.Waiting(*holder)
		}
		waited = holder.Holder
		if err := pause(ctx, wait); err != nil {
			return nil, r, fmt.Errorf("wait for the lease of %s: %w", name, err)
		}
	}
}

// take makes one attempt. When another owner has the lease, it returns that owner and an error.
func (l *Lease) take(ctx context.Context, known *reading, c LeaseRequest, decide func(Record) error) (r Record, holder *LeaseOwner, err error) {
	var sent instant
	r, err = l.store.swap(ctx, l.name, known, func(was reading) (Record, error) {
		after := was.Record
		if after.Lease != nil && after.Lease.Holder == l.holder {
			return after, errUnaltered // an earlier attempt succeeded, but its answer was lost
		}
		if decide != nil {
			if err := decide(after); err != nil {
				return after, err
			}
		}
		if holder = after.Lease; holder != nil {
			return after, fmt.Errorf("environment %s: %w: %s", l.name, ErrHeld, holder.describe())
		}
		sent = earlier(sent, was.sent)
		if c.Change != nil {
			c.Change(&after)
		}
		after.Lease = l.owner(c, was.At)
		return after, nil
	})
	if err != nil {
		return r, holder, err
	}
	l.noteRenewal(sent, r.Counter)
	if known == nil || r.At.Sub(r.Lease.Renewed) <= l.store.Renewal {
		return r, nil, nil
	}
	// Our clocks are slower than S3's, which others go by: for them the lease is old, or even over.
	if r, err = l.Change(ctx, func(*Record) {}); errors.Is(err, ErrLost) {
		return l.take(ctx, nil, c, decide)
	}
	return r, nil, err
}

func (l *Lease) owner(c LeaseRequest, at time.Time) *LeaseOwner {
	began, _ := startOf(os.Getpid())
	return &LeaseOwner{
		Holder: l.holder, Host: thisHost(), PID: os.Getpid(), Started: began,
		Verb: c.Verb, By: c.By, RequestNumber: c.RequestNumber, Since: at, Renewed: at,
	}
}

// instant is one moment by both of our clocks. The monotonic clock stops while the machine is
// suspended, and the wall clock can be set.
type instant struct{ wall, running time.Time }

func now() instant {
	t := time.Now()
	return instant{t.Round(0), t}
}

// since returns how long ago t was: the longer time of the two clocks.
func (i instant) since(t instant) time.Duration {
	return max(i.wall.Sub(t.wall), i.running.Sub(t.running))
}

// earlier returns the first unless it is zero.
func earlier(first, second instant) instant {
	if first == (instant{}) {
		return second
	}
	return first
}

// conflictPause is the shortest pause after a write that lost against another one.
const conflictPause = 20 * time.Millisecond

// pause waits for d to 2d, at random, so that concurrent writers don't collide again.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d + mathrand.N(d)):
		return nil
	}
}
