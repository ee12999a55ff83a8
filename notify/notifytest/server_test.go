package notifytest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// call makes one request and returns the error code of its answer, "" for none.
func call(t *testing.T, s *Server, method string, form ...string) (code, timestamp string) {
	t.Helper()
	values := url.Values{"token": {Token}, "channel": {"#qa"}, "text": {"hello"}}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	resp, err := http.PostForm(s.URL+method, values)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Error, TS string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Error, answer.TS
}

func TestServerRefusesWhatSlackRefuses(t *testing.T) {
	s := New()
	defer s.Close()
	text := func(kind string, n int) string {
		return `{"type":"` + kind + `","text":"` + strings.Repeat("x", n) + `"}`
	}
	for _, tt := range []struct {
		want, method string
		form         []string
	}{
		{"", "chat.postMessage", nil},
		{"not_authed", "chat.postMessage", []string{"token", ""}},
		{"invalid_auth", "chat.postMessage", []string{"token", "xoxb-other"}},
		{"unknown_method", "chat.delete", nil},
		{"channel_not_found", "chat.postMessage", []string{"channel", ""}},
		{"channel_not_found", "chat.update", []string{"ts", "1700000000.000001"}},
		{"message_not_found", "chat.update", []string{"channel", "C000000001", "ts", "1.1"}},
		{"no_text", "chat.postMessage", []string{"text", ""}},
		{"msg_too_long", "chat.postMessage", []string{"text", strings.Repeat("x", 4001)}},
		{"invalid_blocks_format", "chat.postMessage", []string{"blocks", "{"}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"header","text":` + text("plain_text", 151) + `}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"header","text":` + text("mrkdwn", 1) + `}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"section","text":` + text("mrkdwn", 3001) + `}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"section","fields":[` + text("mrkdwn", 2001) + `]}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"section","text":` + text("mrkdwn", 0) + `}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"section"}]`}},
		{"invalid_blocks", "chat.postMessage", []string{"blocks", `[{"type":"marquee"}]`}},
		{"", "chat.postMessage", []string{"blocks", `[{"type":"section","text":` + text("mrkdwn", 3000) + `}]`}},
	} {
		if got, _ := call(t, s, tt.method, tt.form...); got != tt.want {
			t.Errorf("%s %.80q: got %q, want %q", tt.method, tt.form, got, tt.want)
		}
	}
}

func TestServerKeepsMessagesAndThreadsApart(t *testing.T) {
	s := New()
	defer s.Close()
	_, first := call(t, s, "chat.postMessage")
	_, second := call(t, s, "chat.postMessage", "channel", "#other")
	call(t, s, "chat.postMessage", "thread_ts", first, "text", "reply")
	call(t, s, "chat.update", "channel", "C000000002", "ts", second, "text", "changed")
	all := s.Messages()
	if len(all) != 2 || all[0].Channel == all[1].Channel {
		t.Fatalf("got %+v", all)
	}
	reply := all[0].Replies[0]
	call(t, s, "chat.update", "channel", reply.Channel, "ts", reply.Timestamp, "text", "reply, changed")
	call(t, s, "chat.postMessage", "thread_ts", reply.Timestamp, "text", "a reply to a reply")
	if all = s.Messages(); len(all) != 3 || all[0].Replies[0].Text != "reply, changed" || all[0].Replies[0].Thread != first || reply.Text != "reply" {
		t.Fatalf("got %+v", all)
	}
	s.Delete(all[2].Timestamp)
	if all[0].Replies[0].Text != "reply, changed" || all[1].Text != "changed" || all[1].Updates != 1 {
		t.Errorf("got %+v", all)
	}
	s.Delete(first)
	call(t, s, "chat.postMessage", "thread_ts", first, "text", "orphan")
	if all = s.Messages(); len(all) != 2 || all[1].Text != "orphan" {
		t.Errorf("a reply without its parent is a message: got %+v", all)
	}
}

func TestServerRefusesButtonsThatSlackRefuses(t *testing.T) {
	s := New()
	defer s.Close()
	button := func(label, id, value, more string) string {
		return `{"type":"button","text":{"type":"plain_text","text":"` + label + `"},"action_id":"` + id + `","value":"` + value + `"` + more + `}`
	}
	confirm := func(title string) string {
		text := func(s string) string { return `{"type":"plain_text","text":"` + s + `"}` }
		return `,"confirm":{"title":` + text(title) + `,"text":` + text("x") + `,"confirm":` + text("y") + `,"deny":` + text("n") + `}`
	}
	x := strings.Repeat
	for name, tt := range map[string]struct{ elements, want string }{
		"one":             {button("Go", "go", "v", ""), ""},
		"two":             {button("Go", "go", "v", "") + "," + button("Go", "stay", "v", ""), ""},
		"the same id":     {button("Go", "go", "v", "") + "," + button("Go", "go", "v", ""), "invalid_blocks"},
		"no id":           {button("Go", "", "v", ""), "invalid_blocks"},
		"a long id":       {button("Go", x("i", 256), "v", ""), "invalid_blocks"},
		"no label":        {button("", "go", "v", ""), "invalid_blocks"},
		"a long label":    {button(x("l", 76), "go", "v", ""), "invalid_blocks"},
		"the most":        {button(x("l", 75), x("i", 255), x("v", 2000), ""), ""},
		"a long value":    {button("Go", "go", x("v", 2001), ""), "invalid_blocks"},
		"a style":         {button("Go", "go", "v", `,"style":"danger"`), ""},
		"a strange style": {button("Go", "go", "v", `,"style":"red"`), "invalid_blocks"},
		"a confirmation":  {button("Go", "go", "v", confirm("Sure?")), ""},
		"a long title":    {button("Go", "go", "v", confirm(x("t", 101))), "invalid_blocks"},
		"no button":       {`{"type":"overflow"}`, "invalid_blocks"},
		"none":            {"", "invalid_blocks"},
	} {
		if got, _ := call(t, s, "chat.postMessage", "blocks", `[{"type":"actions","elements":[`+tt.elements+`]}]`); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	for elements, want := range map[string]string{
		`{"type":"mrkdwn","text":"x"}`: "", `{"type":"mrkdwn","text":""}`: "invalid_blocks", `{"type":"button","text":"x"}`: "invalid_blocks", "": "invalid_blocks",
	} {
		if got, _ := call(t, s, "chat.postMessage", "blocks", `[{"type":"context","elements":[`+elements+`]}]`); got != want {
			t.Errorf("context of %s: got %q, want %q", elements, got, want)
		}
	}
}
