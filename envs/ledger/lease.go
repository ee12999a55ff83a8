package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"beansprout/envs"
)

var (
	// ErrHeld is reported when somebody else holds the lease. It wraps envs.ErrNotReady.
	ErrHeld = fmt.Errorf("%w: somebody else is changing it", envs.ErrNotReady)
	// ErrLost is reported when a lease that was held is over, or somebody else's. What it gave
	// the right to must not go on.
	ErrLost = errors.New("the lease is lost")
)

// Lease is the right to change one environment, while it is held. It may be used by several
// goroutines at once.
type Lease struct {
	ledger *Ledger
	name   string
	holder string

	mu      sync.Mutex
	renewed instant // what the lease counts from: no later than S3 does
	counter int64   // of the record as we last wrote it
}

// Ensure makes sure that the lease outlasts a call which is made now: it was renewed lately,
// or it is renewed. The error wraps ErrLost when it isn't ours any more.
func (h *Lease) Ensure(ctx context.Context) error {
	if h.age() < h.ledger.Renewal {
		return nil
	}
	_, err := h.Change(ctx, func(*Record) {})
	return err
}

// Change is Ledger.Change for who holds the lease, and renews it. The error wraps ErrLost
// when it isn't ours any more.
func (h *Lease) Change(ctx context.Context, change func(*Record)) (Record, error) {
	bounded, cancel := context.WithTimeout(ctx, h.patience())
	defer cancel()
	r, err := h.write(bounded, func(r *Record) {
		held := *r.Lease
		held.Renewed = r.At
		change(r)
		r.Lease = &held
	})
	if err != nil && ctx.Err() == nil && h.left() <= 0 && !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: it couldn't be renewed in time: %w", ErrLost, err)
	}
	return r, err
}

// Release gives the lease back with one last change, which may be nil. It does so also when
// ctx has ended.
func (h *Lease) Release(ctx context.Context, change func(*Record)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*h.ledger.request)
	defer cancel()
	tried := false
	_, err := h.write(ctx, func(r *Record) {
		if change != nil {
			change(r)
		}
		r.Lease, tried = nil, true
	})
	if tried && errors.Is(err, ErrLost) && h.left() > 0 {
		return nil // nobody else could have taken it away yet: our own write had come through
	}
	return err
}

// Drop gives the lease back and takes the record away with it, unless somebody else has
// written into the record meanwhile.
func (h *Lease) Drop(ctx context.Context) error {
	was, err := h.ledger.read(ctx, h.name)
	if err != nil {
		return fmt.Errorf("read the ledger of %s: %w", h.name, err)
	}
	if was.Lease != nil && was.Lease.Holder == h.holder && h.wrote(was.Record) {
		if dropped, err := h.ledger.Drop(ctx, Entry{Name: h.name, etag: was.etag}); dropped || err != nil {
			return err
		}
	}
	return h.Release(ctx, nil)
}

// write changes the record while the lease is ours.
func (h *Lease) write(ctx context.Context, change func(*Record)) (Record, error) {
	var sent instant
	stale := 0
	r, err := h.ledger.swap(ctx, h.name, func(was reading) (Record, error) {
		if was.Lease == nil || was.Lease.Holder != h.holder {
			if stale++; stale < tries && h.outdated(was.Record) {
				return Record{}, errAgain
			}
			return Record{}, h.lost(was.Lease)
		}
		sent = earlier(sent, was.sent)
		after := was.Record
		change(&after)
		return after, nil
	})
	if err == nil {
		h.note(sent, r.Counter)
	}
	return r, err
}

func (h *Lease) lost(to *Held) error {
	err := fmt.Errorf("environment %s: %w", h.name, ErrLost)
	if to != nil {
		err = fmt.Errorf("%w: %s holds it now", err, to.who())
	}
	return err
}

// Context returns a context that ends with cause ErrLost when the lease is lost. Until stop
// is called, the lease is renewed in the background.
func (h *Lease) Context(ctx context.Context) (leased context.Context, stop func()) {
	leased, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		if err := h.keep(leased); err != nil {
			cancel(err)
		}
	})
	return leased, func() {
		cancel(context.Canceled)
		renewing.Wait()
	}
}

// keep renews the lease until ctx ends or it is lost. While S3 can't be reached it tries on,
// until the lease is over by our own reckoning.
func (h *Lease) keep(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(h.ledger.Renewal-h.age(), h.ledger.Renewal/20)):
		}
		if err := h.Ensure(ctx); errors.Is(err, ErrLost) {
			return err
		}
	}
}

func (h *Lease) note(renewed instant, counter int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if counter > h.counter {
		h.renewed, h.counter = renewed, counter
	}
}

// outdated says whether a record was read that is older than what we have written. S3 itself
// answers with the newest one.
func (h *Lease) outdated(r Record) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.Counter < h.counter
}

// wrote says whether we were the last to write the record.
func (h *Lease) wrote(r Record) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.Counter == h.counter
}

// age is how long ago the lease was renewed, by our own clocks.
func (h *Lease) age() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ledger.clock().since(h.renewed)
}

// left is how long the lease is certainly ours, by our own clocks.
func (h *Lease) left() time.Duration { return h.ledger.Duration*9/10 - h.age() }

// patience bounds a renewal. When the lease is over by our clocks, S3 is asked all the same:
// a clock that was set is no reason to stop.
func (h *Lease) patience() time.Duration {
	if left := h.left(); left > 0 {
		return left
	}
	return h.ledger.request
}
