package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// Refusal is Slack's no: HTTP 200 with {"ok": false, "error": Code}.
type Refusal struct{ Code string }

// Error says the code and, for the common ones, what to do.
func (r Refusal) Error() string {
	if todo := remedy(r.Code); todo != "" {
		return r.Code + ": " + todo
	}
	return r.Code
}

func remedy(code string) string {
	switch code {
	case "not_in_channel":
		return "invite the bot to the channel"
	case "channel_not_found":
		return "check slack.channel; a private channel must have the bot invited"
	case "is_archived":
		return "the channel is archived; choose another in slack.channel"
	case "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired":
		return "check the token in SLACK_BOT_TOKEN"
	case "missing_scope", "not_allowed_token_type":
		return "the bot needs a bot token (xoxb-...) with the scope chat:write"
	case "ratelimited", "rate_limited":
		return "too many messages; the next announcement tries again"
	}
	return ""
}

var codeShape = regexp.MustCompile(`^[a-z_]{1,64}$`)

// plain turns an error of slack-go into one that has nothing of the request in it, least
// of all the token, and no words that a server could have chosen.
func (s *Slack) plain(err error) error {
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
		return Refusal{refused.Err}
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
