// Package notify is the door to Slack: what there is to tell about an environment goes
// in, one living message per environment comes out, updated in place. Slack is never
// needed: whatever it does, the caller gets an error within seconds and carries on.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

const (
	announceTime  = 5 * time.Second // for all requests of one announcement
	minRetryAfter = time.Second     // when Slack says 0 or nonsense
	maxAnswer     = 1 << 20         // bytes
)

// Ref says where a message is. Its channel is the id that Slack returned, not the name
// that was posted to: chat.update takes nothing else. The zero Ref is no message.
type Ref struct{ Channel, Timestamp string }

var (
	channelID = regexp.MustCompile(`^[A-Z0-9]{1,64}$`)
	timestamp = regexp.MustCompile(`^[0-9]{1,20}\.[0-9]{1,20}$`)
)

// valid says whether r can be a message. A Ref comes from the ledger, which others may
// be able to write.
func (r Ref) valid() bool {
	return channelID.MatchString(r.Channel) && timestamp.MatchString(r.Timestamp)
}

// Slack posts to one channel.
type Slack struct {
	client  *slack.Client
	token   string
	channel string
	limit   time.Duration
}

// New returns a Slack that posts to channel, a name ("#qa") or an id, as the bot to whom
// token belongs. apiURL is Slack's own when it is empty; client may be nil.
func New(token, apiURL, channel string, client *http.Client) *Slack {
	apiURL = strings.TrimRight(cmp.Or(apiURL, slack.APIURL), "/") + "/"
	token = strings.TrimSpace(token)
	c := slack.New(token, slack.OptionAPIURL(apiURL), slack.OptionHTTPClient(newWire(client)))
	return &Slack{client: c, token: token, channel: channel, limit: announceTime}
}

// wire sends requests and nothing more: it follows no redirect, because the token is in
// the body and would travel along, and reads no answer without end.
type wire struct{ client http.Client }

func newWire(client *http.Client) wire {
	w := wire{client: *cmp.Or(client, http.DefaultClient)}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

// Do implements what slack-go wants of a client.
func (w wire) Do(r *http.Request) (*http.Response, error) {
	resp, err := w.client.Do(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Announce makes the message at ref say what p says, and returns where it is now. It
// posts a new one when ref is zero or its message is gone. A failure is also a reply in
// the message's thread, because an update notifies nobody.
//
// It takes five seconds at most. The Ref is right also when there is an error, so it is
// always the one to remember. An error never contains the token.
func (s *Slack) Announce(ctx context.Context, ref Ref, p Post) (Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	now, err := s.put(ctx, ref, p)
	if err != nil {
		return ref, fmt.Errorf("announce in Slack: %w", err)
	}
	if p.State != Failed {
		return now, nil
	}
	if _, err := s.send(ctx, now.Channel, p, slack.MsgOptionTS(now.Timestamp)); err != nil {
		return now, fmt.Errorf("reply in Slack: %w", err)
	}
	return now, nil
}

// put updates the message at ref, or posts it.
func (s *Slack) put(ctx context.Context, ref Ref, p Post) (Ref, error) {
	if ref.valid() {
		now, err := s.send(ctx, ref.Channel, p, slack.MsgOptionUpdate(ref.Timestamp))
		if !gone(err) {
			return now, err
		}
	}
	return s.send(ctx, s.channel, p)
}

// gone says whether Slack refused an update because there is no message that it could
// be: deleted, posted by another bot, too old to be edited, in a channel that is gone.
func gone(err error) bool {
	var r Refusal
	if !errors.As(err, &r) {
		return false
	}
	switch r.Code {
	case "message_not_found", "cant_update_message", "channel_not_found", "edit_window_closed", "is_inactive":
		return true
	}
	return false
}

// send makes one request, again when Slack asks to wait and there is time for it.
func (s *Slack) send(ctx context.Context, channel string, p Post, how ...slack.MsgOption) (Ref, error) {
	blocks, fallback := text(p)
	options := append([]slack.MsgOption{
		slack.MsgOptionText(fallback, false),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}, how...)
	for {
		id, ts, _, err := s.client.SendMessageContext(ctx, channel, options...)
		if err == nil {
			return answered(Ref{Channel: id, Timestamp: ts})
		}
		wait, limited := retryAfter(err)
		if deadline, _ := ctx.Deadline(); !limited || time.Until(deadline) < wait {
			return Ref{}, s.plain(err)
		}
		select {
		case <-ctx.Done():
			return Ref{}, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// answered checks what slack-go takes for success: any JSON object without an error.
func answered(ref Ref) (Ref, error) {
	if !ref.valid() {
		return Ref{}, errors.New("the answer names no message")
	}
	return ref, nil
}

func retryAfter(err error) (time.Duration, bool) {
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) {
		return 0, false
	}
	return max(limited.RetryAfter, minRetryAfter), true
}
