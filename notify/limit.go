package notify

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// errBusy is reported when so much waits to be sent that a request can't be made in time. The
	// request was not made.
	errBusy = errors.New("too many messages wait for Slack: not sent")
	// errStale is reported when a newer update replaced one that waited.
	errStale = errors.New("replaced by a newer update")
)

// rate is one request each interval, after a first burst.
type rate struct {
	interval time.Duration
	burst    int
}

// limiter keeps the requests of one bot within Slack's limits: one posted message a second and
// channel, 50 updates a minute and 100 whispers a minute in the whole workspace
// (docs.slack.dev/apis/web-api/rate-limits).
type limiter struct {
	posts, updates, whispers rate

	mu      sync.Mutex
	next    map[string]time.Time // by key: when the next request without a burst would be made
	blocked map[string]time.Time // by key: until when Slack asked to wait
	ids     map[string]string    // of channels, by their names
}

func newLimiter() *limiter {
	return &limiter{
		// A tenth longer than Slack wants, because requests don't all take the same time.
		posts: rate{1100 * time.Millisecond, 1}, updates: rate{1320 * time.Millisecond, 10}, whispers: rate{660 * time.Millisecond, 10},
		next: map[string]time.Time{}, blocked: map[string]time.Time{}, ids: map[string]string{},
	}
}

// queue is where one request waits for its turn.
type queue struct {
	limiter *limiter
	key     string
	rate    rate
	slot    *time.Time  // a turn that was reserved and not used; nil where there can't be one
	stale   func() bool // reports whether the request isn't wanted any more; may be nil
}

func (p *limiter) post(channel string) queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[channel]; ok {
		channel = id
	}
	return queue{limiter: p, key: "post " + channel, rate: p.posts}
}

func (p *limiter) update() queue  { return queue{limiter: p, key: "update", rate: p.updates} }
func (p *limiter) whisper() queue { return queue{limiter: p, key: "whisper", rate: p.whispers} }

// learn notes the id of a channel that a message was posted to by its name.
func (p *limiter) learn(name, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == id || p.ids[name] == id {
		return
	}
	p.ids[name] = id
	for _, times := range []map[string]time.Time{p.next, p.blocked} {
		if by := times["post "+name]; by.After(times["post "+id]) {
			times["post "+id] = by
		}
		delete(times, "post "+name)
	}
}

// wait returns when it is the request's turn. It returns errBusy at once if that would be after
// the deadline of ctx.
func (q queue) wait(ctx context.Context) error {
	at, err := q.reserve(ctx)
	if err != nil {
		return err
	}
	if wait := time.Until(at); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded): // which would say that Slack may have got the request
		q.giveBack(at)
		return errBusy
	case err != nil:
		q.giveBack(at)
		return err
	case q.stale != nil && q.stale():
		q.giveBack(at)
		return errStale
	}
	return nil
}

func (q queue) giveBack(at time.Time) {
	if q.slot != nil {
		*q.slot = at
	}
}

// reserve reserves the request's turn.
func (q queue) reserve(ctx context.Context) (time.Time, error) {
	if q.slot != nil && !q.slot.IsZero() {
		at := *q.slot
		*q.slot = time.Time{}
		return at, nil
	}
	q.limiter.mu.Lock()
	defer q.limiter.mu.Unlock()
	now := time.Now()
	next := q.limiter.next[q.key]
	at := later(now, later(q.limiter.blocked[q.key], next.Add(-time.Duration(q.rate.burst-1)*q.rate.interval)))
	if deadline, ok := ctx.Deadline(); ok && at.After(deadline) {
		return time.Time{}, errBusy
	}
	q.limiter.next[q.key] = later(at, next).Add(q.rate.interval)
	q.limiter.forget(now)
	return at, nil
}

// block lets no request of this kind be made before wait is over.
func (q queue) block(wait time.Duration) {
	q.limiter.mu.Lock()
	defer q.limiter.mu.Unlock()
	q.limiter.blocked[q.key] = later(time.Now().Add(min(wait, time.Hour)), q.limiter.blocked[q.key])
}

// forget drops what is over, of channels that nothing is posted to any more.
func (p *limiter) forget(now time.Time) {
	over := func(_ string, at time.Time) bool { return at.Before(now) }
	maps.DeleteFunc(p.next, over)
	maps.DeleteFunc(p.blocked, over)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lanes are the messages that updates wait for or are being sent to.
type lanes struct {
	mu  sync.Mutex
	all map[Ref]*lane
}

// lane is one message. Updates of it are sent one after the other.
type lane struct {
	sending chan struct{} // holds a value while an update is being sent, or is the next
	newest  atomic.Int64  // number of the newest update
	slot    time.Time     // belongs to who has the turn
	users   int
}

func (l *lanes) enter(r Ref) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	r = Ref{Channel: r.Channel, Timestamp: r.Timestamp}
	if l.all == nil {
		l.all = map[Ref]*lane{}
	}
	if l.all[r] == nil {
		l.all[r] = &lane{sending: make(chan struct{}, 1)}
	}
	l.all[r].users++
	return l.all[r]
}

func (l *lanes) exit(r Ref, left *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if left.users--; left.users == 0 {
		delete(l.all, Ref{Channel: r.Channel, Timestamp: r.Timestamp})
	}
}
