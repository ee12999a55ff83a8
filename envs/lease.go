package envs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/visible"
)

// lease is the right to change one environment. Only a lease has the clients that change AWS.
type lease struct {
	beanstalk *beanstalk.Changer
	images    *ecr.Tagger
	bundles   *store.Changer
	taken     *store.Lease // nil of the lease that a removal makes around its own, to check its grounds, too
	record    store.Record // as it was when the lease was taken, or as it was read or written last
	ensure    func(context.Context) error
}

// changing returns what changes AWS, with ensure asked before each HTTP attempt.
func (m *Manager) changing(s *store.Store, ensure func(context.Context) error) lease {
	return lease{beanstalk: m.beanstalk.Changing(ensure), images: m.images.Changing(ensure), bundles: s.Changing(ensure), ensure: ensure}
}

// request is why a lease is asked for.
type request struct {
	verb   string
	number int64                      // of the deploy, 0 of what has none
	noWait bool                       // store.ErrHeld at once where another operation holds it
	change func(*store.Record)        // made by the write that takes the lease; may be nil
	decide func(store.Record) error   // asked with each record that is seen until then; its error ends the waiting; may be nil
	last   func(*store.Record, error) // made by the write that gives the lease back, with the error of the work; may be nil
	drop   func() bool                // reports after work without an error whether the record goes with the lease; may be nil
}

// withLease does work while it holds the lease of the named environment. The context of the work
// ends when the lease is lost, and then the error wraps store.ErrLost. The lease is given back also
// after an interruption: the next operation need not wait for it to expire.
func (m *Manager) withLease(ctx context.Context, name string, r request, o Options, work func(context.Context, *lease) error) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	held, record, err := m.takeLease(ctx, s, name, r, o)
	if err != nil {
		return err
	}
	working, stop := held.Context(ctx)
	l := m.changing(s, held.Ensure)
	l.taken, l.record = held, record
	err = work(working, &l)
	lost := context.Cause(working)
	stop()
	if ctx.Err() == nil && (errors.Is(lost, store.ErrLost) || errors.Is(err, store.ErrLost)) {
		return fmt.Errorf("environment %s: %w", name, store.ErrLost)
	}
	if err == nil && r.drop != nil && r.drop() {
		ctx, cancel := lastWords(ctx, releaseTime, releaseOvertime)
		defer cancel()
		return held.DeleteRecord(ctx)
	}
	m.giveBack(ctx, held, o, func(rec *store.Record) {
		if r.last != nil {
			r.last(rec, err)
		}
	})
	return err
}

// takeLease waits for the lease of the named environment, and shows meanwhile what AWS does for the
// operation that holds it.
func (m *Manager) takeLease(ctx context.Context, s *store.Store, name string, r request, o Options) (*store.Lease, store.Record, error) {
	var since time.Time
	waited := func() {}
	held, record, err := s.Take(ctx, name, store.LeaseRequest{
		Verb: r.verb, By: o.By, RequestNumber: r.number, NoWait: r.noWait, Change: r.change,
		Waiting: func(owner store.LeaseOwner) {
			waited()
			if since.IsZero() {
				since = time.Now()
			}
			o.note("%s is at work on the feature: waiting for it to end", Owner(owner))
			waited = m.showEvents(ctx, name, owner.Since, o.step("wait for "+Owner(owner)))
		},
	}, r.decide)
	waited()
	if m.config.LeaseWait != nil && !since.IsZero() {
		m.config.LeaseWait(time.Since(since))
	}
	return held, record, err
}

// releaseTime is how long giving a lease back may take; it would expire by itself.
const releaseTime = 10 * time.Second

func (m *Manager) giveBack(ctx context.Context, l *store.Lease, o Options, change func(*store.Record)) {
	ctx, cancel := lastWords(ctx, releaseTime, releaseOvertime)
	defer cancel()
	if err := l.Release(ctx, change); err != nil {
		o.warn(err)
	}
}

// Owner describes the owner of a lease, in limited length, because others may be able to write it.
func Owner(h store.LeaseOwner) string {
	verb := visible.Line(h.Verb, 20)
	if verb == "" {
		verb = "another run"
	}
	if by := visible.Line(h.By, 100); by != "" {
		return verb + " by " + by
	}
	return verb
}

// settle waits until AWS is no longer at work on the environment, and shows what AWS says
// meanwhile.
func (m *Manager) settle(ctx context.Context, e Env, o Options) (Env, error) {
	stop := m.showEvents(ctx, e.Name, e.Updated, o.step("wait for environment "+e.Name+", which is "+string(e.State)))
	now, err := m.beanstalk.Settle(ctx, e)
	stop()
	return now, err
}

// eventDrift is how much AWS's dates of a change and of its events may differ.
const eventDrift = time.Second

// showEvents shows what AWS says about the named environment while this operation waits for a change
// of another's, and has said since that change began, in the last hour. The step ends with stop, which
// says how long it took. The first look comes after a pause, so that a short wait costs no call.
func (m *Manager) showEvents(ctx context.Context, name string, since time.Time, s step) (stop func()) {
	started := time.Now()
	if oldest := started.Add(-time.Hour); since.Before(oldest) || since.After(started) {
		since = oldest
	}
	inner, cancel := context.WithCancel(ctx)
	var shown sync.WaitGroup
	shown.Go(func() {
		feed, id := eventFeed{since: since.Add(-eventDrift)}, ""
		for pause(inner, eventPause) == nil {
			if id == "" {
				e, err := m.beanstalk.Find(inner, name, nil)
				if err != nil {
					continue
				}
				id = e.ID
			}
			news, err := feed.next(inner, m.beanstalk, id)
			if err != nil {
				continue // the wait itself tells what is wrong
			}
			for _, event := range news {
				s.line(event.Severity + " " + event.Message)
			}
		}
	})
	return func() {
		cancel()
		shown.Wait()
		s.done("waited " + FormatDuration(time.Since(started).Round(time.Second)))
	}
}
