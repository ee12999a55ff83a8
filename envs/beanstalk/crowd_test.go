package beanstalk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// budget limits the calls of an account: two describes a second, fifteen at once.
type budget struct {
	mu              sync.Mutex
	full            time.Time // when it will be
	passed, refused int
}

const (
	token = time.Second / 2
	burst = 15
)

func (b *budget) take(string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.full.Before(now) {
		b.full = now
	}
	if b.full.Add(token).Sub(now) > burst*token {
		b.refused++
		return false
	}
	b.full = b.full.Add(token)
	b.passed++
	return true
}

// unavoidable returns how long the calls that passed take at least because of the budget.
func (b *budget) unavoidable() time.Duration { return time.Duration(max(0, b.passed-burst)) * token }

// TestACrowdSharesTheBudget has a hundred processes wait at once, each for its own deploy.
func TestACrowdSharesTheBudget(t *testing.T) {
	for _, tt := range []struct{ takes, expected time.Duration }{
		{2 * time.Second, 0}, {2 * time.Second, 2 * time.Second}, {4 * time.Minute, 0}, {4 * time.Minute, 4 * time.Minute},
	} {
		t.Run(fmt.Sprintf("%s, expected %s", tt.takes, tt.expected), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crowd(t, tt.takes, tt.expected) })
		})
	}
}

func crowd(t *testing.T, takes, expected time.Duration) {
	const processes = 100
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var b budget
	var all sync.WaitGroup
	began := time.Now()
	took := make([]time.Duration, processes)
	for i := range processes {
		all.Go(func() {
			s, c := newStage(t, updating, fmt.Sprintf(`
				0s Updating v1 Green
				0s INFO Environment update is starting.
				%[1]s INFO Environment update completed successfully.
				%[1]s Ready v2 Green`, takes))
			s.bucket = b.take
			e, err := c.Find(ctx, envName, nil)
			if err != nil {
				t.Error(err)
				return
			}
			op, err := changer(c).Deploy(ctx, e, "v2", "")
			if err == nil {
				_, err = c.Wait(ctx, op.Expect(expected), func(Event) {})
			}
			if err != nil {
				t.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	last := slices.Max(took)
	t.Logf("%d calls passed, %d were refused; unavoidable %s, the last was done after %s", b.passed, b.refused, b.unavoidable(), last)
	if last > takes+b.unavoidable()*3/2 {
		t.Errorf("done after %s; the calls make %s unavoidable", last, b.unavoidable())
	}
}
