package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"beansprout/notify"
	"beansprout/visible"
)

// Trial finds out whether messages can be posted and presses arrive.
type Trial struct {
	Slack    *notify.Slack
	Presses  Presses
	Listener net.Listener // takes presses by HTTP; nil for Socket Mode
	Posted   func()       // is called when the message is there; may be nil
}

// Pressed is a press that has come back.
type Pressed struct {
	By    string        // the user's name
	Mode  string        // "Socket Mode" or "HTTP"
	After time.Duration // the message was posted
}

var (
	// ErrNoPresses is reported where nothing is set up by which presses could arrive.
	ErrNoPresses = errors.New("nothing is set up by which the presses of buttons could arrive")
	// ErrNotPressed is reported where no press has come back before the context ended.
	ErrNotPressed = errors.New("no press has come back")
	// ErrSocket is reported where there is no connection of Socket Mode.
	ErrSocket = errors.New("there is no connection of Socket Mode")
)

// socketTime is how long a Trial waits for a connection of Socket Mode.
const socketTime = 20 * time.Second

// Run checks the token, its scopes and the channel, posts a message with a button, and waits until
// it is pressed. The message says in the end what came of it.
func (t Trial) Run(ctx context.Context) (Pressed, error) {
	if t.Presses.AppToken == "" && (t.Listener == nil || t.Presses.SigningSecret == "") {
		return Pressed{}, ErrNoPresses
	}
	if err := t.Slack.Check(ctx); err != nil {
		return Pressed{}, err
	}
	in := &trialPresses{trial: t, came: make(chan Pressed, 1)}
	stop, err := in.listen(ctx)
	if err != nil {
		return Pressed{}, err
	}
	defer stop()
	at, button, err := t.Slack.Test(ctx)
	if err != nil {
		return Pressed{}, err
	}
	posted := time.Now()
	in.token.Store(&button.Token)
	if t.Posted != nil {
		t.Posted()
	}
	select {
	case p := <-in.came:
		p.After = time.Since(posted)
		return p, t.settle(ctx, at, "✅ The press has arrived: buttons work.")
	case <-ctx.Done():
		return Pressed{}, errors.Join(fmt.Errorf("%w: %w", ErrNotPressed, ctx.Err()), t.settle(ctx, at, "⌛ No press has arrived in time."))
	}
}

func (t Trial) settle(ctx context.Context, at notify.Ref, text string) error {
	return t.Slack.Settle(context.WithoutCancel(ctx), at, text)
}

// trialPresses waits for the press of one button.
type trialPresses struct {
	trial Trial
	token atomic.Pointer[string] // of the button
	came  chan Pressed
}

// accept returns what takes the press. It leaves the presses of other buttons unacknowledged: Slack
// tells their users to try again.
func (in *trialPresses) accept(mode string) func(slack.InteractionCallback) bool {
	return func(c slack.InteractionCallback) bool {
		p, ok := pressOf(c)
		if !ok {
			return true
		}
		b, err := in.trial.Slack.ParseButton(p.value)
		token := in.token.Load()
		if err != nil || token == nil || b.Token != *token {
			return false
		}
		select {
		case in.came <- Pressed{By: visible.Line(p.name, 80), Mode: mode}:
		default:
		}
		return true
	}
}

// listen begins to take presses, and returns what ends that.
func (in *trialPresses) listen(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	stop = func() { cancel(); running.Wait() }
	quiet := slog.New(slog.DiscardHandler)
	if in.trial.Listener != nil && in.trial.Presses.SigningSecret != "" {
		d := &Daemon{config: Config{Listener: in.trial.Listener}, log: quiet, metrics: NewMetrics()}
		d.webhook = newWebhook(in.trial.Presses.SigningSecret, in.accept("HTTP"))
		running.Go(func() { _ = d.serve(ctx) })
	}
	if in.trial.Presses.AppToken == "" {
		return stop, nil
	}
	s := newSocket(in.trial.Presses, quiet, in.accept("Socket Mode"))
	running.Go(func() { s.run(ctx) })
	for end := time.Now().Add(socketTime); ; time.Sleep(20 * time.Millisecond) {
		lost, reason := s.state()
		if lost.IsZero() {
			return stop, nil
		}
		if final := reason != connecting && time.Since(lost) > time.Second; final || time.Now().After(end) || ctx.Err() != nil {
			stop()
			return nil, fmt.Errorf("%w: %s", ErrSocket, reason)
		}
	}
}
