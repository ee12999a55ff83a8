package notify

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/notify/notifytest"
)

func TestOneMessageIsUpdatedThroughAllStates(t *testing.T) {
	server, s := start(t)
	failed := login(Failed)
	failed.Reason = "it exited with code 1"

	ref := announce(t, s, Ref{}, login(Building))
	for _, p := range []Post{login(Ready), login(Building), failed, login(Building), failed, login(Ready), login(Removed)} {
		if now := announce(t, s, ref, p); now != ref {
			t.Fatalf("the message moved from %v to %v", ref, now)
		}
	}
	all := server.Messages()
	if len(all) != 1 || all[0].Updates != 7 || len(all[0].Replies) != 3 {
		t.Fatalf("got %+v, want 1 message with 7 updates and 3 replies", all)
	}
	if m := all[0]; !strings.HasPrefix(m.Channel, "C0") || !strings.Contains(m.Text, "Removed: `feature/login`") {
		t.Errorf("got %+v", m)
	}
	if reply := all[0].Replies[1]; !strings.Contains(string(reply.Blocks), "it exited with code 1") {
		t.Errorf("the reply doesn't say why: %s", reply.Blocks)
	}
}

func TestAFailureInTheFirstMessageIsAlsoAReply(t *testing.T) {
	server, s := start(t)
	announce(t, s, Ref{}, login(Failed))
	if all := server.Messages(); len(all) != 1 || len(all[0].Replies) != 1 {
		t.Errorf("got %+v, want 1 message with 1 reply", all)
	}
}

func TestHostileNamesArriveUnchanged(t *testing.T) {
	server, s := start(t)
	for _, name := range hostile {
		announce(t, s, Ref{}, Post{State: Failed, Application: name, Feature: name, Commit: name, Owner: name, URL: name, BuildURL: name, Reason: name})
	}
	if got := len(server.Messages()); got != len(hostile) {
		t.Errorf("%d messages, want %d", got, len(hostile))
	}
}

func TestADeletedMessageIsPostedAgain(t *testing.T) {
	t.Run("deleted by a user", func(t *testing.T) {
		server, s := start(t)
		old := announce(t, s, Ref{}, login(Building))
		server.Delete(old.Timestamp)
		if now := announce(t, s, old, login(Ready)); now == old || len(server.Messages()) != 1 {
			t.Errorf("got %v and %d messages", now, len(server.Messages()))
		}
	})
	for _, code := range []string{"cant_update_message", "channel_not_found", "edit_window_closed", "is_inactive"} {
		t.Run(code, func(t *testing.T) {
			server, s := start(t)
			old := announce(t, s, Ref{}, login(Building))
			server.Next(notifytest.Refuse(code))
			if now := announce(t, s, old, login(Ready)); now == old || len(server.Messages()) != 2 {
				t.Errorf("got %v and %d messages", now, len(server.Messages()))
			}
		})
	}
}

func TestAnInvalidRefIsNotUsed(t *testing.T) {
	for _, ref := range []Ref{
		{Channel: "#qa", Timestamp: "1700000000.000001"}, {Channel: "C01", Timestamp: "now"}, {Channel: "C01"},
		{Channel: "C01&x=", Timestamp: "1.1"}, {Channel: strings.Repeat("C", 1000), Timestamp: "1.1"},
	} {
		server, s := start(t)
		ref = s.sealed("", ref)
		if now := announce(t, s, ref, login(Ready)); now == ref || server.Requests() != 1 {
			t.Errorf("%v: got %v after %d requests, want a new message after 1", ref, now, server.Requests())
		}
	}
}

func TestTheMessageOfAnotherEnvironmentIsNotChanged(t *testing.T) {
	post := func(environment string) Post {
		p := login(Ready)
		p.Environment, p.Feature = environment, environment
		return p
	}
	for name, forge := range map[string]func(s *Slack, mine, theirs Ref) Ref{
		"copied with its seal": func(_ *Slack, _, theirs Ref) Ref { return theirs },
		"under our own seal":   func(_ *Slack, mine, theirs Ref) Ref { theirs.Seal = mine.Seal; return theirs },
		"without a seal":       func(_ *Slack, _, theirs Ref) Ref { theirs.Seal = ""; return theirs },
		"by an earlier token":  func(_ *Slack, _, theirs Ref) Ref { return New("xoxb-old", "", "#qa", nil).sealed("mine", theirs) },
		"posted elsewhere":     func(_ *Slack, mine, _ Ref) Ref { mine.Posted = "#other"; return mine },
	} {
		t.Run(name, func(t *testing.T) {
			server, s := start(t)
			mine, theirs := announce(t, s, Ref{}, post("mine")), announce(t, s, Ref{}, post("theirs"))
			now := announce(t, s, forge(s, mine, theirs), post("mine"))
			if all := server.Messages(); len(all) != 3 || all[0].Updates+all[1].Updates > 0 || now.Timestamp != all[2].Timestamp {
				t.Errorf("the message is %v: %+v", now, all)
			}
			if again := announce(t, s, now, post("mine")); again != now {
				t.Errorf("the new one is not kept: %v", again)
			}
		})
	}
}

