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
	if len(all[0].Replies) != 1 || all[0].Replies[0].Text != "reply" || all[1].Text != "changed" || all[1].Updates != 1 {
		t.Errorf("got %+v", all)
	}
	s.Delete(first)
	call(t, s, "chat.postMessage", "thread_ts", first, "text", "orphan")
	if all = s.Messages(); len(all) != 2 || all[1].Text != "orphan" {
		t.Errorf("a reply without its parent is a message: got %+v", all)
	}
}
