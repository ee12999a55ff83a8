package ledger

import (
	"context"
	"math/rand/v2"
	"time"
)

// instant is one moment by both of our clocks. The monotonic one stands still while the
// machine is suspended, the other one can be set.
type instant struct{ wall, running time.Time }

func now() instant {
	t := time.Now()
	return instant{t.Round(0), t}
}

// since is how long ago t was, by the clock that says more.
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

// conflictPause spaces tries of those who write at once.
const conflictPause = 20 * time.Millisecond

// pause lasts for d and up to as long again, so that those who wait together don't come
// back together.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d + rand.N(d)):
		return nil
	}
}
