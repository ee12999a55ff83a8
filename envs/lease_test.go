package envs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

func TestHowLongALeaseWasWaitedForIsTold(t *testing.T) {
	var waited atomic.Int64
	p := newPlot(t, localcloud.Config{}, func(c *Config) {
		c.LeaseWait = func(d time.Duration) { waited.Add(int64(d)) }
	})
	e := p.deployed(deployment("x", "one"), Created)
	if d := waited.Load(); d != 0 {
		t.Errorf("a deploy that nothing was in the way of has waited for %v", time.Duration(d))
	}
	held, _, err := p.store().Take(t.Context(), e.Name, store.LeaseRequest{Verb: "up"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const pause = 100 * time.Millisecond
	release := sync.OnceFunc(func() {
		time.AfterFunc(pause, func() { _ = held.Release(t.Context(), nil) })
	})
	progress := func(e Event) {
		if strings.Contains(e.Text, "waiting for it to end") {
			release()
		}
	}
	if _, err := p.manager.Remove(t.Context(), e, RemoveOptions{Options: Options{Progress: progress}}); err != nil {
		t.Fatal(err)
	}
	if d := time.Duration(waited.Load()); d < pause {
		t.Errorf("a removal that had to wait for %v has waited for %v", pause, d)
	}
}

// Work that needs no call of AWS's, such as waiting, ends with the lease, too.
func TestWorkEndsWithItsLease(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.hurry()
	err := p.manager.withLease(t.Context(), e.Name, request{verb: "up"}, Options{}, func(ctx context.Context, _ *lease) error {
		p.loseLease(e.Name)
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Error("it goes on")
		}
		return nil
	})
	if !errors.Is(err, store.ErrLost) {
		t.Errorf("it ends with %v", err)
	}
}
