// Package notify tells Slack about environments: one message for each, which is updated in place,
// with buttons, and replies in its thread. An operation never depends on Slack: the caller gets an
// error within seconds and carries on.
package notify

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"beansprout/envs"
	"beansprout/pattern"
)

// announceTimeout is how long all requests of one announcement may take.
const announceTimeout = 5 * time.Second

// Ref says where a message is. Its channel is the id that Slack returned, not the name that the
// message was posted to, because chat.update accepts only ids. The zero Ref is no message.
type Ref = envs.MessageRef

var (
	channelID = pattern.New(`^[A-Z0-9]{1,64}$`)
	timestamp = pattern.New(`^[0-9]{1,20}\.[0-9]{1,20}$`)
)

// valid reports whether r can be a message.
func valid(r Ref) bool {
	return channelID.MatchString(r.Channel) && timestamp.MatchString(r.Timestamp)
}

// sealed returns r with the seal of an environment. A Ref comes from the record, which instances
// may be able to write, and must not name the message of another environment.
func (s *Slack) sealed(environment string, r Ref) Ref {
	mac := hmac.New(sha256.New, []byte(s.token))
	fmt.Fprintf(mac, "%q %q %q %q", environment, r.Channel, r.Timestamp, r.Posted)
	r.Seal = hex.EncodeToString(mac.Sum(nil))
	return r
}

// isOf reports whether r is a message of the environment.
func (s *Slack) isOf(environment string, r Ref) bool {
	return valid(r) && hmac.Equal([]byte(s.sealed(environment, r).Seal), []byte(r.Seal))
}

// Slack posts to one channel. Its methods may be called concurrently.
type Slack struct {
	// Limit is how long one call of a method may take, 5 seconds unless it is set before the
	// first call. A call that would have to wait longer for others returns at once.
	Limit time.Duration

	client  *slack.Client
	token   string
	channel string
	limiter *limiter
	lanes   *lanes
	people  *people
	random  func() string // makes the token of a button
}

// New returns a Slack that posts to channel, a name ("#qa") or an id, as the bot with this token.
// apiURL is Slack's own when it is empty; client may be nil.
func New(token, apiURL, channel string, client *http.Client) *Slack {
	apiURL = strings.TrimRight(cmp.Or(apiURL, slack.APIURL), "/") + "/"
	token = strings.TrimSpace(token)
	return &Slack{
		Limit:  announceTimeout,
		client: slack.New(token, slack.OptionAPIURL(apiURL), slack.OptionHTTPClient(newWire(client))),
		token:  token, channel: channel,
		limiter: newLimiter(), lanes: &lanes{}, people: &people{}, random: rand.Text,
	}
}

// In returns a Slack that posts to another channel as the same bot. The two share what counts for
// Slack's limits, so a process should make all its channels from one New.
func (s *Slack) In(channel string) *Slack {
	other := *s
	other.channel = channel
	return &other
}

// Announce updates the message at ref to p, and returns where the message is. It posts a new one
// when ref is not a message of the environment, when that message is gone, or when the channel
// has changed: then the old message says so. A failure, its mending, a warning and a removal are
// also replies in the message's thread, because an update sends no notification.
//
// It implements envs.Announcer: Ref and Post are its MessageRef and News.
//
// It takes Limit at most. The returned Ref is valid also with an error, so the caller always
// stores it. No error means that Slack confirmed all of it; an update that a newer one of the same
// message replaced while it waited counts as confirmed. An error never contains the token.
//
// What Slack may have posted is not posted again: only an answer that says to wait is followed by
// a second request. When the answer to a new message is lost, it is unknown where the message is,
// and the next announcement posts another.
func (s *Slack) Announce(ctx context.Context, ref Ref, p Post) (Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	if !s.isOf(p.Environment, ref) {
		ref = Ref{}
	}
	moves := p.State != Removed && ref != (Ref{}) && !s.posts(ref)
	at := ref
	if moves {
		at = Ref{}
	}
	now, err := s.put(ctx, at, p)
	if err != nil {
		return ref, fmt.Errorf("announce in Slack: %w", err)
	}
	if replies(p) {
		if _, err = s.post(ctx, now.Channel, s.reply(ctx, p), slack.MsgOptionTS(now.Timestamp)); err != nil {
			err = fmt.Errorf("reply in Slack: %w", err)
		}
	}
	if moves {
		if e := s.update(ctx, ref, movedTo(p, s.channel)); e != nil && !gone(e) {
			err = errors.Join(err, fmt.Errorf("close the message in Slack's channel %s: %w", ref.Posted, e))
		}
	}
	return now, err
}

// posts reports whether a message is in the channel that s posts to.
func (s *Slack) posts(r Ref) bool {
	return r.Channel == s.channel || strings.TrimPrefix(r.Posted, "#") == strings.TrimPrefix(s.channel, "#")
}

// put updates the message at ref, or posts it.
func (s *Slack) put(ctx context.Context, ref Ref, p Post) (Ref, error) {
	m := living(p, s.actions(p))
	if ref != (Ref{}) {
		if err := s.update(ctx, ref, m); !gone(err) {
			return ref, err
		}
	}
	now, err := s.post(ctx, s.channel, m)
	if err != nil {
		return now, err
	}
	now.Posted = s.channel
	return s.sealed(p.Environment, now), nil
}

// gone reports whether Slack refused an update because it can't change the message: it is deleted,
// of another bot, too old, or in a channel that is gone.
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
