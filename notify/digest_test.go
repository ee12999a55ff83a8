package notify

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"beansprout/notify/notifytest"
)

func sweep() Sweep {
	return Sweep{
		Application: "shop", Region: "us-east-1",
		Removed:  []Outcome{{Application: "shop", Feature: "feature/login", Reason: "its 5 days are over", Receipt: "removed environment e-1; kept version `v<1>`: restore needs it"}},
		Failed:   []Outcome{{Application: "shop", Feature: "search", Reason: "terminate: <Throttling> & co"}},
		Warned:   []Outcome{{Application: "shop", Feature: "basket"}},
		Retained: []Outcome{{Application: "shop", Environment: "shop-x-abcdefghij", Reason: "its tags can't be read"}},
	}
}

func TestDigestAndAlertMatchTheGoldenFiles(t *testing.T) {
	matchGolden(t, "digest", golden(digest(sweep())))
	matchGolden(t, "alert", golden(alert(Alert{Region: "us-east-1", Reason: "12 of 20 environments are due", Hint: "look at the list, then raise the limit"})))
}

func TestOnlyASweepThatDidSomethingHasADigest(t *testing.T) {
	for name, tt := range map[string]struct {
		sweep Sweep
		want  int
	}{
		"nothing":   {Sweep{}, 0},
		"only kept": {Sweep{Retained: sweep().Retained}, 0},
		"removed":   {Sweep{Removed: sweep().Removed}, 1},
		"failed":    {Sweep{Failed: sweep().Failed}, 1},
		"warned":    {Sweep{Warned: sweep().Warned}, 1},
		"all of it": {sweep(), 1},
	} {
		server, s := start(t)
		if err := s.Digest(t.Context(), tt.sweep); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(server.Messages()); n != tt.want {
			t.Errorf("%s: %d messages, want %d", name, n, tt.want)
		}
	}
}

