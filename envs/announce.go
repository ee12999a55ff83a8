package envs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"beansprout/envs/store"
)

// An Announcer tells people about environments: one message for each environment, which changes
// with it. It answers within seconds, whatever happens.
type Announcer interface {
	// Announce updates the message at ref to n, or posts one if ref is zero. It returns where the
	// message is now, also together with an error.
	Announce(ctx context.Context, ref MessageRef, n News) (MessageRef, error)
}

// MessageRef says where an announcer's message is. Others may be able to write the record that it is
// kept in, so an announcer proves it by the seal.
type MessageRef = store.Message

// Announces reports whether there is an announcer whose messages reach people.
func (m *Manager) Announces() bool { return len(m.config.Announcers) > 0 }

// announcers returns all announcers by name, also those that only display.
func (m *Manager) announcers() map[string]Announcer {
	all := maps.Clone(m.config.Displays)
	if all == nil {
		return m.config.Announcers
	}
	maps.Copy(all, m.config.Announcers)
	return all
}

const (
	// announceTime is how long it may take to tell one announcer, and to remember where.
	announceTime = 15 * time.Second
	// announceQueue is how many news may wait for the announcers of one operation.
	announceQueue = 8
)

// announcement tells the announcers about one environment without holding anything up: in the
// background each is sent the news one after the other, and what goes wrong is a warning.
type announcement struct {
	manager *Manager
	options Options
	name    string
	buttons func() bool
	told    []*toldAnnouncer
	sent    sync.WaitGroup
}

// toldAnnouncer is an announcer that is sent news. None waits for another one.
type toldAnnouncer struct {
	name  string
	news  chan News
	ref   MessageRef
	known bool // had a message before
	lost  bool // whether its first message came through isn't known: another could be a second one
}

// announce begins to tell about the named environment, whose messages the record names. buttons reports
// whether a janitor answers the messages' buttons.
func (m *Manager) announce(ctx context.Context, name string, rec store.Record, buttons func() bool, o Options) *announcement {
	a := &announcement{manager: m, options: o, name: name, buttons: buttons}
	for announcer := range m.announcers() {
		ref := rec.MessageOf(announcer)
		to := &toldAnnouncer{name: announcer, news: make(chan News, announceQueue), ref: ref, known: ref != (MessageRef{})}
		a.told = append(a.told, to)
		a.sent.Go(func() {
			for n := range to.news {
				a.send(ctx, to, n)
			}
		})
	}
	return a
}

// tell queues news.
func (a *announcement) tell(n News) {
	for _, to := range a.told {
		to.news <- n
	}
}

// close returns when everything has been told.
func (a *announcement) close() {
	for _, to := range a.told {
		close(to.news)
	}
	a.sent.Wait()
}

func (a *announcement) send(ctx context.Context, to *toldAnnouncer, n News) {
	if to.lost {
		return
	}
	n.Mended = n.Mended && to.known
	n.Buttons = a.buttons()
	ref, err := a.manager.announceTo(ctx, to.name, to.ref, n)
	to.lost = ref == (MessageRef{}) && errors.Is(err, context.DeadlineExceeded)
	if err != nil {
		a.options.warn(err)
	}
	if ref != to.ref {
		to.ref = ref
		a.manager.rememberMessages(ctx, a.name, map[string]MessageRef{to.name: ref}, a.options)
	}
}

// announceTo tells one announcer, whose message is at ref, also at the end of an operation that was
// interrupted. It returns where the message is now.
func (m *Manager) announceTo(ctx context.Context, announcer string, ref MessageRef, n News) (MessageRef, error) {
	ctx, cancel := lastWords(ctx, announceTime, overtime)
	defer cancel()
	now, err := m.announcers()[announcer].Announce(ctx, ref, m.complete(ctx, n))
	if err != nil {
		err = fmt.Errorf("tell %s: %w", announcer, err)
	}
	return now, err
}

// delivery is what came of telling one announcer.
type delivery struct {
	announcer string
	ref       MessageRef // where its message is now
	moved     bool       // that is not where it was
	err       error
}

// deliver tells these announcers side by side. Their messages are where the record says.
func (m *Manager) deliver(ctx context.Context, announcers []string, rec store.Record, n News) []delivery {
	deliveries := make([]delivery, len(announcers))
	var all sync.WaitGroup
	for i, announcer := range announcers {
		all.Go(func() {
			was := rec.MessageOf(announcer)
			ref, err := m.announceTo(ctx, announcer, was, n)
			deliveries[i] = delivery{announcer, ref, ref != was, err}
		})
	}
	all.Wait()
	return deliveries
}

// updateMessages tells some announcers about an environment in the messages that there are, or where post
// is set in new ones, too. What goes wrong is a warning. It returns the messages that are elsewhere now.
func (m *Manager) updateMessages(ctx context.Context, some map[string]Announcer, rec store.Record, n News, post bool, o Options) map[string]MessageRef {
	var announcers []string
	for announcer := range some {
		if post || rec.MessageOf(announcer) != (MessageRef{}) {
			announcers = append(announcers, announcer)
		}
	}
	moved := map[string]MessageRef{}
	for _, d := range m.deliver(ctx, announcers, rec, n) {
		if d.err != nil {
			o.warn(d.err)
		}
		if d.moved {
			moved[d.announcer] = d.ref
		}
	}
	return moved
}

// rememberMessages writes into the record of the named environment where messages are.
func (m *Manager) rememberMessages(ctx context.Context, name string, refs map[string]MessageRef, o Options) {
	if len(refs) == 0 {
		return
	}
	ctx, cancel := lastWords(ctx, announceTime, overtime)
	defer cancel()
	s, err := m.store(ctx)
	if err == nil {
		_, err = s.Change(ctx, name, func(r *store.Record) { setMessages(r, refs) })
	}
	if err != nil {
		o.warn(fmt.Errorf("remember where the messages about %s are: %w", name, err))
	}
}

func setMessages(r *store.Record, refs map[string]MessageRef) {
	for announcer, ref := range refs {
		r.SetMessage(announcer, ref)
	}
}

const (
	// overtime is how much longer than its deadline an operation may take, for its last words: the
	// record, the lease, the announcers and the logs together.
	overtime = 10 * time.Second
	// releaseOvertime and logOvertime are when, of it, the lease must have been given back and
	// the logs been gathered. The rest is for the announcers.
	releaseOvertime = 4 * time.Second
	logOvertime     = 7 * time.Second
)

// Overtime is how much longer than the deadline of its context an operation may take.
const Overtime = overtime

// lastWords returns a context for what is done at the end of an operation, also of one that was
// interrupted or ran out of time: it does not end with ctx, but after limit, and at the latest
// overtime after the deadline of ctx.
func lastWords(ctx context.Context, limit, overtime time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(limit)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(overtime).Before(end) {
		end = deadline.Add(overtime)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}
