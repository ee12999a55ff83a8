package notifytest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestUsersAreFoundByTheirAddress(t *testing.T) {
	s := New()
	defer s.Close()
	s.AddUser(kim)
	s.AddUser(User{ID: "U0NOBODY"})
	for email, want := range map[string]string{"kim@example.com": "", "KIM@example.com": "", "lee@example.com": "users_not_found", "": "users_not_found"} {
		if got, _ := call(t, s, "users.lookupByEmail", "email", email); got != want {
			t.Errorf("%q: got %q, want %q", email, got, want)
		}
	}
}

func TestAMethodWithoutItsScopeIsRefused(t *testing.T) {
	s := New()
	defer s.Close()
	s.SetScopes("users:read")
	for method, needed := range map[string]string{"chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.postEphemeral": "chat:write", "users.lookupByEmail": "users:read.email"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(url.Values{"token": {Token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.serve(w, r)
		if body := w.Body.String(); !strings.Contains(body, `"missing_scope"`) || !strings.Contains(body, `"needed":"`+needed+`"`) || w.Header().Get("X-OAuth-Scopes") != "users:read" {
			t.Errorf("%s: got %v %s", method, w.Header(), body)
		}
	}
	if got, _ := call(t, s, "auth.test"); got != "" {
		t.Errorf("auth.test: got %q", got)
	}
}

func TestNothingIsPostedWhereTheBotIsNot(t *testing.T) {
	s := New()
	defer s.Close()
	s.AddUser(kim)
	s.RemoveBot("#qa")
	for _, tt := range []struct{ method, user, channel, want string }{
		{"chat.postMessage", "", "#qa", "not_in_channel"},
		{"chat.postMessage", "", "#ops", ""},
		{"chat.postEphemeral", kim.ID, "#qa", "not_in_channel"},
		{"chat.postEphemeral", BotUser, "#qa", "user_not_in_channel"},
		{"chat.postEphemeral", kim.ID, "#ops", ""},
		{"chat.postEphemeral", BotUser, "#ops", ""},
		{"chat.postEphemeral", "U0STRANGER", "#ops", "user_not_in_channel"},
	} {
		if got, _ := call(t, s, tt.method, "channel", tt.channel, "user", tt.user); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
	if m, e := s.Messages(), s.Ephemerals(); len(m) != 1 || len(e) != 2 || e[0].User != kim.ID {
		t.Errorf("got %+v and %+v", m, e)
	}
}

func TestPostsAreLimitedPerChannel(t *testing.T) {
	s := New()
	defer s.Close()
	s.LimitPosts(time.Minute)
	post := func(channel string) (status int, after string) {
		resp, err := http.PostForm(s.URL+"chat.postMessage", url.Values{"token": {Token}, "channel": {channel}, "text": {"hello"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for _, tt := range []struct {
		channel, after string
		status         int
	}{{"#qa", "", 200}, {"#qa", "60", 429}, {"#ops", "", 200}, {"C000000001", "60", 429}} {
		if status, after := post(tt.channel); status != tt.status || after != tt.after {
			t.Errorf("%s: got %d and %q, want %+v", tt.channel, status, after, tt)
		}
	}
	limited := 0
	for _, c := range s.Calls("chat.postMessage") {
		if c.Error == "ratelimited" {
			limited++
		}
	}
	if limited != 2 || len(s.Messages()) != 2 {
		t.Errorf("%d calls were limited and %d messages posted, want 2 and 2", limited, len(s.Messages()))
	}
}

func TestAnAnswerIsLostAfterTheServerActed(t *testing.T) {
	for name, answer := range map[string]Answer{"lost": ActThen(HangUp()), "half": Half(), "an error": ActThen(Body(500, "x"))} {
		s := New()
		s.On("chat.postMessage", answer)
		resp, err := http.PostForm(s.URL+"chat.postMessage", url.Values{"token": {Token}, "channel": {"#qa"}, "text": {"hello"}})
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) == (name == "lost") || len(s.Messages()) != 1 {
			t.Errorf("%s: got %v and %d messages", name, err, len(s.Messages()))
		}
		if got, _ := call(t, s, "auth.test"); got != "" {
			t.Errorf("%s: another method answers %q", name, got)
		}
		s.Close()
	}
}
