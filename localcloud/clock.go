package localcloud

import (
	"context"
	"sync"
	"time"
)

// clock is another one, ahead of it or behind.
type clock struct {
	base func() time.Time

	mu        sync.Mutex
	offset    time.Duration
	low, high time.Duration // the least and the most that the offset has been, and 0
	moved     chan struct{} // closed by the next move
}

func newClock(base func() time.Time, offset time.Duration) *clock {
	return &clock{base: base, offset: offset, low: min(offset, 0), high: max(offset, 0), moved: make(chan struct{})}
}

// Advance moves the cloud's clock by d, back when d is negative: dates, expiry, transitions
// under way and the age of everything go by it. Not so signatures, because clients need not
// know: any time is right that the clock has shown, or would show had it not been moved.
// Presigned URLs therefore do not age by moves.
func (c *Cloud) Advance(d time.Duration) { c.clock.advance(d) }

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	c.low, c.high = min(c.low, c.offset), max(c.high, c.offset)
	close(c.moved)
	c.moved = make(chan struct{})
}

// Now is the time of the cloud.
func (c *clock) Now() time.Time {
	now, _ := c.read()
	return now
}

func (c *clock) read() (time.Time, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.offset), c.moved
}

// span is what a client's clock may show.
func (c *clock) span() (earliest, latest time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.base()
	return now.Add(c.low), now.Add(c.high)
}

// Sleep lasts for d of the cloud's time, or until ctx ends.
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
