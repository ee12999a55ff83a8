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
	pressWorkers   = 8                // presses that are handled at a time
	waitingPresses = 1000             // that may wait; Slack tells the user of what is not taken
	pressTime      = 30 * time.Minute // that what a press asks for may take
)

// press is a button that a user has pressed. Slack vouches for it, but for the button's value only
// its seal does.
type press struct {
	value string
	user  string     // id
	name  string     // of the user
	at    notify.Ref // the message, or the one that its thread belongs to
}

// pressQueue holds presses that were acknowledged.
type pressQueue struct {
	mu      sync.Mutex
	closed  bool
	waiting chan press
}

func newPressQueue() *pressQueue { return &pressQueue{waiting: make(chan press, waitingPresses)} }

// add reports whether the press will be handled.
func (q *pressQueue) add(p press) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	select {
	case q.waiting <- p:
		return true
	default:
		return false
	}
}

func (q *pressQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	close(q.waiting)
}

// accept takes what a user did in Slack, and reports whether it will be handled. What is no press of a
// button needs nothing.
func (d *Daemon) accept(c slack.InteractionCallback) bool {
	p, ok := pressOf(c)
	return !ok || d.presses.add(p)
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

// work handles presses until the queue is closed and empty. The end of ctx interrupts none.
func (d *Daemon) work(ctx context.Context) {
	for p := range d.presses.waiting {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pressTime)
		d.handleGuarded(ctx, p)
		cancel()
	}
}

// handleGuarded handles a press. A panic is in the log and does not end the daemon.
func (d *Daemon) handleGuarded(ctx context.Context, p press) {
	defer func() {
		if r := recover(); r != nil {
			d.log.Error("panic", "cause", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	d.handle(ctx, p)
}
