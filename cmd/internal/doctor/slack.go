package doctor

import (
	"context"
	"errors"
	"net/http"

	"beansprout/notify"
)

// slackChecks are about Slack, as far as it is configured.
func (e *examination) slackChecks() []check {
	if e.slack == nil {
		return []check{{name: slackCheck, run: e.checkNoSlack}}
	}
	all := []check{
		{name: tokenCheck, run: e.checkToken},
		{name: scopesCheck, needs: []string{tokenCheck}, run: e.checkScopes},
		{name: channelCheck, needs: []string{tokenCheck}, run: e.checkChannel},
	}
	if e.Connector.Presses().AppToken != "" {
		all = append(all, check{name: appCheck, run: e.checkApp})
	}
	return all
}

func (e *examination) checkNoSlack(context.Context) Finding {
	if channel := e.cfg.Slack.Channel; channel != "" {
		return warn("slack.channel is "+channel+", and SLACK_BOT_TOKEN is not set: nothing is posted",
			"set SLACK_BOT_TOKEN to the token of the bot (xoxb-...); beansprout slack manifest prints what its app is made from")
	}
	return ok("not used: slack.channel is not set")
}

func (e *examination) checkToken(ctx context.Context) (f Finding) {
	var err error
	if e.bot, err = e.slack.Bot(ctx); err != nil {
		return slackFailure(ctx, err, "SLACK_BOT_TOKEN")
	}
	return ok("bot %s in %s", e.bot.Name, e.bot.Team)
}

func (e *examination) checkScopes(ctx context.Context) Finding {
	if err := e.bot.CheckScopes(); err != nil {
		return slackFailure(ctx, err, "SLACK_BOT_TOKEN")
	}
	return ok("all that it needs")
}

func (e *examination) checkChannel(ctx context.Context) Finding {
	err := e.bot.CheckChannel(ctx)
	if refused, ok := errors.AsType[notify.Refusal](err); ok && refused.Code == "missing_scope" {
		return Finding{State: Unchecked, Text: "it needs the scope " + refused.Needed}
	}
	if err != nil {
		return slackFailure(ctx, err, "SLACK_BOT_TOKEN")
	}
	return ok("%s takes messages", e.channel())
}

func (e *examination) channel() string {
	if e.cfg.File == "" {
		return e.Getenv("BEANSPROUT_SLACK_CHANNEL")
	}
	return e.cfg.Slack.Channel
}

func (e *examination) checkApp(ctx context.Context) Finding {
	p := e.Connector.Presses()
	if err := notify.CheckApp(ctx, p.AppToken, p.API, &http.Client{}); err != nil {
		return slackFailure(ctx, err, "SLACK_APP_TOKEN")
	}
	return ok("opens connections for the buttons")
}

// slackFailure is the finding where Slack refuses the token that the variable has, or what it is for.
func slackFailure(ctx context.Context, err error, variable string) Finding {
	refused, isRefusal := errors.AsType[notify.Refusal](err)
	if !isRefusal {
		return broken(ctx, err)
	}
	text := "Slack answers " + refused.Code
	switch refused.Code {
	case "missing_scope":
		if variable == "SLACK_APP_TOKEN" {
			return fail(text, "make an app-level token with the scope connections:write at https://api.slack.com/apps, and set "+variable+" to it")
		}
		return fail("the bot lacks "+refused.Needed, "add the scopes at https://api.slack.com/apps under OAuth & Permissions, and install the app again")
	case "not_in_channel":
		return fail("the bot is not in the channel", "/invite the bot in the channel")
	case "channel_not_found", "is_archived", "restricted_action":
		return fail(text, refused.Error())
	}
	kind := "the bot (xoxb-...)"
	if variable == "SLACK_APP_TOKEN" {
		kind = "the app (xapp-...)"
	}
	return fail(text, "set "+variable+" to the token of "+kind+", from https://api.slack.com/apps")
}
