package beanstalk

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	smithy "github.com/aws/smithy-go/middleware"

	"beansprout/envs"
)

// poller reads the environments that a process waits for: all of them in one call, because
// the whole account shares two a second.
type poller struct {
	strain strain
	ahead  atomic.Int64  // AWS's clock is so far ahead of ours, as its last answer said
	turn   chan struct{} // whoever has put something into it reads

	mu    sync.Mutex
	waits map[string]int // how many wait for an environment, by id
	rows  map[string]row // what the last read said of those waited for
}

// row is what AWS says of an environment.
type row struct {
	envs.Env
	there bool
	at    time.Time // when AWS was asked
}

func newPoller() *poller {
	return &poller{turn: make(chan struct{}, 1), waits: map[string]int{}, rows: map[string]row{}}
}

// note takes in what became of one try of a call.
func (p *poller) note(f fate, meta smithy.Metadata) {
	p.strain.note(f == throttle)
	if now, ok := middleware.GetServerTime(meta); ok {
		p.ahead.Store(int64(time.Until(now)))
	}
}

// date is a time of ours by AWS's clock.
func (p *poller) date(t time.Time) time.Time { return t.Add(time.Duration(p.ahead.Load())) }

// join makes every read answer for an environment, until leave is called.
func (p *poller) join(id string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits[id]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waits[id]--; p.waits[id] == 0 {
			delete(p.waits, id)
			delete(p.rows, id)
		}
	}
}

// row returns what AWS says of an environment that was joined, Terminated or not: what
// another wait was told at most so long ago, or else what AWS says now.
func (c *Client) row(ctx context.Context, id string, age time.Duration) (row, error) {
	p := c.polls
	asked := time.Now()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return row{}, ctx.Err()
	}
	defer func() { <-p.turn }()
	if r, ok := p.known(id); ok && !r.at.Before(asked.Add(-age)) {
		return r, nil
	}
	in := &eb.DescribeEnvironmentsInput{EnvironmentIds: p.all()}
	now := time.Now()
	found, _, err := c.rows(ctx, in)
	if err != nil {
		return row{}, err
	}
	p.learn(in.EnvironmentIds, found, now)
	r, _ := p.known(id)
	return r, nil
}

func (p *poller) known(id string) (row, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.rows[id]
	return r, ok
}

func (p *poller) all() (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.waits {
		ids = append(ids, id)
	}
	return ids
}

func (p *poller) learn(asked []string, found []envs.Env, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range asked {
		if p.waits[id] > 0 {
			p.rows[id] = row{at: at}
		}
	}
	for _, e := range found {
		if p.waits[e.ID] > 0 {
			p.rows[e.ID] = row{e, true, at}
		}
	}
}