func TestAMessageMovesToAnotherChannel(t *testing.T) {
	server, s := start(t)
	old := announce(t, s, Ref{}, login(Building))
	elsewhere := New(notifytest.Token, server.URL, "#ops", nil)
	now := announce(t, elsewhere, old, login(Ready))
	all := server.Messages()
	if len(all) != 2 || all[1].Channel == all[0].Channel || now.Channel != all[1].Channel || now.Posted != "#ops" {
		t.Fatalf("the message is %v: %+v", now, all)
	}
	if !strings.Contains(all[0].Text, "Moved") || !strings.Contains(string(all[0].Blocks), "#ops") || !strings.Contains(all[1].Text, "Ready") {
		t.Errorf("they say %s and %s", all[0].Blocks, all[1].Blocks)
	}
	for _, channel := range []string{"#ops", "ops", now.Channel} {
		if again := announce(t, New(notifytest.Token, server.URL, channel, nil), now, login(Building)); again != now {
			t.Errorf("in %s it moves to %v", channel, again)
		}
	}
	if last := announce(t, s, now, login(Removed)); last != now || len(server.Messages()) != 2 {
		t.Errorf("its last word moves to %v", last)
	}
}

func TestAFailureInAnotherChannelIsAReplyThere(t *testing.T) {
	server, s := start(t)
	old := announce(t, s, Ref{}, login(Building))
	announce(t, New(notifytest.Token, server.URL, "#ops", nil), old, login(Failed))
	if all := server.Messages(); len(all) != 2 || len(all[0].Replies) != 0 || len(all[1].Replies) != 1 {
		t.Errorf("the messages are %+v", all)
	}
}

func TestARefusalHasItsCodeAndARemedy(t *testing.T) {
	for code, want := range map[string]string{
		"not_in_channel":       "not_in_channel: invite the bot",
		"channel_not_found":    "channel_not_found: check slack.channel",
		"is_archived":          "is_archived: the channel is archived",
		"token_revoked":        "token_revoked: check the token in SLACK_BOT_TOKEN",
		"missing_scope":        "chat:write",
		"rate_limited":         "too many messages",
		"fatal_error":          "announce in Slack: fatal_error",
		"\x1b[31mSurprise\n":   "the answer is not Slack's",
		notifytest.Token + " ": "the answer is not Slack's",
	} {
		server, s := start(t)
		server.Always(notifytest.Refuse(code))
		_, err := s.Announce(t.Context(), Ref{}, login(Ready))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
	server, _ := start(t)
	var refused Refusal
	if _, err := New("wrong", server.URL, "#qa", nil).Announce(t.Context(), Ref{}, login(Ready)); !errors.As(err, &refused) || refused.Code != "invalid_auth" {
		t.Errorf("got %v, want invalid_auth", err)
	}
}

func TestAnErrorKeepsTheMessage(t *testing.T) {
	server, s := start(t)
	ref := announce(t, s, Ref{}, login(Building))
	server.Next(notifytest.Refuse("fatal_error"))
	if now, err := s.Announce(t.Context(), ref, login(Ready)); err == nil || now != ref {
		t.Errorf("update refused: got %v and %v", now, err)
	}
	server.Next(notifytest.Body(http.StatusOK, `{"ok":true}`))
	if now, err := s.Announce(t.Context(), ref, login(Ready)); err == nil || now != ref {
		t.Errorf("an answer that names no message: got %v and %v", now, err)
	}
	server.Next(nil, nil, notifytest.Refuse("fatal_error")) // the message, who the owner is, the reply
	now, err := s.Announce(t.Context(), Ref{}, login(Failed))
	if err == nil || !valid(now) {
		t.Errorf("reply refused: got %v and %v, want the new message all the same", now, err)
	}
}

func TestErrorsNeverContainTheToken(t *testing.T) {
	secret := notifytest.Token
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("the redirect was followed with %d bytes", len(body))
	}))
	defer thief.Close()
	for name, answer := range map[string]notifytest.Answer{
		"an HTML page":             notifytest.Body(200, "<html>proxy login</html>"),
		"nothing":                  notifytest.Body(200, ""),
		"an empty object":          notifytest.Body(200, "{}"),
		"ok without a message":     notifytest.Body(200, `{"ok":true}`),
		"a message that is none":   notifytest.Body(200, `{"ok":true,"channel":"<!x>","ts":"\n"}`),
		"not ok without a reason":  notifytest.Body(200, `{"ok":false}`),
		"other types":              notifytest.Body(200, `{"ok":"`+secret+`"}`),
		"an array":                 notifytest.Body(200, `["`+secret+`"]`),
		"the token as the reason":  notifytest.Body(200, `{"ok":false,"error":"`+secret+`"}`),
		"a server error":           notifytest.Body(500, secret),
		"unavailable":              notifytest.Body(503, ""),
		"too many, for how long?":  notifytest.Body(429, ""),
		"a redirect":               notifytest.Redirect(thief.URL),
		"a closed connection":      notifytest.HangUp(),
		"too many, for an hour":    notifytest.RateLimit(3600),
		"too many, for ever":       notifytest.RateLimit(1 << 60),
		"a Retry-After of letters": retryAfterLetters,
	} {
		t.Run(name, func(t *testing.T) {
			server, s := start(t)
			s.Limit = 900 * time.Millisecond
			server.Always(answer)
			ref, err := s.Announce(t.Context(), Ref{}, login(Ready))
			if err == nil || ref != (Ref{}) {
				t.Fatalf("got %v and %v", ref, err)
			}
			if strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 200 {
				t.Errorf("got %q", err)
			}
		})
	}
}

