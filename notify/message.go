package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"beansprout/envs"
	"beansprout/pattern"
)

// State is the state of an environment in its message.
type State = envs.NewsState

// The states of a message.
const (
	Building = envs.NewsBuilding
	Ready    = envs.NewsReady
	Failed   = envs.NewsFailed
	Expiring = envs.NewsExpiring
	Removed  = envs.NewsRemoved

	moved State = "moved" // the message continues in another channel
)

// title returns the beginning of a message.
func title(s State) string {
	switch s {
	case Building:
		return "🔨 Building"
	case Ready:
		return "✅ Ready"
	case Failed:
		return "❌ Failed"
	case Expiring:
		return "⏳ Expiring"
	case Removed:
		return "🍂 Removed"
	case moved:
		return "➡️ Moved"
	}
	return "Unknown"
}

// Post is the news about one environment. Empty fields are left out.
type Post = envs.News

// movedTo is the last text of a message that continues in another channel.
func movedTo(p Post, channel string) message {
	return living(Post{State: moved, Application: p.Application, Feature: p.Feature, Reason: "what is new is told in " + channel}, nil)
}

// Slack's limits in characters (Block Kit reference). maxValue limits one value, so that no text of
// several reaches them.
const (
	maxHeader        = 150
	maxText          = 3000
	maxLabel         = 75
	maxConfirmTitle  = 100
	maxConfirmText   = 300
	maxConfirmButton = 30
	maxValue         = 400
)

// living returns the message about p: the header and the section below it say what the reader
// should know or do, then come the details and the buttons. Nothing in p can mention, link or
// format: values are code, in which Slack reads no markup, with &<> escaped, or plain text.
func living(p Post, buttons slack.Block) message {
	m := message{line: title(p.State) + ": " + code(p.Feature, maxValue)}
	m.blocks = []slack.Block{slack.NewHeaderBlock(plainText(title(p.State)+": "+p.Feature, maxHeader))}
	if lead := lead(p); lead != "" {
		m.line += " " + strings.ReplaceAll(lead, "\n", " ")
		m.add(lead)
	}
	m.blocks = append(m.blocks, slack.NewSectionBlock(nil, fields(p), nil))
	if reason := codeBlock(p.Reason, maxText); reason != "" {
		m.add(reason)
	}
	if note := known(p.Note); note != "" {
		m.blocks = append(m.blocks, slack.NewContextBlock("", mrkdwn("Last: "+note)))
	}
	if buttons != nil {
		m.blocks = append(m.blocks, buttons)
	}
	return m
}

// add appends a paragraph of markup.
func (m *message) add(text string) {
	m.blocks = append(m.blocks, slack.NewSectionBlock(mrkdwn(text), nil, nil))
}

// lead returns what a reader of the message should know or do first.
func lead(p Post) string {
	var lines []string
	if p.URL != "" && p.State != Removed && p.State != moved {
		lines = []string{link(p.URL, "")}
	}
	switch p.State {
	case Building:
		if p.URL != "" {
			lines = append(lines, "Until the new version is ready, the earlier one serves there.")
		}
	case Failed:
		lines = append(lines, "The last deploy failed, see below. What ran before may still serve.")
	case Expiring:
		lines = append([]string{expiring(p)}, lines...)
	case Removed:
		if !p.Restorable.IsZero() {
			lines = append(lines, "It can be restored until "+date(p.Restorable)+".")
		}
	}
	return strings.Join(lines, "\n")
}

// expiring returns what a warning says.
func expiring(p Post) string {
	if p.Expires.IsZero() {
		return "It will be removed soon. Extend or protect it if you still need it."
	}
	return "It will be removed " + date(p.Expires) + ". Extend or protect it if you still need it."
}

// fields returns the fields of p. It always has the feature, because the header may be cut and a
// section must not be empty.
func fields(p Post) (all []*slack.TextBlockObject) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, mrkdwn("*"+label+"*\n"+value))
		}
	}
	add("Feature", code(p.Feature, maxValue))
	add("Application", known(p.Application))
	add("Commit", strings.TrimSpace(known(short(p.Commit))+" "+known(p.Subject)))
	add("By", known(p.Owner))
	switch {
	case p.State == Removed:
	case p.Protected != "":
		add("Protected", known(p.Protected))
	default:
		add("Until", date(p.Expires))
	}
	if p.BuildURL != "" {
		add("Build", link(p.BuildURL, "open"))
	}
	return all
}

// replies reports whether news are told in the thread of the message as well. A note says that
// something else than the state is new.
func replies(p Post) bool {
	switch p.State {
	case Failed, Expiring, Removed:
		return p.Note == ""
	case Ready:
		return p.Mended
	}
	return false
}

// reply returns what is told in the thread of the message about p. It mentions the owner.
func (s *Slack) reply(ctx context.Context, p Post) message {
	feature, mention := code(p.Feature, maxValue), s.mention(ctx, p.Email)
	lines := []string{}
	switch p.State {
	case Failed:
		lines = append(lines, "❌ The deploy of "+feature+" failed.")
	case Ready:
		lines = append(lines, "✅ "+feature+" works again.")
	case Expiring:
		lines = append(lines, "⏳ "+feature+": "+expiring(p))
	case Removed:
		lines = append(lines, "🍂 "+feature+" was removed.")
	}
	if more := lead(p); p.State != Failed && p.State != Expiring && more != "" {
		lines = append(lines, more)
	}
	m := message{line: mention + strings.Join(lines, " ")}
	m.add(mention + strings.Join(lines, "\n"))
	if reason := codeBlock(p.Reason, maxText); reason != "" {
		m.add(reason)
	}
	if p.State == Expiring {
		if buttons := s.actions(p); buttons != nil {
			m.blocks = append(m.blocks, buttons)
		}
	}
	return m
}

// known returns a value as code, "" if there is none.
func known(s string) string {
	if oneLine(s) == "" {
		return ""
	}
	return code(s, maxValue)
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

// plainText returns plain text of at most limit characters with a full-width @, so that Slack can't
// read a mention in it.
func plainText(s string, limit int) *slack.TextBlockObject {
	s = strings.ReplaceAll(oneLine(s), "@", "＠")
	return slack.NewTextBlockObject(slack.PlainTextType, escape(fit(s, limit)), false, false)
}

var fullCommit = pattern.New(`^[0-9a-f]{8,64}(\+dirty)?$`)

// short returns the first seven characters of a commit's hash.
func short(commit string) string {
	if fullCommit.MatchString(commit) {
		return envs.ShortCommit(commit, 7)
	}
	return commit
}

// date returns a time that Slack shows in each reader's time zone.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}
