package notify

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// The scopes of the bot.
const (
	scopePost   = "chat:write"
	scopeUsers  = "users:read"
	scopeEmail  = "users:read.email"
	scopePublic = "chat:write.public" // posts to public channels that the bot is not in; not needed
)

// Manifest returns the manifest of the Slack app, in YAML: its bot with the scopes that it needs,
// buttons, and Socket Mode. The app token for Socket Mode, with the scope connections:write, is no
// part of a manifest: it is made by hand.
func Manifest() string {
	return `display_information:
  name: Beansprout
  description: Tells about the environments of feature branches
features:
  bot_user:
    display_name: beansprout
    always_online: true
oauth_config:
  scopes:
    bot:
      - ` + scopePost + `
      - ` + scopeUsers + `
      - ` + scopeEmail + `
settings:
  interactivity:
    is_enabled: true
  socket_mode_enabled: true
  org_deploy_enabled: false
  token_rotation_enabled: false
`
}

// Check asks Slack whether the token is valid, the bot has its scopes, and the channel takes its
// messages. It posts nothing that a person can see. The error is a Refusal where Slack says no;
// its Needed are all the scopes that the bot lacks.
func (s *Slack) Check(ctx context.Context) error {
	bot, err := s.Bot(ctx)
	if err == nil {
		err = bot.CheckScopes()
	}
	if err == nil {
		err = bot.CheckChannel(ctx)
	}
	return err
}

// Bot is whose the token is, as Slack says.
type Bot struct {
	Name, Team string

	slack  *Slack
	user   string
	scopes []string
	named  bool // Slack has named the scopes
}

// Bot asks Slack whose the token is. The error is a Refusal where the token is not valid.
func (s *Slack) Bot(ctx context.Context) (Bot, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	answer, err := s.client.AuthTestContext(ctx)
	if err != nil {
		return Bot{}, fmt.Errorf("check the bot token in Slack: %w", s.sanitize(err))
	}
	b := Bot{Name: answer.User, Team: answer.Team, slack: s, user: answer.UserID}
	b.scopes, b.named = scopesOf(answer.Header)
	return b, nil
}

// CheckScopes returns a Refusal that names the scopes that the bot lacks, or nil.
func (b Bot) CheckScopes() error {
	if missing := missing(b.scopes); b.named && len(missing) > 0 {
		return fmt.Errorf("check the scopes in Slack: %w", Refusal{Code: "missing_scope", Needed: strings.Join(missing, ", ")})
	}
	return nil
}

// CheckChannel asks Slack whether the channel takes the bot's messages, and returns a Refusal where it
// does not.
func (b Bot) CheckChannel(ctx context.Context) error {
	if slices.Contains(b.scopes, scopePublic) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.slack.Limit)
	defer cancel()
	return b.slack.checkChannel(ctx, b.user)
}

// CheckApp asks Slack whether the token of an app opens connections of Socket Mode, and opens none. The
// error is a Refusal where it does not. apiURL and client are as for New.
func CheckApp(ctx context.Context, token, apiURL string, client *http.Client) error {
	s := New(token, apiURL, "", client)
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	slack.OptionAppLevelToken(s.token)(s.client)
	if _, _, err := s.client.StartSocketModeContext(ctx); err != nil {
		return fmt.Errorf("check the app token in Slack: %w", s.sanitize(err))
	}
	return nil
}

// scopesOf returns the scopes that an answer of Slack names, or false if it names none.
func scopesOf(h http.Header) (scopes []string, named bool) {
	for _, name := range strings.Split(h.Get("X-OAuth-Scopes"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			scopes = append(scopes, name)
		}
	}
	return scopes, len(scopes) > 0
}

func missing(scopes []string) []string {
	return slices.DeleteFunc([]string{scopePost, scopeUsers, scopeEmail}, func(needed string) bool { return slices.Contains(scopes, needed) })
}

// checkChannel posts a message that only the bot itself can see. Slack has no other question about
// a channel that needs no further scope.
func (s *Slack) checkChannel(ctx context.Context, bot string) error {
	if !userID.MatchString(bot) {
		return nil
	}
	m := plainMessage("Beansprout can post here.")
	_, err := s.client.PostEphemeralContext(ctx, s.channel, bot, m.options([]slack.MsgOption{slack.MsgOptionDisableMarkdown()})...)
	if err == nil {
		return nil
	}
	err = s.sanitize(err)
	r, refused := err.(Refusal)
	if !refused {
		return fmt.Errorf("check the channel %s in Slack: %w", s.channel, err)
	}
	switch r.Code {
	case "user_not_in_channel":
		r.Code = "not_in_channel"
	case "not_in_channel", "channel_not_found", "is_archived", "missing_scope", "restricted_action":
	default: // whether the bot may see it says nothing about the channel
		return nil
	}
	return fmt.Errorf("check the channel %s in Slack: %w", s.channel, r)
}