func retryAfterLetters(_ *notifytest.Server, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", notifytest.Token)
	w.WriteHeader(http.StatusTooManyRequests)
}

func TestATokenInAnAnswerIsNotInTheError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 "+notifytest.Token+"\r\n\r\n")
		_ = conn.Close()
	}))
	defer server.Close()
	_, err := New(notifytest.Token, server.URL, "#qa", nil).Announce(t.Context(), Ref{}, login(Ready))
	if err == nil || strings.Contains(err.Error(), notifytest.Token) {
		t.Errorf("got %v", err)
	}
}

func TestAnnounceTimesOutWhenSlackHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		s.Limit = 50 * time.Millisecond
		server.Always(notifytest.Hang())
		if _, err := s.Announce(t.Context(), Ref{}, login(Ready)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if New("", "", "", nil).Limit != 5*time.Second {
			t.Error("an announcement may take more or less than five seconds")
		}
	})
}

func TestAnnounceTimesOutOnAnEndlessAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		s.Limit = 100 * time.Millisecond
		server.Always(func(server *notifytest.Server, w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"ok":true,`)
			w.(http.Flusher).Flush()
			notifytest.Hang()(server, w, r)
		})
		if _, err := s.Announce(t.Context(), Ref{}, login(Ready)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestAnnounceLimitsTheSizeOfAnAnswer(t *testing.T) {
	server, s := start(t)
	server.Always(func(_ *notifytest.Server, w http.ResponseWriter, r *http.Request) {
		words := []byte(`{"error":"` + strings.Repeat("x", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(words); err != nil {
				return
			}
			words = words[len(words)-1<<16:]
		}
	})
	if _, err := s.Announce(t.Context(), Ref{}, login(Ready)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want an error as soon as there are too many words", err)
	}
}

func TestAnnounceEndsWithItsContext(t *testing.T) {
	_, s := start(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Announce(ctx, Ref{}, login(Ready)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestAnnounceWaitsWhenSlackAsksTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		server.Next(notifytest.RateLimit(1))
		announce(t, s, Ref{}, login(Ready))
		if server.Requests() != 2 || len(server.Messages()) != 1 {
			t.Errorf("got %d requests and %d messages, want 2 and 1", server.Requests(), len(server.Messages()))
		}
		server.Next(notifytest.RateLimit(6))
		if _, err := s.Announce(t.Context(), Ref{}, login(Ready)); err == nil || !strings.Contains(err.Error(), "wait 6s") {
			t.Errorf("got %v, want an error at once", err)
		}
		if server.Requests() != 3 {
			t.Errorf("%d requests, want no second one", server.Requests())
		}
	})
}

func TestAnnounceWaitsAlsoAfterARetryTimeOfZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, seconds := range []int{0, -1, 1 << 60} {
			server, s := timed(t)
			s.Limit = 500 * time.Millisecond
			server.Always(notifytest.RateLimit(seconds))
			before := server.Requests()
			if _, err := s.Announce(t.Context(), Ref{}, login(Ready)); err == nil {
				t.Error("no error")
			}
			if n := server.Requests() - before; n != 1 {
				t.Errorf("Retry-After: %d: %d requests, want 1", seconds, n)
			}
		}
	})
}

func TestNoLinkIsUnfurledAndNoNameIsParsed(t *testing.T) {
	server, s := start(t)
	ref := announce(t, s, Ref{}, login(Building))
	announce(t, s, ref, login(Failed))
	m := server.Messages()[0]
	for _, form := range []url.Values{m.Form, m.Replies[0].Form} {
		if form.Get("unfurl_links") != "false" || form.Get("unfurl_media") != "false" || form.Get("parse") != "none" || form.Has("link_names") {
			t.Errorf("got %v", form)
		}
	}
}

func TestAnUnreachableSlackIsAnError(t *testing.T) {
	for _, address := range []string{"http://127.0.0.1:1", "http://[::1", "no address", "http://127.0.0.1:1/\x7f", "http://127.0.0.1:1/services/secret"} {
		_, err := New(notifytest.Token, address, "#qa", nil).Announce(t.Context(), Ref{}, login(Ready))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error that shows no path", address, err)
		}
	}
}

func TestTheGivenClientIsNotChanged(t *testing.T) {
	client := &http.Client{}
	New(notifytest.Token, "", "#qa", client)
	if client.CheckRedirect != nil {
		t.Error("the caller's client follows no redirects any more")
	}
}
