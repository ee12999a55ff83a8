package notifytest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"beansprout/test/must"
)

var kim = User{ID: "U012KIM", Name: "kim", Email: "kim@example.com"}

// listen connects slack-go by Socket Mode, which calls press for each press and acknowledges it if
// press says so.
func listen(t *testing.T, s *Server, press func(slack.InteractionCallback) bool) {
	t.Helper()
	api := slack.New(Token, slack.OptionAppLevelToken(AppToken), slack.OptionAPIURL(s.URL))
	client := socketmode.New(api, socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = client.RunContext(ctx)
	}()
	go func() {
		for {
			select {
			case e := <-client.Events:
				if e.Type == socketmode.EventTypeInteractive && press(e.Data.(slack.InteractionCallback)) {
					_ = client.Ack(*e.Request)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	must.Wait(t, "a connection of Socket Mode", func() bool { return s.Sockets() > 0 })
}

// pressable posts a message with one button and returns it.
func pressable(t *testing.T, s *Server) Message {
	t.Helper()
	_, _ = call(t, s, "chat.postMessage", "blocks", `[{"type":"actions","elements":[{"type":"button","action_id":"extend","value":"v<&>","text":{"type":"plain_text","text":"Extend"}}]}]`)
	all := s.Messages()
	return all[len(all)-1]
}

func TestAPressArrivesThroughSocketMode(t *testing.T) {
	s := New()
	defer s.Close()
	got := make(chan slack.InteractionCallback, 1)
	listen(t, s, func(c slack.InteractionCallback) bool {
		got <- c
		return true
	})
	m := pressable(t, s)
	if ack, err := s.Press(m, "extend", kim); err != nil || ack.After <= 0 {
		t.Errorf("got %+v and %v", ack, err)
	}
	c := <-got
	if c.Type != slack.InteractionTypeBlockActions || c.User.ID != kim.ID || c.User.Name != "kim" || c.Channel.ID != m.Channel || c.Message.Timestamp != m.Timestamp || c.Container.MessageTs != m.Timestamp {
		t.Errorf("got %+v", c)
	}
	if a := c.ActionCallback.BlockActions; len(a) != 1 || a[0].ActionID != "extend" || a[0].Value != "v<&>" {
		t.Errorf("got %+v", a)
	}
	reply := m
	reply.Timestamp, reply.Thread = "1.1", m.Timestamp
	if _, err := s.Press(reply, "extend", kim); err != nil {
		t.Error(err)
	}
	if c := <-got; c.Message.ThreadTimestamp != m.Timestamp || c.Container.ThreadTs != m.Timestamp || c.Message.Timestamp != "1.1" {
		t.Errorf("a press in a thread: got %+v", c)
	}
	if _, err := s.Press(m, "remove", kim); err == nil {
		t.Error("a button that the message doesn't have was pressed")
	}
}

func TestAPressWithoutAnAcknowledgementIsAnError(t *testing.T) {
	s := New()
	defer s.Close()
	if _, err := s.Send([]byte(`{}`)); err == nil {
		t.Error("pressed without a connection")
	}
	listen(t, s, func(slack.InteractionCallback) bool {
		s.CutSockets()
		return false
	})
	if _, err := s.Press(pressable(t, s), "extend", kim); !errors.Is(err, ErrNotAcknowledged) {
		t.Errorf("got %v", err)
	}
}

func TestAClientConnectsAgain(t *testing.T) {
	for name, disconnect := range map[string]func(*Server){
		"after a cut": (*Server).CutSockets, "when Slack asks it to": (*Server).RefreshSockets,
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			defer s.Close()
			var presses atomic.Int64
			listen(t, s, func(slack.InteractionCallback) bool { presses.Add(1); return true })
			disconnect(s)
			must.Wait(t, "it connects again", func() bool { return s.SocketsOpened() == 2 && s.Sockets() == 1 })
			if _, err := s.Press(pressable(t, s), "extend", kim); err != nil || presses.Load() != 1 {
				t.Errorf("got %v after %d presses", err, presses.Load())
			}
		})
	}
}

func TestEachConnectionIsCutWhenItIsOldEnough(t *testing.T) {
	s := New()
	defer s.Close()
	s.CutSocketsAfter(50 * time.Millisecond)
	listen(t, s, func(slack.InteractionCallback) bool { return true })
	must.Wait(t, "three connections", func() bool { return s.SocketsOpened() >= 3 })
}

func TestOnlyTheAppTokenOpensAConnectionAndEachTicketOne(t *testing.T) {
	s := New()
	defer s.Close()
	for token, want := range map[string]string{"": "not_authed", Token: "not_allowed_token_type", "xapp-other": "invalid_auth", AppToken: ""} {
		if got, _ := call(t, s, "apps.connections.open", "token", token); got != want {
			t.Errorf("%q: got %q, want %q", token, got, want)
		}
	}
	a := s.call("apps.connections.open", map[string][]string{}, AppToken)
	address := a.fields["url"].(string)
	conn, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var hello struct{ Type string }
	if err := conn.ReadJSON(&hello); err != nil || hello.Type != "hello" {
		t.Errorf("got %+v and %v", hello, err)
	}
	if _, resp, err := websocket.DefaultDialer.Dial(address, nil); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a ticket is good for two connections: %v", err)
	}
}

func TestAPressByHTTPIsSigned(t *testing.T) {
	s := New()
	defer s.Close()
	r, err := PressRequest("http://127.0.0.1/slack", pressable(t, s), "extend", kim)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	verifies := func(r *http.Request, secret string) bool {
		v, err := slack.NewSecretsVerifier(r.Header, secret)
		if err != nil {
			return false
		}
		_, _ = v.Write(body)
		return v.Ensure() == nil
	}
	if !verifies(r, SigningSecret) || verifies(r, "another") {
		t.Error("the signature is not by the secret")
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if c, err := slack.InteractionCallbackParse(r); err != nil || c.ActionCallback.BlockActions[0].Value != "v<&>" {
		t.Errorf("got %+v and %v", c, err)
	}
	old, err := SignedRequest("http://127.0.0.1/slack", []byte("{}"), time.Now().Add(-time.Hour), SigningSecret)
	if err != nil || verifies(old, SigningSecret) {
		t.Errorf("a request of an hour ago is as good as new (%v)", err)
	}
	if !json.Valid(Payload(Message{}, "a", "\"", User{})) {
		t.Error("a payload is not JSON")
	}
}
