package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"beansprout/pattern"

	"github.com/slack-go/slack"
)

const (
	minRetryAfter  = time.Second // when Slack sends 0 or an invalid value
	maxAnswerBytes = 1 << 20     // of one answer
)

// wire sends requests. It follows no redirect, because the body contains the token, and limits the
// size of an answer.
type wire struct{ client http.Client }

func newWire(client *http.Client) wire {
	w := wire{client: *cmp.Or(client, http.DefaultClient)}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

// Do implements slack-go's interface of a client.
func (w wire) Do(r *http.Request) (*http.Response, error) {
	resp, err := w.client.Do(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswerBytes), resp.Body}
	}
	return resp, err
}

// message is what a message says: blocks for the screen, and one line for notifications and screen
// readers.
type message struct {
	blocks []slack.Block
	line   string
}

func (m message) options(how []slack.MsgOption) []slack.MsgOption {
	return append([]slack.MsgOption{
		slack.MsgOptionText(m.line, false),
		slack.MsgOptionBlocks(m.blocks...),
		slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}, how...)
}

// post posts a message to a channel and returns where it is. What Slack may have posted is not
// posted again.
func (s *Slack) post(ctx context.Context, channel string, m message, how ...slack.MsgOption) (Ref, error) {
	ref, err := s.send(ctx, channel, m.options(how), s.limiter.post(channel))
	if err != nil {
		return Ref{}, err
	}
	if !valid(ref) { // slack-go accepts any JSON object without an error
		return Ref{}, errAnswer
	}
	s.limiter.learn(channel, ref.Channel)
	return ref, nil
}

var errAnswer = errors.New("the answer names no message")

// update replaces the message at ref. While it waits, a newer update of the same message takes its
// place; then it returns nil without a request of its own.
func (s *Slack) update(ctx context.Context, ref Ref, m message) error {
	l := s.lanes.enter(ref)
	defer s.lanes.exit(ref, l)
	mine := l.newest.Add(1)
	select {
	case l.sending <- struct{}{}:
		defer func() { <-l.sending }()
	case <-ctx.Done():
		return errBusy
	}
	q := s.limiter.update()
	q.slot, q.stale = &l.slot, func() bool { return l.newest.Load() != mine }
	now, err := s.send(ctx, ref.Channel, m.options([]slack.MsgOption{slack.MsgOptionUpdate(ref.Timestamp)}), q)
	switch {
	case errors.Is(err, errStale):
		return nil
	case err == nil && !valid(now):
		return errAnswer
	}
	return err
}

// send makes one request when it is its turn, and repeats it when Slack asks to wait and there is time.
func (s *Slack) send(ctx context.Context, channel string, options []slack.MsgOption, q queue) (Ref, error) {
	err := errBusy
	for {
		if e := q.wait(ctx); errors.Is(e, errBusy) {
			return Ref{}, err
		} else if e != nil {
			return Ref{}, e
		}
		id, ts, _, e := s.client.SendMessageContext(ctx, channel, options...)
		if e == nil {
			return Ref{Channel: id, Timestamp: ts}, nil
		}
		wait, limited := retryAfter(e)
		err = s.sanitize(e)
		if !limited {
			return Ref{}, err
		}
		q.block(wait)
	}
}

func retryAfter(err error) (time.Duration, bool) {
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) {
		return 0, false
	}
	return max(limited.RetryAfter, minRetryAfter), true
}

// Refusal is reported when Slack refuses a request: HTTP 200 with {"ok": false, "error": Code}.
type Refusal struct {
	Code   string
	Needed string // of missing_scope: the scopes that the bot needs, as Slack or Check names them
}

// Error returns the code and, for the common ones, what to do.
func (r Refusal) Error() string {
	if todo := r.remedy(); todo != "" {
		return r.Code + ": " + todo
	}
	return r.Code
}

func (r Refusal) remedy() string {
	switch r.Code {
	case "not_in_channel":
		return "invite the bot to the channel"
	case "channel_not_found":
		return "check slack.channel; a private channel must have the bot invited"
	case "is_archived":
		return "the channel is archived; choose another in slack.channel"
	case "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired":
		return "check the token in SLACK_BOT_TOKEN"
	case "missing_scope":
		return "add the scope " + cmp.Or(r.Needed, scopePost) + " to the bot, and install the app again"
	case "not_allowed_token_type":
		return "SLACK_BOT_TOKEN must be a bot token (xoxb-...)"
	case "ratelimited", "rate_limited":
		return "too many messages; the next announcement tries again"
	}
	return ""
}

var (
	codeShape  = pattern.New(`^[a-z_]{1,64}$`)
	scopeShape = pattern.New(`^[a-z._:]{1,64}(, ?[a-z._:]{1,64}){0,9}$`)
)

// sanitize removes from an error of slack-go everything of the request, above all the token, and
// every text that a server could have chosen.
func (s *Slack) sanitize(err error) error {
	var (
		refused slack.SlackErrorResponse
		status  slack.StatusCodeError
		request *url.Error
	)
	if wait, limited := retryAfter(err); limited {
		return fmt.Errorf("too many messages: Slack asks to wait %v", wait)
	}
	switch {
	case errors.As(err, &refused) && codeShape.MatchString(refused.Err):
		r := Refusal{Code: refused.Err}
		if scopeShape.MatchString(refused.Needed) {
			r.Needed = refused.Needed
		}
		return r
	case errors.As(err, &status):
		return fmt.Errorf("the answer has status %d", status.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &request) && (s.token == "" || !strings.Contains(request.Err.Error(), s.token)):
		return request.Err
	}
	return errors.New("the answer is not Slack's")
}
