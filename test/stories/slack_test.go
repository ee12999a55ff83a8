package stories

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/notify/notifytest"
)

// kim presses the buttons of stories, and makes their commits.
var kim = notifytest.User{ID: "U0KIM00000", Name: "kim", Email: "kim@example.com"}

// slack start | fail | hang | recover: what the story's Slack does.
// slack scopes SCOPE...: what its token may do. slack expel CHANNEL: its bot is no longer there.
// slack messages N | replies N | text TEXT: what stands in it.
// slack shows LINE TEXT...: waits until a message whose line has LINE has the texts.
// slack thread LINE TEXT...: waits until its replies have the texts, in this order.
// slack press LINE ACTION: Kim presses a button of it, as soon as it is there.
// slack again: Kim presses the same button once more, as she saw it.
func slackCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(storyKey{}).(*story)
	switch args[0] {
	case "start":
		s.slack = notifytest.New()
		s.slack.AddUser(kim)
		ts.Setenv("BEANSPROUT_SLACK_API_URL", s.slack.URL)
		ts.Setenv("SLACK_BOT_TOKEN", notifytest.Token)
		ts.Setenv("SLACK_APP_TOKEN", notifytest.AppToken)
	case "fail":
		s.slack.Always(notifytest.Refuse("fatal_error"))
	case "hang":
		s.slack.Always(notifytest.Hang())
	case "recover":
		s.slack.Always(nil)
	case "scopes":
		s.slack.SetScopes(args[1:]...)
	case "expel":
		s.slack.RemoveBot(args[1])
	case "shows", "thread", "press", "again":
		if neg || len(args) < 3 && args[0] != "again" {
			ts.Fatalf("usage: slack shows LINE TEXT... | thread LINE TEXT... | press LINE ACTION | again")
		}
		waitForSlack(ts, s, args)
	default:
		checkSlack(ts, neg, s.slack.Messages(), args)
	}
}

func checkSlack(ts *testscript.TestScript, neg bool, messages []notifytest.Message, args []string) {
	replies := 0
	for _, m := range messages {
		replies += len(m.Replies)
	}
	ok := map[string]func() bool{
		"messages": func() bool { return strconv.Itoa(len(messages)) == args[1] },
		"replies":  func() bool { return strconv.Itoa(replies) == args[1] },
		"text":     func() bool { return strings.Contains(transcript(messages), args[1]) },
	}[args[0]]()
	if ok == neg {
		ts.Fatalf("slack %s: %v; it has %d messages, %d replies:\n%s", strings.Join(args, " "), ok, len(messages), replies, transcript(messages))
	}
}

// waitForSlack tries a command until it succeeds.
func waitForSlack(ts *testscript.TestScript, s *story, args []string) {
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(20 * time.Millisecond) {
		err := s.trySlack(args)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("slack %s: %v; it has:\n%s", strings.Join(args, " "), err, transcript(s.slack.Messages()))
		}
	}
}

func (s *story) trySlack(args []string) error {
	if args[0] == "again" {
		_, err := s.slack.Send(s.pressed)
		return err
	}
	messages := s.slack.Messages()
	i := slices.IndexFunc(messages, func(m notifytest.Message) bool { return strings.Contains(m.Text, args[1]) })
	if i < 0 {
		return errors.New("there is no such message")
	}
	switch m := messages[i]; args[0] {
	case "shows":
		return has([]notifytest.Message{m}, args[2:], false)
	case "thread":
		return has(m.Replies, args[2:], true)
	default:
		return s.press(m, args[2])
	}
}

// has reports an error unless the texts are in messages, each in a later one than the text before if
// they are in order.
func has(messages []notifytest.Message, texts []string, inOrder bool) error {
	for _, text := range texts {
		i := slices.IndexFunc(messages, func(m notifytest.Message) bool { return strings.Contains(content(m), text) })
		if i < 0 {
			return fmt.Errorf("it lacks %q", text)
		}
		if inOrder {
			messages = messages[i+1:]
		}
	}
	return nil
}

func (s *story) press(m notifytest.Message, action string) error {
	i := slices.IndexFunc(m.Buttons(), func(b notifytest.Button) bool { return b.Action == action })
	if i < 0 {
		return fmt.Errorf("it has no button %q", action)
	}
	s.pressed = notifytest.Payload(m, action, m.Buttons()[i].Value, kim)
	_, err := s.slack.Send(s.pressed)
	return err
}

// transcript returns all that stands in Slack.
func transcript(messages []notifytest.Message) string {
	var all strings.Builder
	for _, m := range messages {
		fmt.Fprintln(&all, content(m))
		for _, reply := range m.Replies {
			fmt.Fprintln(&all, "    "+content(reply))
		}
	}
	return all.String()
}

// content returns a message's line and blocks, with the characters < > & as they are.
func content(m notifytest.Message) string {
	var text bytes.Buffer
	fmt.Fprintln(&text, m.Text)
	var blocks any
	if json.Unmarshal(m.Blocks, &blocks) == nil {
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		_ = e.Encode(blocks)
	}
	return text.String()
}
