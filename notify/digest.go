package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

// Sweep is what one sweep of the janitor did.
type Sweep struct {
	Application string // "" for all applications
	Region      string
	Removed     []Outcome
	Failed      []Outcome
	Warned      []Outcome
	Retained    []Outcome // what is due, or would be, and was not removed
}

// Outcome is what a sweep did with one environment.
type Outcome struct {
	Application string
	Feature     string
	Environment string // its name; shown where the feature is not known
	Reason      string
	Receipt     string // what was taken away and what stays; "" where nothing was
}

// maxOutcomes is how many environments of one kind a digest names.
const maxOutcomes = 20

// Digest posts one message about a sweep that removed, warned or failed, with what it kept and why.
// It posts nothing about any other.
func (s *Slack) Digest(ctx context.Context, sweep Sweep) error {
	if len(sweep.Removed)+len(sweep.Failed)+len(sweep.Warned) == 0 {
		return nil
	}
	return s.say(ctx, "post the digest", digest(sweep))
}

func digest(sweep Sweep) message {
	kinds := []struct {
		label    string
		outcomes []Outcome
	}{{"failed", sweep.Failed}, {"removed", sweep.Removed}, {"warned", sweep.Warned}, {"kept", sweep.Retained}}
	var counts []string
	for _, k := range kinds {
		if len(k.outcomes) > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", len(k.outcomes), k.label))
		}
	}
	m := headed("🧹 Sweep: "+strings.Join(counts, ", "), sweep.Application, sweep.Region)
	for _, k := range kinds {
		if len(k.outcomes) > 0 {
			m.add("*" + strings.ToUpper(k.label[:1]) + k.label[1:] + "*\n" + list(k.outcomes, sweep.Application == ""))
		}
	}
	return m
}

// list returns one line for each outcome, as many as one text may have.
func list(outcomes []Outcome, applications bool) string {
	const more = 40 // characters for what is left out
	var lines []string
	left := maxText - 2*more
	for i, o := range outcomes {
		line := outcomeLine(o, applications)
		if left -= size(line) + 1; left < 0 || i == maxOutcomes {
			lines = append(lines, fmt.Sprintf("… and %d more", len(outcomes)-i))
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func outcomeLine(o Outcome, applications bool) string {
	const nameLimit, reasonLimit, receiptLimit = 100, 300, 500
	name := o.Feature
	if oneLine(name) == "" {
		name = o.Environment
	}
	line := "• " + code(name, nameLimit)
	if applications && o.Application != "" {
		line += " of " + code(o.Application, nameLimit)
	}
	if oneLine(o.Reason) != "" {
		line += ": " + code(o.Reason, reasonLimit)
	}
	if oneLine(o.Receipt) != "" {
		line += "\n        " + code(o.Receipt, receiptLimit)
	}
	return line
}

// Alert is that a sweep was refused as a whole, and removed nothing.
type Alert struct {
	Application string // "" for all applications
	Region      string
	Reason      string
	Hint        string // what to do
}

// Alert posts one message about a refused sweep.
func (s *Slack) Alert(ctx context.Context, a Alert) error {
	return s.say(ctx, "post the alert", alert(a))
}

func alert(a Alert) message {
	m := headed("🛑 Sweep refused: nothing was removed", a.Application, a.Region)
	if reason := codeBlock(a.Reason, maxText); reason != "" {
		m.add(reason)
	}
	if hint := known(a.Hint); hint != "" {
		m.add("What to do: " + hint)
	}
	return m
}

// headed begins a message about a sweep.
func headed(headline, application, region string) message {
	where := known(application)
	if where == "" {
		where = "all applications"
	}
	if r := known(region); r != "" {
		where += " in " + r
	}
	m := message{line: headline + ": " + where}
	m.blocks = []slack.Block{slack.NewHeaderBlock(plainText(headline, maxHeader))}
	m.add(strings.ToUpper(where[:1]) + where[1:])
	return m
}

// say posts a message to the channel of s.
func (s *Slack) say(ctx context.Context, what string, m message, how ...slack.MsgOption) error {
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	if _, err := s.post(ctx, s.channel, m, how...); err != nil {
		return fmt.Errorf("%s in Slack: %w", what, err)
	}
	return nil
}

// plainMessage is a text in which Slack reads no markup.
func plainMessage(text string) message {
	b := plainText(text, maxText)
	return message{blocks: []slack.Block{slack.NewSectionBlock(b, nil, nil)}, line: b.Text}
}

// Reply posts a text, in which Slack reads no markup, into the thread of the message at ref. It
// takes any message of the bot: ref needs no seal.
func (s *Slack) Reply(ctx context.Context, ref Ref, text string) error {
	if !valid(ref) {
		return errNoMessage
	}
	return s.In(ref.Channel).say(ctx, "reply", plainMessage(text), slack.MsgOptionTS(ref.Timestamp), slack.MsgOptionDisableMarkdown())
}

// Whisper shows a text, in which Slack reads no markup, to one user in the channel of the message
// at ref. Slack doesn't keep it.
func (s *Slack) Whisper(ctx context.Context, ref Ref, user, text string) error {
	if !valid(ref) || !userID.MatchString(user) {
		return errNoMessage
	}
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	options := plainMessage(text).options([]slack.MsgOption{slack.MsgOptionPostEphemeral(user), slack.MsgOptionDisableMarkdown()})
	if _, err := s.send(ctx, ref.Channel, options, s.limiter.whisper()); err != nil {
		return fmt.Errorf("whisper in Slack: %w", err)
	}
	return nil
}

var errNoMessage = errors.New("reply in Slack: the press names no message or no user")

// Test posts a message with one button, whose press proves that presses arrive, and returns where
// it is and what the button says. Settle ends it.
func (s *Slack) Test(ctx context.Context) (Ref, Button, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	b := Button{Action: ActionTest, Token: s.random()}
	value, err := s.SealButton(b)
	if err != nil {
		return Ref{}, b, err
	}
	m := plainMessage("🧪 A test: press the button to see whether presses arrive.")
	m.blocks = append(m.blocks, slack.NewActionBlock("", element(ActionTest, value, "")))
	ref, err := s.post(ctx, s.channel, m)
	if err != nil {
		return Ref{}, b, fmt.Errorf("post a test message in Slack: %w", err)
	}
	return ref, b, nil
}

// Settle replaces the message of Test by a text, in which Slack reads no markup, without a button.
func (s *Slack) Settle(ctx context.Context, ref Ref, text string) error {
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	if !valid(ref) {
		return errNoMessage
	}
	if err := s.update(ctx, ref, plainMessage(text)); err != nil {
		return fmt.Errorf("update a message in Slack: %w", err)
	}
	return nil
}
