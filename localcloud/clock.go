package localcloud

import (
	"context"
	"sync"
	"time"
)

// clock shows base's time moved by an offset.
type clock struct {
	base func() time.Time

	mu        sync.Mutex
	offset    time.Duration
	low, high time.Duration // the range of all offsets so far and 0
	moved     chan struct{} // closed by the next move
}

func newClock(base func() time.Time, offset time.Duration) *clock {
	return &clock{base: base, offset: offset, low: min(offset, 0), high: max(offset, 0), moved: make(chan struct{})}
}

// Advance moves the cloud's clock by d, back if d is negative. Dates, expiry, running transitions
// and the age of everything follow it. Signatures do not, because a client may not know of the
// move: they are valid for every time that the clock has shown or would show without moves.
// Presigned URLs therefore do not age when the clock moves.
func (c *Cloud) Advance(d time.Duration) { c.clock.advance(d) }

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	c.low, c.high = min(c.low, c.offset), max(c.high, c.offset)
	close(c.moved)
	c.moved = make(chan struct{})
}

// Now returns the cloud's time.
func (c *clock) Now() time.Time {
	now, _ := c.read()
	return now
}

func (c *clock) read() (time.Time, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.offset), c.moved
}

// span returns the range of times that a client's clock may show.
func (c *clock) span() (earliest, latest time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.base()
	return now.Add(c.low), now.Add(c.high)
}

// Sleep waits for d of the cloud's time, or until ctx ends.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	for end := c.Now().Add(d); ctx.Err() == nil; {
		now, moved := c.read()
		if !now.Before(end) {
			break
		}
		select {
		case <-time.After(end.Sub(now)):
		case <-moved:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
