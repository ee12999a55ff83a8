package beanstalk

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstLook  = 40 * time.Millisecond
	lastLook   = 5 * time.Second
	heartbeat  = 20 * time.Second // the SDK's waiters look as often
	stalePause = time.Second      // where AWS has just refused what its last answer says is possible
)

// interval says how long to wait until the next look at something that began some time ago
// and usually takes so long, or 0 when nobody knows. All callers in the account share two
// calls a second: before the usual end there is only a heartbeat, from there on looks are
// dense, and ever further apart. It also says how exact that is meant.
func interval(elapsed, usual time.Duration) (wait, spread time.Duration) {
	if usual <= 0 {
		wait = clamp(elapsed*3/5, firstLook, lastLook)
		return wait, wait / 4
	}
	dense := clamp(usual/20, firstLook, 400*time.Millisecond)
	left := usual + dense/2 - elapsed
	if left <= 0 {
		wait = clamp((elapsed-usual)/4, dense, lastLook)
		return wait, wait / 4
	}
	if wait = clamp(left*2/3, lastLook, heartbeat); wait+wait/4 < left {
		return wait, wait / 4
	}
	return left, dense / 2
}

func clamp(d, least, most time.Duration) time.Duration { return max(least, min(d, most)) }

// pace is that of one wait.
type pace struct {
	started time.Time
	usual   time.Duration
	strain  *strain
}

func newPace() *pace { return &pace{started: time.Now(), strain: &strain{}} }

// soon makes the looks dense: what is waited for is about to end.
func (p *pace) soon() { p.usual = time.Since(p.started) }

// stale is how old an answer may be that somebody else was given.
func (p *pace) stale() time.Duration {
	wait, _ := interval(time.Since(p.started), p.usual)
	return min(wait, lastLook) / 2
}

func (p *pace) pause(ctx context.Context) error {
	wait, spread := interval(time.Since(p.started), p.usual)
	return sleep(ctx, p.strain.stretch(wait+random(spread)))
}

// strain is how hard AWS throttles this process, and so how much slower it has to look.
type strain struct {
	mu    sync.Mutex
	level float64 // 0 for not at all; the pace is that many times slower, and once
}

func (s *strain) note(throttled bool) {
	const most = 15
	s.mu.Lock()
	defer s.mu.Unlock()
	if throttled {
		s.level = min(2*s.level+1, most)
	} else {
		s.level *= 0.8
	}
}

func (s *strain) stretch(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(time.Duration(float64(d)*(1+s.level)), max(3*d, heartbeat))
}

// jitter takes up to the nth part off d, so that processes that began together don't stay so.
func jitter(d time.Duration, n int64) time.Duration { return d - random(d/time.Duration(n)) }

func random(most time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(most) + 1)) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
