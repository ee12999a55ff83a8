package notify

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"beansprout/notify/notifytest"
)

func TestCheckIsContentWithTheScopesOfTheManifest(t *testing.T) {
	server, s := start(t)
	var m slack.Manifest
	if err := yaml.Unmarshal([]byte(Manifest()), &m); err != nil {
		t.Fatal(err)
	}
	server.SetScopes(m.OAuthConfig.Scopes.Bot...)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if len(server.Messages()) != 0 {
		t.Error("people see that it was checked")
	}
	for _, e := range server.Ephemerals() {
		if e.User != notifytest.BotUser {
			t.Errorf("%s sees that it was checked", e.User)
		}
	}
}

func TestTheManifestHasAllThatSlackMustKnow(t *testing.T) {
	var m slack.Manifest
	if err := yaml.Unmarshal([]byte(Manifest()), &m); err != nil {
		t.Fatal(err)
	}
	if want := []string{"chat:write", "users:read", "users:read.email"}; !slices.Equal(m.OAuthConfig.Scopes.Bot, want) {
		t.Errorf("the scopes are %q, want %q", m.OAuthConfig.Scopes.Bot, want)
	}
	if !m.Settings.SocketModeEnabled || m.Settings.Interactivity == nil || !m.Settings.Interactivity.IsEnabled || m.Features.BotUser.DisplayName == "" || m.Display.Name == "" {
		t.Errorf("got %+v", m)
	}
	for _, text := range []struct {
		text  string
		limit int
	}{{m.Display.Name, 35}, {m.Display.Description, 140}, {m.Features.BotUser.DisplayName, 80}} { // reference of manifests
		if len(text.text) > text.limit {
			t.Errorf("%q has more than %d characters", text.text, text.limit)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name    string
		arrange func(*notifytest.Server)
		code    string
		needed  string
	}{
		{"no scope for e-mail", func(s *notifytest.Server) { s.SetScopes("chat:write", "users:read") }, "missing_scope", "users:read.email"},
		{"no scope but one", func(s *notifytest.Server) { s.SetScopes("users:read") }, "missing_scope", "chat:write, users:read.email"},
		{"other scopes", func(s *notifytest.Server) { s.SetScopes("files:read") }, "missing_scope", "chat:write, users:read, users:read.email"},
		{"no scope at all", func(s *notifytest.Server) { s.SetScopes() }, "missing_scope", "chat:write"},
		{"not in the channel", func(s *notifytest.Server) { s.RemoveBot("#qa") }, "not_in_channel", ""},
		{"no such channel", func(s *notifytest.Server) { s.On("chat.postEphemeral", notifytest.Refuse("channel_not_found")) }, "channel_not_found", ""},
		{"an archived channel", func(s *notifytest.Server) { s.On("chat.postEphemeral", notifytest.Refuse("is_archived")) }, "is_archived", ""},
		{"a revoked token", func(s *notifytest.Server) { s.Always(notifytest.Refuse("token_revoked")) }, "token_revoked", ""},
		{"who may see it", func(s *notifytest.Server) { s.On("chat.postEphemeral", notifytest.Refuse("cannot_see_it")) }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, s := start(t)
			tt.arrange(server)
			err := s.Check(t.Context())
			refused, _ := errors.AsType[Refusal](err)
			if refused.Code != tt.code || refused.Needed != tt.needed || (err == nil) != (tt.code == "") {
				t.Errorf("got %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.needed) || strings.Contains(err.Error(), notifytest.Token)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckFailsWhereSlackDoesNotAnswer(t *testing.T) {
	for _, method := range []string{"auth.test", "chat.postEphemeral"} {
		server, s := start(t)
		server.On(method, notifytest.Body(http.StatusServiceUnavailable, "down"))
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("%s: got %v", method, err)
		}
	}
}

// A bot with that scope may post where it isn't.
func TestCheckNeedsNoMembershipWhereTheScopesNeedNone(t *testing.T) {
	server, s := start(t)
	server.SetScopes("chat:write", "chat:write.public", "users:read", "users:read.email")
	server.RemoveBot("#qa")
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckAppIsContentWithTheTokenOfSocketModeAlone(t *testing.T) {
	server, _ := start(t)
	for token, code := range map[string]string{
		notifytest.AppToken + "\n": "", notifytest.Token: "not_allowed_token_type", "xapp-other": "invalid_auth",
	} {
		err := CheckApp(t.Context(), token, server.URL, nil)
		if refused, _ := errors.AsType[Refusal](err); refused.Code != code || (err == nil) != (code == "") {
			t.Errorf("%q: got %v", token, err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%v has the token in it", err)
		}
	}
	if server.SocketsOpened() != 0 {
		t.Error("a connection was opened")
	}
}
