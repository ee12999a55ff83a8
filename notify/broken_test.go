package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/notify/notifytest"
)

// brokenWays are ways in which Slack is broken.
var brokenWays = map[string]func(*notifytest.Server){
	"down":                     func(s *notifytest.Server) { s.Always(notifytest.Body(503, "unavailable")) },
	"cutting the connection":   func(s *notifytest.Server) { s.Always(notifytest.HangUp()) },
	"slow":                     func(s *notifytest.Server) { s.Always(notifytest.Slow(50 * time.Millisecond)) },
	"too slow":                 func(s *notifytest.Server) { s.Always(notifytest.Slow(700 * time.Millisecond)) },
	"silent":                   func(s *notifytest.Server) { s.Always(notifytest.Hang()) },
	"busy for a while":         func(s *notifytest.Server) { s.LimitPosts(300 * time.Millisecond) },
	"busy for ever":            func(s *notifytest.Server) { s.Always(notifytest.RateLimit(3600)) },
	"half an answer":           func(s *notifytest.Server) { s.Always(notifytest.Half()) },
	"acting, no answer":        func(s *notifytest.Server) { s.Always(notifytest.ActThen(notifytest.HangUp())) },
	"acting, never an answer":  func(s *notifytest.Server) { s.Always(notifytest.ActThen(notifytest.Hang())) },
	"acting, an error":         func(s *notifytest.Server) { s.Always(notifytest.ActThen(notifytest.Body(500, notifytest.Token))) },
	"answering garbage":        func(s *notifytest.Server) { s.Always(notifytest.Body(200, "<html>"+notifytest.Token)) },
	"token revoked":            func(s *notifytest.Server) { s.Always(notifytest.Refuse("token_revoked")) },
	"missing scope":            func(s *notifytest.Server) { s.SetScopes("users:read") },
	"not in the channel":       func(s *notifytest.Server) { s.RemoveBot("#qa") },
	"an error with the secret": func(s *notifytest.Server) { s.Always(notifytest.Refuse("x_" + notifytest.Token)) },
}

// life is what is told about an environment from its first launch to its removal.
func life() []Post {
	all := []Post{pressable(Building), pressable(Failed), pressable(Ready), pressable(Expiring), pressable(Removed)}
	all[2].Mended = true
	return all
}

func TestABrokenSlackIsAnErrorInTimeAndPostsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for name, breaks := range brokenWays {
			for broken := range life() {
				all.Go(func() {
					server, s := timed(t)
					server.AddUser(kim)
					ref := Ref{}
					for i, p := range life() {
						if i == broken {
							breaks(server)
							s.Limit = 500 * time.Millisecond
						}
						ref = announceOnce(t, fmt.Sprintf("%s since %s: %s", name, life()[broken].State, p.State), server, s, ref, p)
					}
				})
			}
		}
		all.Wait()
	})
}

// announceOnce announces p, whose reason nothing else has, and checks what holds whatever Slack does.
// What Slack did for an earlier announcement may come late.
func announceOnce(t *testing.T, what string, server *notifytest.Server, s *Slack, ref Ref, p Post) Ref {
	t.Helper()
	p.Reason = what
	begun := time.Now()
	now, err := s.Announce(t.Context(), ref, p)
	if took := time.Since(begun); took > s.Limit {
		t.Errorf("%s: it took %v", what, took)
	}
	messages, replies := posted(server, what)
	if len(messages) > 1 || len(messages) == 1 && ref != (Ref{}) && messages[0] != ref.Timestamp {
		t.Errorf("%s: it is in the messages %q, and was to be in %v", what, messages, ref)
	}
	if replies > 1 {
		t.Errorf("%s: %d replies", what, replies)
	}
	if err == nil {
		if len(messages) != 1 || messages[0] != now.Timestamp || (replies == 1) != (p.State != Building) {
			t.Errorf("%s: no error, and it is in the messages %q and %d replies", what, messages, replies)
		}
		return now
	}
	if text := err.Error(); strings.Contains(text, notifytest.Token) || strings.Contains(text, "kim@") || len(text) > 200 {
		t.Errorf("%s: %v", what, err)
	}
	if ref != (Ref{}) && now != ref {
		t.Errorf("%s: the message is forgotten after %v", what, err)
	}
	return now
}

