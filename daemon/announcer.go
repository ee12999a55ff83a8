package daemon

import (
	"context"
	"sync"

	"beansprout/envs"
)

// Announcer is an envs.Announcer that remembers whether another one takes warnings. Without a warning
// that was delivered nothing is removed, so the daemon is not healthy.
type Announcer struct {
	next    envs.Announcer
	metrics *Metrics

	mu  sync.Mutex
	err error // of the last warning
}

// Observe returns an Announcer that tells next, and counts warnings.
func Observe(next envs.Announcer, m *Metrics) *Announcer { return &Announcer{next: next, metrics: m} }

// Announce implements envs.Announcer.
func (a *Announcer) Announce(ctx context.Context, ref envs.MessageRef, n envs.News) (envs.MessageRef, error) {
	ref, err := a.next.Announce(ctx, ref, n)
	if n.State == envs.NewsExpiring {
		a.metrics.warned(err)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.err = err
	}
	return ref, err
}

// failure returns why the last warning was not delivered. It is nil also of a nil Announcer.
func (a *Announcer) failure() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
