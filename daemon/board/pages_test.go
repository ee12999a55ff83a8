package board

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestActsAreOfferedToAPersonWhoIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		live        bool
		viewer      string
		proxy       bool // has logged the viewer in
		acts, login bool
	}{
		"someone unknown":               {live: true, login: true},
		"a person":                      {live: true, viewer: "Kim", acts: true},
		"a person of a proxy":           {live: true, viewer: "Kim", proxy: true, acts: true},
		"a person, but nothing may act": {viewer: "Kim"},
		"no one, and nothing may act":   {},
		"a name that looks like HTML":   {live: true, viewer: `<b onclick="x">`, acts: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlot(t, Config{
					Live: c.live, Viewer: func(*http.Request) string { return c.viewer },
					MayLogOut: func(*http.Request) bool { return c.viewer != "" && !c.proxy },
				}, environment("login"))
				text := p.get(t, "/features/shop/login?region=").Body.String()
				if got := strings.Contains(text, `action="/act"`); got != c.acts {
					t.Errorf("the page has forms: %v, want %v", got, c.acts)
				}
				if got := strings.Contains(text, `href="/login?next=%2Ffeatures%2Fshop%2Flogin%3Fregion%3D"`); got != c.login {
					t.Errorf("the page leads to a login and back: %v, want %v\n%s", got, c.login, text)
				}
				if got := strings.Contains(text, `action="/logout"`); got != (c.viewer != "" && !c.proxy) {
					t.Errorf("the page has a logout: %v", got)
				}
				if c.viewer == "Kim" && !strings.Contains(text, "Kim") {
					t.Error("the page does not say who looks")
				}
				if strings.Contains(text, "<b onclick") {
					t.Error("the name of a person is HTML in the page")
				}
			})
		})
	}
}

func TestWithoutTheScriptAPageReloadsUnlessSomethingMayBeTypedInIt(t *testing.T) {
	const refresh = `<noscript><meta http-equiv="refresh" content="30"></noscript>`
	person := func(*http.Request) string { return "Kim" }
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{Live: true, Viewer: person}, environment("login"))
		for path, want := range map[string]bool{"/": true, "/?state=running": true, "/?q=log": false, "/features/shop/login": false, "/features/shop/nothing": true} {
			if got := strings.Contains(p.get(t, path).Body.String(), refresh); got != want {
				t.Errorf("%s reloads: %v, want %v", path, got, want)
			}
		}
	})
}

func TestAPageSaysThatThereIsNothingOnlyWhenThatWasRead(t *testing.T) {
	const nothing = `<div class="empty" id="none">`
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{})
		p.set(func(c *cloud) { c.err = errors.New("Rate exceeded") })
		if text := p.get(t, "/").Body.String(); strings.Contains(text, nothing) || !strings.Contains(text, "Rate exceeded") {
			t.Errorf("a page without a reading:\n%s", text)
		}
		p.set(func(c *cloud) { c.err = nil })
		time.Sleep(time.Hour)
		if text := p.get(t, "/").Body.String(); !strings.Contains(text, nothing) {
			t.Errorf("a page of an account without environments:\n%s", text)
		}
	})
}

func TestARowSaysWhatBecomesOfItsEnvironment(t *testing.T) {
	for want, r := range map[string]row{
		"Goes with the next sweep: its days are over":  {Fate: "remove", Why: "its days are over"},
		"Goes after a warning: its branch is gone":     {Fate: "warn", Why: "its branch is gone"},
		"Will go: its owner was warned":                {Fate: "wait", Why: "its owner was warned"},
		"Stays, unclear: its record can't be read":     {Fate: "unknown", Why: "its record can't be read"},
		"Stays: expires in 3d":                         {Fate: "kept", Why: "expires in 3d"},
		"Protected: kim keeps it: the customer looks":  {Fate: "kept", Why: "expires in 3d", Protection: "kim keeps it: the customer looks"},
		"Will go: its branch is gone":                  {Fate: "wait", Why: "its branch is gone", Protection: "kim keeps it"},
		"Restorable: restore brings it back":           {State: stateRemoved, Why: "restore brings it back", Until: moment{Exact: "2000-01-01T00:00:00Z"}},
		"Removed: restore can't bring it back":         {State: stateRemoved, Why: "restore can't bring it back"},
		"Stays: expires in 3d (by the last sweep: no)": {Fate: "kept", Why: "expires in 3d", Swept: "by the last sweep: no"},
	} {
		html := newPages().row(r)
		cell := html[strings.LastIndex(html, "<td>"):]
		got := strings.NewReplacer("<td>", "", "<span>", "", "</span>", "", "</td>", "", "</tr>", "", `<b class="fate">`, "", `<b class="fate warn">`, "", `<b class="fate bad">`, "", "</b>", "", "<small>", "", "</small>", "", "&#39;", "'").Replace(cell)
		if strings.TrimSpace(got) != want {
			t.Errorf("a row says %q, want %q", strings.TrimSpace(got), want)
		}
	}
}

func TestTimesAreShownForPeopleAndForPrograms(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	m := writer{now: at.Add(3 * 24 * time.Hour)}.past(at)
	if m.Plain() != "2026-03-01 11:00:00 UTC" || m.Age() != "3d" || m.Exact != "2026-03-01T11:00:00Z" {
		t.Errorf("%q, %q, %q", m.Plain(), m.Age(), m.Exact)
	}
	for url, want := range map[string]string{"": "", "https://shop-login-abc.eu-central-1.elasticbeanstalk.com": "shop-login-abc", "http://shop-login-abc.localhost:2327": "shop-login-abc"} {
		if got := (row{URL: url}).Host(); got != want {
			t.Errorf("of %q the page shows %q, want %q", url, got, want)
		}
	}
}

func TestASearchFindsWhatARowShows(t *testing.T) {
	r := row{
		Key: "shop/shop-login", Name: "shop-login", Application: "shop", Feature: "feature/Login", State: stateRunning, Marks: " running ",
		Commit: "0123456789abcdef0123456789abcdef01234567", ShortCommit: "0123456789ab", Subject: "Sign in with a Key", Owner: "Jörg",
	}
	l := &line{row: r, search: r.searched()}
	for search, want := range map[string]bool{
		"": true, "login": true, "LOGIN": true, "key sign": true, "jörg": true, "shop-login": true, "sign out": false,
		"0123456": true, "6789ab": true, r.Commit: true, "0123456789ac": false, "cdef": false,
	} {
		if got := (filter{Search: search}).passes(l); got != want {
			t.Errorf("a search for %q finds the row: %v, want %v", search, got, want)
		}
	}
}

func TestRemovedFeaturesAreSortedByHowLongARestoreBringsThemBack(t *testing.T) {
	at := func(hours int) moment { return newMoment(time.Date(2026, 3, 1, hours, 0, 0, 0, time.UTC), "") }
	lines := []*line{
		{row: row{Key: "a", State: stateRemoved, Until: at(2)}}, {row: row{Key: "b", State: stateRemoved}}, {row: row{Key: "c", State: stateRemoved, Until: at(1)}},
	}
	filter{Sort: "expires"}.sort(lines)
	if got := lines[0].Key + lines[1].Key + lines[2].Key; got != "cab" {
		t.Errorf("the order is %s, want cab", got)
	}
}