func TestADigestOfManyIsBounded(t *testing.T) {
	server, s := start(t)
	many := Sweep{Region: "us-east-1"}
	long := strings.Repeat("<&> ", 1000)
	for i := range 10_000 {
		o := Outcome{Application: "shop", Feature: fmt.Sprint("feature/", i), Reason: "its days are over"}
		many.Removed = append(many.Removed, o)
		o.Reason = long
		many.Failed, many.Retained, many.Warned = append(many.Failed, o), append(many.Retained, o), append(many.Warned, o)
	}
	if err := s.Digest(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	m := server.Messages()[0]
	for _, want := range []string{"10000 removed", "10000 failed", "feature/19`", "… and 9980 more"} {
		if !strings.Contains(m.Text+string(m.Blocks), want) {
			t.Errorf("%q is missing in %.300s", want, m.Text+string(m.Blocks))
		}
	}
	if strings.Contains(string(m.Blocks), "feature/20`") {
		t.Error("it has more than 20 of a kind")
	}
}

var (
	digestRest = regexp.MustCompile("^([🧹🛑] Sweep[a-z0-9,: ]*: )?(All applications|all applications|\x01)( in \x01)?$")
	listRest   = regexp.MustCompile("^\\*(Failed|Removed|Warned|Kept)\\*(\n• \x01( of \x01)?(: \x01)?(\n        \x01)?)+(\n… and \\d+ more)?$")
	alertRest  = regexp.MustCompile("^(\x01|What to do: \x01)$")
)

func TestDigestsAndAlertsAreHarmlessWhateverTheNamesAre(t *testing.T) {
	for _, s := range hostile {
		o := []Outcome{{s, s, s, s, s}, {s, "login", s, s, s}}
		checkHarmlessSweep(t, digest(Sweep{Application: s, Region: s, Removed: o, Failed: o, Warned: o, Retained: o}))
		checkHarmlessSweep(t, digest(Sweep{Removed: o}))
		checkHarmlessSweep(t, alert(Alert{Application: s, Region: s, Reason: s, Hint: s}))
	}
}

func checkHarmlessSweep(t *testing.T, m message) {
	t.Helper()
	if rest := checkText(t, m.line, 4000); !digestRest.MatchString(rest) {
		t.Errorf("the notification has more than code: %q", m.line)
	}
	for i, b := range m.blocks {
		if i == 0 {
			checkPlain(t, b.(*slack.HeaderBlock).Text, maxHeader)
			continue
		}
		text := b.(*slack.SectionBlock).Text
		rest := checkText(t, text.Text, maxText)
		if !text.Verbatim || !digestRest.MatchString(rest) && !listRest.MatchString(rest) && !alertRest.MatchString(rest) {
			t.Errorf("the section has more than code: %q", text.Text)
		}
	}
}

func TestAnAlertIsPosted(t *testing.T) {
	server, s := start(t)
	if err := s.Alert(t.Context(), Alert{Application: "shop", Reason: "a page failed"}); err != nil {
		t.Fatal(err)
	}
	all := server.Messages()
	if len(all) != 1 || !strings.Contains(all[0].Text, "nothing was removed") || !strings.Contains(string(all[0].Blocks), "a page failed") {
		t.Errorf("got %+v", all)
	}
	server.RemoveBot("#qa")
	if err := s.Alert(t.Context(), Alert{}); err == nil || !strings.Contains(err.Error(), "not_in_channel") {
		t.Errorf("got %v", err)
	}
}

func TestAReplyIsPlainTextInTheThread(t *testing.T) {
	for _, text := range hostile {
		if oneLine(text) == "" {
			continue
		}
		server, s := start(t)
		server.AddUser(kim)
		ref := announce(t, s, Ref{}, login(Ready))
		ref.Seal, ref.Posted = "", ""
		if err := s.Reply(t.Context(), ref, text); err != nil {
			t.Fatal(err)
		}
		if err := s.Whisper(t.Context(), ref, kim.ID, text); err != nil {
			t.Fatal(err)
		}
		for _, m := range append(server.Messages()[0].Replies, server.Ephemerals()...) {
			checkText(t, m.Text, 4000)
			if m.Form.Get("mrkdwn") != "false" || strings.ContainsAny(m.Text, "<>@\n") || !strings.Contains(string(m.Blocks), slack.PlainTextType) {
				t.Errorf("%q is posted as %v", text, m.Form)
			}
		}
		if r, e := server.Messages()[0].Replies, server.Ephemerals(); len(r) != 1 || len(e) != 1 || e[0].User != kim.ID || e[0].Channel != ref.Channel {
			t.Errorf("replies %+v, whispers %+v", r, e)
		}
	}
}

func TestARefOfAPressIsCheckedBeforeAReply(t *testing.T) {
	server, s := start(t)
	good := Ref{Channel: "C000000001", Timestamp: "1700000000.000001"}
	for _, ref := range []Ref{{}, {Channel: "#qa", Timestamp: good.Timestamp}, {Channel: good.Channel, Timestamp: "x"}} {
		if s.Reply(t.Context(), ref, "no") == nil || s.Whisper(t.Context(), ref, kim.ID, "no") == nil || s.Settle(t.Context(), ref, "no") == nil {
			t.Errorf("%v is taken", ref)
		}
	}
	for _, user := range []string{"", "kim", "U1&channel=C1", "C012"} {
		if s.Whisper(t.Context(), good, user, "no") == nil {
			t.Errorf("the user %q is taken", user)
		}
	}
	if server.Requests() != 0 {
		t.Errorf("%d requests, want none", server.Requests())
	}
}

func TestTheTestMessageHasAButtonUntilItIsSettled(t *testing.T) {
	server, s := start(t)
	ref, b, err := s.Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	buttons := server.Messages()[0].Buttons()
	if len(buttons) != 1 {
		t.Fatalf("%d buttons, want 1", len(buttons))
	}
	if got, err := s.ParseButton(buttons[0].Value); err != nil || got != b || b.Action != ActionTest || b.Token == "" {
		t.Errorf("the button says %+v (%v), want %+v", got, err, b)
	}
	if err := s.Settle(t.Context(), ref, "It works: Kim's press came back."); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages()[0]; len(m.Buttons()) != 0 || !strings.Contains(m.Text, "came back") {
		t.Errorf("got %+v", m)
	}
	server.Always(notifytest.Refuse("fatal_error"))
	s.Limit = time.Second
	if _, _, err := s.Test(t.Context()); err == nil {
		t.Error("no error")
	}
	if err := s.Settle(t.Context(), ref, "x"); err == nil {
		t.Error("no error")
	}
}
