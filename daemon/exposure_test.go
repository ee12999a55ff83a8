package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/daemon/access"
	"beansprout/daemon/board"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// exposed returns a daemon that listens on all interfaces, and what an answer without a session must not have.
func (p *plot) exposed(c Config) (d running, marks []string) {
	p.Helper()
	marks = []string{"secretive", "1a2b3c4"}
	for _, feature := range []string{"secretive", "feature/secretive/two"} {
		e := p.deployed(feature)
		marks = append(marks, e.Name, e.ID, e.Version)
	}
	listener, err := Listen(p.Context(), "0.0.0.0:0", true)
	must.Succeed(p, err)
	c.Applications, c.Live, c.Listener = []Application{p.application(never)}, true, listener
	d = p.run(c)
	d.services[0].health.swept(time.Now(), fmt.Errorf("environment %s: AWS refuses to terminate secretive", marks[2]))
	return d, marks
}

// routes are what a daemon serves, and what it does not.
func routes(name string) []string {
	return []string{
		"/", "/?q=secretive", "/?owner=Kim&state=failing", "/api/environments", "/api/environments?q=s", "/api", "/changes", "/changes?since=1", "/changes?feature=shop/" + name,
		"/features/shop/secretive", "/features/shop/" + name, "/logs/shop/secretive", "/logs/shop/" + name, "/features/shop/feature/secretive/two", "/features/shop/nothing", "/features", "/features/other/secretive", "//features/shop/secretive",
		"/act", "/nothing", "/static/nothing.css", "/static/", "/login", "/logout", "/login?next=/features/shop/secret", "/healthz", "/livez", "/metrics", "/slack", "/favicon.ico", "/robots.txt", "/debug/pprof/",
		"/features/shop/..%2f..%2fapi/environments", "/features/%00", "*",
	}
}

func TestWithoutASessionNoByteOfAFeatureLeaves(t *testing.T) {
	p := newPlot(t)
	d, marks := p.exposed(Config{
		Access: access.Config{People: boardPeople, Metrics: "metrics-token-0123456789"}, Slack: Presses{SigningSecret: notifytest.SigningSecret},
	})
	name := marks[2]
	kim, stranger := d.visit(t, boardPeople[0].Token), d.visit(t, "")
	must.Wait(t, "a person is shown the features", func() bool { _, text := kim.get("/"); return strings.Contains(text, name) })
	headers := []http.Header{
		{}, {"Accept": {"text/html"}}, {"Accept": {"application/json"}}, {"Accept": {"text/event-stream"}, "Last-Event-Id": {"1"}},
		{"Cookie": {d.gateCookie() + "=nothing"}}, {"X-Forwarded-User": {"kim"}, "X-Forwarded-For": {"127.0.0.1"}}, {"Authorization": {"Bearer " + boardPeople[0].Token}},
		{"Origin": {"http://127.0.0.1"}, "Sec-Fetch-Site": {"same-origin"}}, {"Accept-Encoding": {"gzip"}},
	}
	asked := 0
	for _, path := range routes(name) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"} {
			for _, h := range headers {
				r, err := http.NewRequest(method, d.url, nil)
				must.Succeed(t, err)
				r.URL.Opaque = path // as it is written
				r.Header = h.Clone()
				code, text := stranger.do(r)
				for _, mark := range marks {
					if strings.Contains(text, mark) && !strings.Contains(path, mark) { // else it is an echo
						t.Errorf("%s %s with %v: the answer %d has %q: %s", method, path, h, code, mark, text)
					}
				}
				asked++
			}
		}
	}
	if asked < 2000 {
		t.Errorf("only %d requests were sent", asked)
	}
}

// gateCookie is the name of the session's cookie.
func (d running) gateCookie() string {
	return fmt.Sprintf("beansprout-%d", addressOf(d.config.Listener).Port())
}

// An answer tells neither by its text nor by its headers whether there is a feature.
func TestWithoutASessionAllPagesAreAlike(t *testing.T) {
	p := newPlot(t)
	d, marks := p.exposed(Config{Access: access.Config{People: boardPeople}})
	stranger := d.visit(t, "")
	answer := func(path string) string {
		code, text := stranger.get(path)
		var lines []string
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "Date:") {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return fmt.Sprint(code, lines)
	}
	want := answer("/nothing")
	for _, path := range []string{"/", "/features/shop/secretive", "/features/shop/nothing", "/features/shop/" + marks[2], "/logs/shop/" + marks[2], "/features/other/secretive", "/api/environments", "/api/none", "/changes", "/act"} {
		if got := answer(path); got != want {
			t.Errorf("%s is answered %s, want %s", path, got, want)
		}
	}
	if board.Address("shop", "secretive", marks[2]) != "/features/shop/secretive" {
		t.Error("the pages of features are elsewhere")
	}
}

func TestHealthIsToldInDetailOnlyToThoseWhoMayLook(t *testing.T) {
	p := newPlot(t)
	d, marks := p.exposed(Config{Access: access.Config{People: boardPeople}})
	code, text := d.visit(t, "").get("/healthz")
	if code != http.StatusServiceUnavailable || strings.Contains(text, marks[2]) || !strings.Contains(text, "the last sweep failed") {
		t.Errorf("a stranger is told %d %s", code, text)
	}
	if _, text := d.visit(t, boardPeople[0].Token).get("/healthz"); !strings.Contains(text, "the last sweep failed: environment "+marks[2]) {
		t.Errorf("a person is told %s", text)
	}
	local := p.run(Config{Applications: []Application{p.application(never)}})
	local.services[0].health.swept(time.Now(), errors.New("of secretive"))
	if _, text := local.visit(t, "").get("/healthz"); !strings.Contains(text, "of secretive") {
		t.Errorf("on loopback it tells %s", text)
	}
}

func TestABoardAloneSweepsNothing(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	const token = "an-invitation-0123456789"
	app := p.application("@every 1s")
	d := p.run(Config{
		Applications: []Application{app}, Live: true, BoardOnly: true,
		Access: access.Config{Invitation: access.Invitation{Name: "kim@laptop", Token: token}},
	})
	kim := d.visit(t, "")
	if code, text := kim.get("/login?invitation=" + token); code != http.StatusSeeOther {
		t.Fatalf("the invitation is answered %d: %s", code, text)
	}
	kim.post("/act", kim.form("protect", e, "reason", "a demonstration"))
	must.Wait(t, "it is protected", func() bool { return p.now("login").Protection() == "kim@laptop on the board keeps it" })
	if _, text := d.visit(t, "").get("/healthz"); !strings.Contains(text, `"applications":[]`) {
		t.Errorf("/healthz tells of sweeps: %s", text)
	}
	d.stop()
	if waiting, swept := p.logged.with(t, "waiting"), p.logged.with(t, "sweep"); len(waiting)+len(swept) != 0 {
		t.Errorf("it sweeps: %v, %v", waiting, swept)
	}
}
