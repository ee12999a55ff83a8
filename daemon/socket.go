package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	// socketPause is how long it takes until Socket Mode is tried again after Slack refused it.
	socketPause = 30 * time.Second
	// socketGrace is how long it may be without a connection and still be healthy.
	socketGrace = 5 * time.Minute
	// maxSocketMessage is the size of the largest message of Slack's that is read.
	maxSocketMessage = 1 << 20

	connecting = "it is connecting"
)

// socket takes presses by Socket Mode: a connection to Slack, over which Slack hands each press to one
// of an app's connections.
type socket struct {
	api    *slack.Client
	log    *slog.Logger
	accept func(slack.InteractionCallback) bool // reports whether it will be handled

	mu     sync.Mutex
	lost   time.Time // since when there is no connection; zero while there is one
	reason string    // why
}

func newSocket(p Presses, log *slog.Logger, accept func(slack.InteractionCallback) bool) *socket {
	url := strings.TrimRight(cmp.Or(p.API, slack.APIURL), "/") + "/"
	client := &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the body has the token
	}
	api := slack.New("", slack.OptionAppLevelToken(strings.TrimSpace(p.AppToken)), slack.OptionAPIURL(url), slack.OptionHTTPClient(client))
	return &socket{api: api, log: log, accept: accept, lost: time.Now(), reason: connecting}
}

// run stays connected until ctx ends. slack-go connects again where the connection breaks.
func (s *socket) run(ctx context.Context) {
	for ctx.Err() == nil {
		client := socketmode.New(s.api, socketmode.OptionLog(log.New(io.Discard, "", 0)), socketmode.OptionReadLimit(maxSocketMessage))
		inner, stop := context.WithCancel(ctx)
		var reading sync.WaitGroup
		reading.Go(func() { s.read(inner, client) })
		err := client.RunContext(inner)
		stop()
		reading.Wait()
		if ctx.Err() != nil {
			return
		}
		s.disconnected(socketProblem(err))
		if pause(ctx, socketPause) != nil {
			return
		}
	}
}

// read handles the client's events until ctx ends.
func (s *socket) read(ctx context.Context, client *socketmode.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-client.Events:
			s.handle(ctx, client, event)
		}
	}
}

// handle acknowledges what Slack sends, within three seconds, before it is done.
func (s *socket) handle(ctx context.Context, client *socketmode.Client, event socketmode.Event) {
	switch event.Type {
	case socketmode.EventTypeConnecting:
		s.disconnected(connecting)
	case socketmode.EventTypeConnectionError:
		if problem, ok := event.Data.(*slack.ConnectionErrorEvent); ok {
			s.disconnected(socketProblem(problem.ErrorObj))
		}
	case socketmode.EventTypeHello:
		s.connected()
	case socketmode.EventTypeInteractive:
		callback, ok := event.Data.(slack.InteractionCallback)
		if ok && event.Request != nil && s.accept(callback) {
			_ = client.AckCtx(ctx, event.Request.EnvelopeID, nil)
		}
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeSlashCommand: // the manifest subscribes to none
		if event.Request != nil {
			_ = client.AckCtx(ctx, event.Request.EnvelopeID, nil)
		}
	}
}

func (s *socket) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lost.IsZero() {
		s.log.Info("connected to Slack", "mode", "socket")
	}
	s.lost, s.reason = time.Time{}, ""
}

func (s *socket) disconnected(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost.IsZero() {
		s.lost = time.Now()
	}
	if reason == connecting && s.reason != "" { // what was wrong with the last try says more
		return
	}
	if s.reason != reason && reason != connecting {
		s.log.Warn("not connected to Slack", "mode", "socket", "reason", reason)
	}
	s.reason = reason
}

// state returns since when there is no connection, and why; the zero time while there is one.
func (s *socket) state() (lost time.Time, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost, s.reason
}

// problem returns why presses do not arrive, or "".
func (s *socket) problem(now time.Time) string {
	lost, reason := s.state()
	if lost.IsZero() || now.Sub(lost) < socketGrace {
		return ""
	}
	return fmt.Sprintf("Slack's buttons do not work: no connection since %s: %s", when(lost), reason)
}

// socketProblem says why there is no connection, in words that are not the server's: its texts may
// have the token, and the address of a connection is a secret.
func socketProblem(err error) string {
	var refused slack.SlackErrorResponse
	var limited *slack.RateLimitedError
	var status slack.StatusCodeError
	switch {
	case err == nil:
		return "the connection has ended"
	case errors.As(err, &limited):
		return "Slack asks to wait"
	case errors.As(err, &refused):
		return refusalText(refused.Err)
	case errors.As(err, &status):
		return fmt.Sprintf("the answer has status %d", status.Code)
	}
	return "Slack can't be reached"
}

// refusalText explains a code of Slack's.
func refusalText(code string) string {
	if !isCode(code) {
		return "Slack refuses the connection"
	}
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type":
		return code + ": check the token in SLACK_APP_TOKEN, which begins with xapp-"
	case "missing_scope", "no_permission":
		return code + ": the token in SLACK_APP_TOKEN needs the scope connections:write"
	}
	return code
}

// isCode reports whether a text has the shape of Slack's codes.
func isCode(s string) bool {
	return 0 < len(s) && len(s) < 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
