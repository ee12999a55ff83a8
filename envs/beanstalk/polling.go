package beanstalk

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	smithy "github.com/aws/smithy-go/middleware"
)

const (
	minPoll  = 40 * time.Millisecond
	maxPoll  = 5 * time.Second
	idlePoll = 20 * time.Second // long before the expected end, as in the SDK's waiters
	readyLag = time.Second      // how long AWS may show a busy environment as Ready
)

// nextPoll returns how long to wait before the next poll of an operation that has taken elapsed so
// far and is expected to take expected, or 0 when that is unknown. All callers in the account share
// two calls a second, so it polls rarely before the expected end, often around it, and then less
// and less often. spread is the greatest random time to add.
func nextPoll(elapsed, expected time.Duration) (wait, spread time.Duration) {
	if expected <= 0 {
		wait = clamp(elapsed*3/5, minPoll, maxPoll)
		return wait, wait / 4
	}
	dense := clamp(expected/20, minPoll, 400*time.Millisecond)
	left := expected + dense/2 - elapsed
	if left <= 0 {
		wait = clamp((elapsed-expected)/4, dense, maxPoll)
		return wait, wait / 4
	}
	if wait = clamp(left*2/3, maxPoll, idlePoll); wait+wait/4 < left {
		return wait, wait / 4
	}
	return left, dense / 2
}

func clamp(d, lowest, highest time.Duration) time.Duration { return max(lowest, min(d, highest)) }

// pollInterval computes the pauses of one wait.
type pollInterval struct {
	started    time.Time
	expected   time.Duration
	hit        bool // the expected end has come
	throttling *throttleLevel
}

func newPollInterval() *pollInterval {
	return &pollInterval{started: time.Now(), throttling: &throttleLevel{}}
}

// aimed reports, once, that the expected end has come.
func (p *pollInterval) aimed() bool {
	now := !p.hit && p.expected > 0 && time.Since(p.started) >= p.expected
	p.hit = p.hit || now
	return now
}

// endIsNear makes the polls frequent.
func (p *pollInterval) endIsNear() { p.expected = time.Since(p.started) }

// maxAge returns how old an answer to another wait may be to be used by this one.
func (p *pollInterval) maxAge() time.Duration {
	wait, _ := nextPoll(time.Since(p.started), p.expected)
	return min(wait, maxPoll) / 2
}

func (p *pollInterval) pause(ctx context.Context) error {
	wait, spread := nextPoll(time.Since(p.started), p.expected)
	return sleep(ctx, p.throttling.lengthen(wait+random(spread)))
}

// throttleLevel is how much AWS throttles this process. Pauses are 1+level times as long.
type throttleLevel struct {
	mu    sync.Mutex
	level float64 // 0 without throttling
}

func (s *throttleLevel) note(throttled bool) {
	const maxLevel = 15
	s.mu.Lock()
	defer s.mu.Unlock()
	if throttled {
		s.level = min(2*s.level+1, maxLevel)
	} else {
		s.level *= 0.8
	}
}

func (s *throttleLevel) lengthen(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(time.Duration(float64(d)*(1+s.level)), max(3*d, idlePoll))
}

// jitter shortens d by up to its nth part at random, so that processes don't poll in step.
func jitter(d time.Duration, n int64) time.Duration { return d - random(d/time.Duration(n)) }

func random(limit time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(limit) + 1)) }

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

// poller reads the environments that a process waits for, all in one call, because the whole
// account shares two calls a second.
type poller struct {
	throttling  throttleLevel
	clockOffset atomic.Int64  // nanoseconds by which AWS's clock was ahead of ours at its last answer
	reading     chan struct{} // full while a wait reads

	mu      sync.Mutex
	waiters map[string]int // number of waits by environment id
	rows    map[string]row // last read rows of the environments waited for, by id
}

// row is an environment as AWS described it at one time.
type row struct {
	Env
	found bool
	at    time.Time // when AWS was asked
}

func newPoller() *poller {
	return &poller{reading: make(chan struct{}, 1), waiters: map[string]int{}, rows: map[string]row{}}
}

// note records the result of one attempt of a call.
func (p *poller) note(f attemptResult, meta smithy.Metadata) {
	p.throttling.note(f == throttled)
	if now, ok := middleware.GetServerTime(meta); ok {
		p.clockOffset.Store(int64(time.Until(now)))
	}
}

// awsTime converts a time of our clock to AWS's.
func (p *poller) awsTime(t time.Time) time.Time { return t.Add(time.Duration(p.clockOffset.Load())) }

// join includes an environment in every read, until stop is called.
func (p *poller) join(id string) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiters[id]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiters[id]--; p.waiters[id] == 0 {
			delete(p.waiters, id)
			delete(p.rows, id)
		}
	}
}

// row returns the row of an environment that was joined, also a Terminated one. It uses one that
// another wait read at most age ago, or else reads it now.
func (c *Client) row(ctx context.Context, id string, age time.Duration) (row, error) {
	p := c.polls
	asked := time.Now()
	select {
	case p.reading <- struct{}{}:
	case <-ctx.Done():
		return row{}, ctx.Err()
	}
	defer func() { <-p.reading }()
	if r, ok := p.cached(id); ok && !r.at.Before(asked.Add(-age)) {
		return r, nil
	}
	in := &eb.DescribeEnvironmentsInput{EnvironmentIds: p.ids()}
	now := time.Now()
	found, _, err := c.rows(ctx, in, nil)
	if err != nil {
		return row{}, err
	}
	p.store(in.EnvironmentIds, found, now)
	r, _ := p.cached(id)
	return r, nil
}

func (p *poller) cached(id string) (row, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.rows[id]
	return r, ok
}

func (p *poller) ids() (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.waiters {
		ids = append(ids, id)
	}
	return ids
}

func (p *poller) store(ids []string, found []Env, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.waiters[id] > 0 {
			p.rows[id] = row{at: at}
		}
	}
	for _, e := range found {
		if p.waiters[e.ID] > 0 {
			p.rows[e.ID] = row{e, true, at}
		}
	}
}
