package notify

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/notify/notifytest"
)

var kim = notifytest.User{ID: "U012KIM", Name: "kim", Email: "kim@example.com"}

// repliesOf announces posts and returns the texts of the replies.
func repliesOf(t *testing.T, server *notifytest.Server, s *Slack, posts ...Post) (texts []string) {
	t.Helper()
	for _, p := range posts {
		announce(t, s, Ref{}, p)
	}
	for _, m := range server.Messages() {
		if strings.Contains(m.Text+string(m.Blocks), "U012KIM") {
			t.Errorf("the message itself mentions: %s", m.Text)
		}
		for _, r := range m.Replies {
			if strings.Contains(r.Text, "@example") {
				t.Errorf("the e-mail address is printed: %s", r.Text)
			}
			texts = append(texts, r.Text)
		}
	}
	return texts
}

func TestAReplyMentionsTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		server.AddUser(kim)
		posts := []Post{login(Failed), with(login(Ready), func(p *Post) { p.Mended = true }), login(Expiring), login(Removed)}
		texts := repliesOf(t, server, s, posts...)
		if len(texts) != len(posts) {
			t.Fatalf("%d replies, want %d", len(texts), len(posts))
		}
		for _, text := range texts {
			if !strings.HasPrefix(text, "<@U012KIM> ") {
				t.Errorf("no mention: %q", text)
			}
		}
		if n := len(server.Calls("users.lookupByEmail")); n != 1 {
			t.Errorf("%d look-ups, want 1", n)
		}
	})
}

func TestAnUpdateMentionsNoUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		server.AddUser(kim)
		if texts := repliesOf(t, server, s, login(Building), login(Ready)); len(texts) != 0 || len(server.Calls("users.lookupByEmail")) != 0 {
			t.Errorf("replies %q, %d look-ups", texts, len(server.Calls("users.lookupByEmail")))
		}
	})
}

func TestWhoIsNotFoundCostsOnlyTheMention(t *testing.T) {
	deleted, strange := kim, kim
	deleted.Deleted, strange.ID = true, "<!channel>"
	for _, tt := range []struct {
		name    string
		arrange func(*notifytest.Server, *Slack)
		lookups int // of two replies
	}{
		{"unknown", func(*notifytest.Server, *Slack) {}, 1},
		{"deleted", func(server *notifytest.Server, _ *Slack) { server.AddUser(deleted) }, 1},
		{"an id that is none", func(server *notifytest.Server, _ *Slack) { server.AddUser(strange) }, 1},
		{"a missing scope", func(server *notifytest.Server, _ *Slack) { server.SetScopes("chat:write") }, 1},
		{"refused", func(server *notifytest.Server, _ *Slack) {
			server.On("users.lookupByEmail", notifytest.Refuse("fatal_error"))
		}, 1},
		{"too many", func(server *notifytest.Server, _ *Slack) {
			server.On("users.lookupByEmail", notifytest.RateLimit(60))
		}, 1},
		{"no answer", func(server *notifytest.Server, s *Slack) {
			s.Limit = 600 * time.Millisecond
			server.On("users.lookupByEmail", notifytest.Hang())
		}, 1},
		{"garbage", func(server *notifytest.Server, _ *Slack) {
			server.On("users.lookupByEmail", notifytest.Body(http.StatusOK, "{}"))
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, s := timed(t)
				tt.arrange(server, s)
				texts := repliesOf(t, server, s, login(Failed), login(Failed))
				if len(texts) != 2 {
					t.Fatalf("%d replies, want 2", len(texts))
				}
				for _, text := range texts {
					if !strings.HasPrefix(text, "❌") {
						t.Errorf("got %q", text)
					}
				}
				if n := len(server.Calls("users.lookupByEmail")); n != tt.lookups {
					t.Errorf("%d look-ups, want %d", n, tt.lookups)
				}
			})
		})
	}
}

func TestOnlyAddressesAreLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		for _, address := range []string{"", "kim", "@", "a@", "@b", "a b@c", "a@b\nc", "a@<b>", "a@b@c", strings.Repeat("a", 100) + "@b"} {
			repliesOf(t, server, s, with(login(Failed), func(p *Post) { p.Email = address }))
		}
		if n := len(server.Calls("users.lookupByEmail")); n != 0 {
			t.Errorf("%d look-ups, want none", n)
		}
	})
}

func TestAUserIsLookedUpAgainAfterADay(t *testing.T) {
	p := &people{}
	now := time.Now()
	p.note("kim@example.com", person{"U012KIM", now.Add(knownFor)})
	if id, ask := p.find("kim@example.com", now.Add(knownFor-time.Second)); id != "U012KIM" || ask {
		t.Errorf("within a day: got %q and %v", id, ask)
	}
	if _, ask := p.find("kim@example.com", now.Add(knownFor+time.Second)); !ask {
		t.Error("after a day: not asked")
	}
	p.pause(now.Add(lookupPause))
	if _, ask := p.find("lee@example.com", now.Add(time.Second)); ask {
		t.Error("asked in the pause")
	}
	if _, ask := p.find("lee@example.com", now.Add(lookupPause+time.Second)); !ask {
		t.Error("not asked after the pause")
	}
}

func TestTheMemoryOfUsersIsBounded(t *testing.T) {
	p := &people{}
	for i := range 3 * maxPeople {
		p.note(strings.Repeat("x", i), person{})
	}
	if len(p.known) > maxPeople {
		t.Errorf("%d users are remembered, want at most %d", len(p.known), maxPeople)
	}
}
