package notify

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// State is what an environment is doing, as far as its message goes.
type State string

// The states of a message.
const (
	Building State = "building"
	Ready    State = "ready"
	Failed   State = "failed"
	Removed  State = "removed"
)

// title returns the word that a message begins with.
func (s State) title() string {
	switch s {
	case Building:
		return "🔨 Building"
	case Ready:
		return "✅ Ready"
	case Failed:
		return "❌ Failed"
	case Removed:
		return "🍂 Removed"
	}
	return "Unknown"
}

// Post is what there is to tell about one environment. What is empty is left out.
type Post struct {
	State       State
	Application string
	Feature     string
	Commit      string
	Owner       string
	URL         string    // of the environment
	BuildURL    string    // of the CI's page about the build
	Expires     time.Time // when its days are over
	Reason      string    // of a failure or a removal, with the tail of the log; many lines
}

// What Slack takes: 150 characters in a header, 3,000 in a text, 2,000 in a field (Block
// Kit reference). Each value has its share, so that no sum comes near.
const (
	maxHeader = 150
	maxText   = 3000
	maxValue  = 400
)

// text returns the message that tells p: blocks for the screen, and the one line that
// notifications and screen readers show. Nothing in p can mention, link, format or break
// out: foreign words stand in code, where Slack knows no markup, with &<> escaped, and
// the header is plain text.
func text(p Post) (blocks []slack.Block, fallback string) {
	feature := code(p.Feature, maxValue)
	fallback = p.State.title() + ": " + feature
	address := ""
	if p.URL != "" && p.State != Removed {
		address = link(p.URL, "")
		fallback += " " + address
	}
	blocks = []slack.Block{slack.NewHeaderBlock(plainText(p.State.title() + ": " + p.Feature))}
	if address != "" {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(address), nil, nil))
	}
	blocks = append(blocks, slack.NewSectionBlock(nil, fields(p), nil))
	if reason := codeBlock(p.Reason, maxText); reason != "" {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(reason), nil, nil))
	}
	return blocks, fallback
}

// fields returns the particulars of p. The feature's is always there: the header's may
// be cut, and a section must not be empty.
func fields(p Post) (all []*slack.TextBlockObject) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, mrkdwn("*"+label+"*\n"+value))
		}
	}
	known := func(s string) string {
		if oneLine(s) == "" {
			return ""
		}
		return code(s, maxValue)
	}
	add("Feature", code(p.Feature, maxValue))
	add("Application", known(p.Application))
	add("Commit", known(short(p.Commit)))
	add("By", known(p.Owner))
	if p.State != Removed {
		add("Until", date(p.Expires))
	}
	if p.BuildURL != "" {
		add("Build", link(p.BuildURL, "open"))
	}
	return all
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

// plainText writes @ as its full-width twin, so that even a Slack that looks for names in
// plain text finds none.
func plainText(s string) *slack.TextBlockObject {
	s = strings.ReplaceAll(oneLine(s), "@", "＠")
	return slack.NewTextBlockObject(slack.PlainTextType, escape(fit(s, maxHeader)), false, false)
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// short returns the first seven characters of a commit's hash.
func short(commit string) string {
	if fullCommit.MatchString(commit) {
		return commit[:7]
	}
	return commit
}

// date writes an instant so that everybody reads it in their own time zone.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}