// posted returns which messages have a text, and how many replies.
func posted(server *notifytest.Server, text string) (messages []string, replies int) {
	for _, m := range server.Messages() {
		if strings.Contains(string(m.Blocks), text) {
			messages = append(messages, m.Timestamp)
		}
		for _, r := range m.Replies {
			if strings.Contains(string(r.Blocks), text) {
				replies++
			}
		}
	}
	return messages, replies
}

// What was not confirmed is an error, so that no warning counts that was not delivered.
func TestAnUnconfirmedWarningIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for name, breaks := range brokenWays {
			if name == "slow" || name == "busy for a while" {
				continue
			}
			server, s := timed(t)
			s.Limit = 500 * time.Millisecond
			ref := announce(t, s, Ref{}, login(Ready))
			breaks(server)
			all.Go(func() {
				if _, err := s.Announce(t.Context(), ref, login(Expiring)); err == nil {
					t.Errorf("%s: no error", name)
				}
			})
		}
		all.Wait()
		for _, method := range []string{"chat.update", "chat.postMessage"} {
			server, s := timed(t)
			ref := announce(t, s, Ref{}, login(Ready))
			server.On(method, notifytest.ActThen(notifytest.HangUp()))
			if _, err := s.Announce(t.Context(), ref, login(Expiring)); err == nil {
				t.Errorf("%s: no error", method)
			}
		}
	})
}

func TestABrokenSlackIsWellAgainAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, breaks := range brokenWays {
			if name == "missing scope" || name == "not in the channel" || name == "busy for ever" {
				continue // needs a person, or an hour
			}
			server, s := timed(t)
			s.Limit = 500 * time.Millisecond
			ref := announce(t, s, Ref{}, login(Building))
			breaks(server)
			_, _ = s.Announce(t.Context(), ref, login(Failed))
			server.Always(nil)
			server.LimitPosts(0)
			s.Limit = 2 * time.Second
			if now := announce(t, s, ref, login(Ready)); now != ref || !strings.Contains(server.Messages()[0].Text, "Ready") {
				t.Errorf("%s: the message is %v: %+v", name, now, server.Messages()[0])
			}
		}
	})
}

func TestASlackThatIsNotThereIsAnErrorAtOnce(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := New(notifytest.Token, server.URL, "#qa", nil)
	begun := time.Now()
	if ref, err := s.Announce(t.Context(), Ref{}, login(Failed)); err == nil || errors.Is(err, context.DeadlineExceeded) || ref != (Ref{}) {
		t.Errorf("got %v and %v", ref, err)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// Every method ends in time and shows no secret, whatever Slack does.
func TestEveryMethodEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for name, breaks := range brokenWays {
			all.Go(func() {
				server, s := timed(t)
				s.Limit = 400 * time.Millisecond
				breaks(server)
				ref := Ref{Channel: "C000000001", Timestamp: "1700000000.000001"}
				for method, call := range map[string]func() error{
					"Digest":  func() error { return s.Digest(t.Context(), sweep()) },
					"Alert":   func() error { return s.Alert(t.Context(), Alert{Reason: "x"}) },
					"Reply":   func() error { return s.Reply(t.Context(), ref, "x") },
					"Whisper": func() error { return s.Whisper(t.Context(), ref, "U012KIM", "x") },
					"Test":    func() error { _, _, err := s.Test(t.Context()); return err },
					"Settle":  func() error { return s.Settle(t.Context(), ref, "x") },
					"Check":   func() error { return s.Check(t.Context()) },
				} {
					begun := time.Now()
					err := call()
					if took := time.Since(begun); took > s.Limit {
						t.Errorf("%s: %s took %v", name, method, took)
					}
					if err != nil && (strings.Contains(err.Error(), notifytest.Token) || len(err.Error()) > 200) {
						t.Errorf("%s: %s: %v", name, method, err)
					}
				}
			})
		}
		all.Wait()
	})
}
