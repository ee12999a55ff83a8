package board

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

const (
	// detailTime is how long AWS may take to tell what only a feature's page shows.
	detailTime = 10 * time.Second
	// restAge is how old that may be while nothing is at work.
	restAge = time.Minute
	// detailLimit is how many features' details are remembered.
	detailLimit = 200
	// eventLag is how long AWS may take to deliver an event.
	eventLag = time.Minute
	// eventRetention is how long AWS keeps events.
	eventRetention = 6 * 7 * 24 * time.Hour
	// detailPause and detailBurst say how many details are read: AWS has two describes a second, and bursts of
	// fifteen, for the whole account.
	detailPause = time.Second
	detailBurst = 8
)

// details has what only the pages of features show. It asks AWS once for all who look.
type details struct {
	mu     sync.Mutex
	known  map[string]*detail // by key
	count  int                // of details that differ from the one before
	next   time.Time          // when the next detail may be read
	flight singleflight.Group
}

// detail is what was read of one feature. It is never changed.
type detail struct {
	id       string // of the environment
	at       time.Time
	seq      int64 // of the line that it was read for
	number   int   // another one where it says something else
	events   []beanstalk.Event
	versions []envs.Version
	unread   []string
}

// following reports whether something is at work on a feature, so that events may come.
func (l *line) following() bool {
	return slices.Contains([]string{stateLaunching, stateUpdating, stateRemoving}, l.State) || l.Work != ""
}

// good reports whether nothing has to be read again for a line.
func (d *detail) good(l *line) bool {
	if d == nil || d.seq != l.seq {
		return false
	}
	if l.following() {
		return time.Since(d.at) < interval
	}
	return time.Since(d.at) < restAge
}

// detail returns what only the page of a feature shows, at most a few seconds old while something is at work.
func (b *Board) detail(ctx context.Context, l *line) *detail {
	d := &b.details
	if known := d.of(l.Key); known.good(l) {
		return known
	}
	read := d.flight.DoChan(l.Key, func() (any, error) {
		before := d.of(l.Key)
		if before.good(l) { // another flight has just ended
			return before, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), detailTime)
		defer cancel()
		if !d.wait(ctx) {
			return before.crowded(l), nil
		}
		var now *detail
		err := b.guard(func() error { now = b.readDetail(ctx, l, before); return nil })
		if err != nil {
			now = &detail{seq: l.seq, unread: []string{"events and versions can't be read: " + b.text(err.Error())}}
		}
		return d.remember(l.Key, now), nil
	})
	select {
	case <-ctx.Done():
		return &detail{}
	case result := <-read:
		return result.Val.(*detail)
	}
}

// of returns what is known of a feature, or nil.
func (d *details) of(key string) *detail {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[key]
}

// crowded returns what was known before where AWS could not be asked.
func (d *detail) crowded(l *line) *detail {
	now := detail{seq: l.seq}
	if d != nil {
		now = *d
	}
	now.unread = []string{"AWS was not asked for events and versions: the pages of too many features are open."}
	return &now
}

// wait returns when a detail may be read, so that pages leave AWS's budget to others. It returns false where that is
// not before ctx ends.
func (d *details) wait(ctx context.Context) bool {
	d.mu.Lock()
	now := time.Now()
	if least := now.Add(-detailBurst * detailPause); d.next.Before(least) {
		d.next = least
	}
	d.next = d.next.Add(detailPause)
	pause := d.next.Sub(now)
	d.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// remember keeps a detail for all who look.
func (d *details) remember(key string, now *detail) *detail {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.known[key]
	if before != nil && now.same(before) {
		now.number = before.number
	} else {
		d.count++
		now.number = d.count
	}
	if before == nil && len(d.known) >= detailLimit {
		clear(d.known)
	}
	d.known[key] = now
	return now
}

// same reports whether two details say the same.
func (d *detail) same(other *detail) bool {
	return slices.Equal(d.events, other.events) && slices.Equal(d.versions, other.versions) && slices.Equal(d.unread, other.unread)
}

// readDetail asks AWS for events, and for versions where these may have changed. What can't be read is said, and
// stays as it was read before.
func (b *Board) readDetail(ctx context.Context, l *line, before *detail) *detail {
	s, _ := b.hub.current()
	f, e := s.subjects[l.Key].feed, s.subjects[l.Key].environment
	now := &detail{id: e.ID, at: time.Now(), seq: l.seq}
	if f == nil || e.ID == "" {
		return now
	}
	since := s.clock().Add(-eventRetention)
	if made := e.Created.Add(-eventLag); made.After(since) {
		since = made
	}
	if before != nil && before.id == e.ID {
		now.events, now.versions = before.events, before.versions
		if n := len(before.events); n > 0 {
			since = before.events[n-1].Time.Add(-eventLag)
		}
	}
	if news, err := f.Events(ctx, e, since); err != nil {
		now.unread = append(now.unread, "AWS's events can't be read now: "+b.text(err.Error()))
	} else {
		now.events = merged(now.events, news)
	}
	if before == nil || before.id != e.ID || before.seq != l.seq || len(before.unread) > 0 {
		versions, err := f.Versions(ctx, e)
		if err != nil {
			now.unread = append(now.unread, "the versions can't be read now: "+b.text(err.Error()))
		} else {
			now.versions = versions
		}
	}
	return now
}

// merged returns the events of two readings, each once, oldest first. The newer reading begins within the older one.
func merged(old, news []beanstalk.Event) []beanstalk.Event {
	all, seen := slices.Clone(old), make(map[beanstalk.Event]bool, len(old))
	for _, e := range old {
		seen[e] = true
	}
	for _, e := range news {
		if !seen[e] {
			all, seen[e] = append(all, e), true
		}
	}
	slices.SortStableFunc(all, func(a, b beanstalk.Event) int { return a.Time.Compare(b.Time) })
	return all
}
