package daemon

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"beansprout/notify"
)

// Presses says how the presses of buttons reach a Daemon. Without secrets none do.
type Presses struct {
	AppToken      string // for Socket Mode
	SigningSecret string // for HTTP requests at /slack
	API           string // the base URL of Slack's API; "" for Slack's own
}

const (
	deedWorkers  = 8                // deeds that are done at a time
	waitingDeeds = 1000             // that may wait; who asks is told of what is not taken
	deedTime     = 30 * time.Minute // that a deed may take
)

// press is a button that a user has pressed. Slack vouches for it, but for the button's value only
// its seal does.
type press struct {
	value string
	user  string     // id
	name  string     // of the user
	at    notify.Ref // the message, or the one that its thread belongs to
}

// deedQueue holds what was asked for and acknowledged.
type deedQueue struct {
	mu      sync.Mutex
	closed  bool
	waiting chan func(context.Context)
}

func newDeedQueue() *deedQueue {
	return &deedQueue{waiting: make(chan func(context.Context), waitingDeeds)}
}

// add reports whether what was asked for will be done.
func (q *deedQueue) add(do func(context.Context)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	select {
	case q.waiting <- do:
		return true
	default:
		return false
	}
}

func (q *deedQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	close(q.waiting)
}

// accept takes what a user did in Slack, and reports whether it will be handled. What is no press of a
// button needs nothing.
func (d *Daemon) accept(c slack.InteractionCallback) bool {
	p, ok := pressOf(c)
	return !ok || d.deeds.add(func(ctx context.Context) { d.handle(ctx, p) })
}

// pressOf returns the press that a user's action in Slack is, or false where it is none.
func pressOf(c slack.InteractionCallback) (p press, ok bool) {
	if c.Type != slack.InteractionTypeBlockActions || len(c.ActionCallback.BlockActions) != 1 {
		return p, false
	}
	action := c.ActionCallback.BlockActions[0]
	if action == nil || action.Value == "" {
		return p, false
	}
	p = press{value: action.Value, user: c.User.ID, name: c.User.Name}
	p.at.Channel = cmp.Or(c.Container.ChannelID, c.Channel.ID)
	p.at.Timestamp = cmp.Or(c.Container.ThreadTs, c.Message.ThreadTimestamp, c.Container.MessageTs, c.Message.Timestamp)
	return p, true
}

// work does what was asked for until the queue is closed and empty. The end of ctx interrupts nothing.
func (d *Daemon) work(ctx context.Context) {
	for do := range d.deeds.waiting {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deedTime)
		d.guard(func() { do(ctx) })
		cancel()
	}
}

// guard calls do. A panic is in the log and does not end the daemon.
func (d *Daemon) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			d.log.Error("panic", "cause", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	do()
}
