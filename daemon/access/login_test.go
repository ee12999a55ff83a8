package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"beansprout/test/must"
)

// cookie returns the session's cookie of a browser, or "".
func (s *site) cookie(c *http.Client) string {
	u, err := url.Parse(s.url)
	must.Succeed(s.T, err)
	for _, cookie := range c.Jar.Cookies(u) {
		return cookie.Name + "=" + cookie.Value
	}
	return ""
}

// reads reports whether a request with a cookie is let through.
func (s *site) reads(cookie string) bool {
	code, _ := s.ask(s.browser(), "GET", "/", header{"Cookie": cookie}, nil)
	return code == 200
}

func TestASessionEnds(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people})
	kim := s.logIn(kimToken)
	first := s.cookie(kim)
	if !s.reads(first) || s.reads(first+"x") || s.reads("beansprout=") {
		t.Fatal("the session is not what lets through")
	}
	s.ask(kim, "POST", "/login", nil, url.Values{"token": {kimToken}})
	second := s.cookie(kim)
	if second == first || s.reads(first) || !s.reads(second) {
		t.Error("a login goes on with the session from before")
	}
	if code, _ := s.ask(kim, "POST", "/logout", header{"Sec-Fetch-Site": "cross-site"}, nil); code != 403 || !s.reads(second) {
		t.Error("another site can log a person out")
	}
	s.ask(kim, "POST", "/logout", nil, nil)
	if s.reads(second) || s.cookie(kim) != "" {
		t.Error("a logout does not end the session")
	}
	third := s.cookie(s.logIn(kimToken))
	s.advance(sessionTime - time.Second)
	if !s.reads(third) {
		t.Error("the session ends before its time")
	}
	s.advance(time.Second)
	if s.reads(third) {
		t.Error("the session does not end")
	}
}

func TestAPersonHasALimitedNumberOfSessions(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people})
	other := s.cookie(s.logIn(leeToken))
	var all []string
	for range personSessions + 3 {
		s.advance(time.Second)
		all = append(all, s.cookie(s.logIn(kimToken)))
	}
	for i, cookie := range all {
		if s.reads(cookie) != (i >= 3) {
			t.Errorf("session %d of %d: %v", i, len(all), s.reads(cookie))
		}
	}
	if !s.reads(other) {
		t.Error("the sessions of one person end those of another")
	}
	s.advance(sessionTime)
	s.logIn(leeToken)
	if n := len(s.sessions.all); n != 1 {
		t.Errorf("%d sessions are remembered, want 1", n)
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people})
	kim := s.logIn(kimToken)
	resp, err := kim.Get(s.url + "/wait")
	must.Succeed(t, err)
	defer resp.Body.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = resp.Body.Read(make([]byte, 1))
	}()
	s.ask(kim, "POST", "/logout", nil, nil)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("it goes on after the logout")
	}
}

func TestTheCookieIsForThisSiteAlone(t *testing.T) {
	proxy := Proxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, tt := range []struct {
		config Config
		header header
		want   string
	}{
		{Config{}, nil, "Set-Cookie: beansprout-PORT=ID; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"},
		{Config{}, header{"Host": "localhost"}, "Set-Cookie: beansprout=ID; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"},
		{Config{}, header{"X-Forwarded-Proto": "https"}, "Set-Cookie: beansprout-PORT=ID; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"},
		{Config{Proxy: proxy}, header{"X-Forwarded-Proto": "http"}, "Set-Cookie: beansprout-PORT=ID; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"},
		{Config{Proxy: proxy}, header{"X-Forwarded-Proto": "https"}, "Set-Cookie: __Host-beansprout=ID; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict"},
	} {
		tt.config.People = people
		s := newSite(t, tt.config)
		_, text := s.ask(s.browser(), "POST", "/login", tt.header, url.Values{"token": {kimToken}})
		for line := range strings.Lines(text) {
			name, rest, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok || !strings.HasPrefix(name, "Set-Cookie") {
				continue
			}
			id, attributes, _ := strings.Cut(rest, ";")
			got := strings.Replace(name+"=ID;"+attributes, s.url[strings.LastIndexByte(s.url, ':')+1:], "PORT", 1)
			if got != tt.want || len(id) < 40 {
				t.Errorf("%v: %s, want %s", tt.header, got, tt.want)
			}
		}
		if !strings.Contains(text, "Set-Cookie") {
			t.Errorf("%v: no cookie: %s", tt.header, text)
		}
	}
}

func TestALoginGoesOnWhereItWasAskedFor(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people, Style: "/static/style.css"})
	_, text := s.ask(s.browser(), "GET", "/features/shop/a%20b?owner=%22%3E%3Cscript%3E", header{"Accept": "text/html"}, nil)
	for _, want := range []string{`name="next" value="/features/shop/a%20b?owner=%22%3E%3Cscript%3E"`, `href="/static/style.css"`, "frame-ancestors 'none'", "Cache-Control: no-store", "You are not logged in"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s: %s", want, text)
		}
	}
	for next, want := range map[string]string{
		"/features/shop/login?x=1#y": "/features/shop/login?x=1#y", "": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "https://evil.example/": "/",
		"javascript:alert(1)": "/", "/\t/evil.example": "/", "features": "/", "/login?next=/login": "/", "/" + strings.Repeat("x", 2000): "/", "/%2f/evil.example": "/%2f/evil.example",
	} {
		_, text := s.ask(s.browser(), "POST", "/login", nil, url.Values{"token": {kimToken}, "next": {next}})
		if !strings.Contains(text, "Location: "+want+"\r\n") {
			t.Errorf("after a login for %q: want %s: %s", next, want, text)
		}
	}
	link := header{"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
	if _, text := s.ask(s.browser(), "GET", "/", link, nil); !strings.Contains(text, `http-equiv="refresh"`) {
		t.Error("a link on another site does not ask again, with the cookie")
	}
	link["Sec-Fetch-Site"] = "same-origin"
	if _, text := s.ask(s.browser(), "GET", "/", link, nil); strings.Contains(text, `http-equiv="refresh"`) {
		t.Error("the page asks again and again")
	}
}

func TestWrongTokensSlowAnAddressDown(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people})
	attempt := func(token string) int {
		code, _ := s.ask(s.browser(), "POST", "/login", nil, url.Values{"token": {token}})
		return code
	}
	for i := range freeAttempts {
		if code := attempt(fmt.Sprintf("wrong-token-%010d", i)); code != 401 {
			t.Fatalf("wrong token %d is answered %d", i, code)
		}
	}
	if code := attempt(kimToken); code != 429 {
		t.Errorf("after %d wrong tokens the next one is answered %d", freeAttempts, code)
	}
	s.advance(attemptInterval)
	if code := attempt("wrong-token-0000000000"); code != 401 {
		t.Errorf("after a while a wrong token is answered %d", code)
	}
	if code := attempt(kimToken); code != 429 {
		t.Errorf("at once the next one is answered %d", code)
	}
	s.advance(attemptInterval)
	if code := attempt(kimToken); code != 303 {
		t.Errorf("the right token is answered %d", code)
	}
	if code := attempt("wrong-token-0000000000"); code != 401 {
		t.Errorf("a wrong one after a right one is answered %d", code)
	}
	if logged := s.logged.String(); strings.Contains(logged, "wrong-token") || strings.Contains(logged, kimToken) || !strings.Contains(logged, "name=kim") {
		t.Errorf("the log: %s", logged)
	}
}

func TestAddressesAreForgotten(t *testing.T) {
	a := attempts{all: map[netip.Prefix]attempt{}}
	now := time.Unix(0, 0)
	for i := range 3 * maxAddresses {
		now = now.Add(time.Millisecond)
		a.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if len(a.all) > maxAddresses {
			t.Fatalf("%d addresses are remembered", len(a.all))
		}
	}
	one, two := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for range freeAttempts {
		a.take(one, now)
	}
	if a.take(two, now) == 0 {
		t.Error("each address of one customer's network may guess")
	}
}

func TestAnInvitationOpensOneSession(t *testing.T) {
	const token = "an-invitation-0123456789"
	s := newSite(t, Config{Invitation: Invitation{"kim@laptop", token}})
	for _, wrong := range []string{token + "x", token[1:], " "} {
		if code, _ := s.ask(s.browser(), "GET", "/login?invitation="+url.QueryEscape(wrong), nil, nil); code != 401 {
			t.Errorf("the invitation %q is answered %d", wrong, code)
		}
	}
	if code, text := s.ask(s.browser(), "HEAD", "/login?invitation="+token, nil, nil); code != 401 || strings.Contains(text, "Set-Cookie") {
		t.Errorf("a program that only looks what the link is gets %d: %s", code, text)
	}
	kim := s.browser()
	if code, text := s.ask(kim, "GET", "/login?invitation="+token, nil, nil); code != 303 || !strings.Contains(text, "Location: /\r\n") {
		t.Fatalf("the invitation is answered %d: %s", code, text)
	}
	if _, text := s.ask(kim, "GET", "/", nil, nil); !strings.Contains(text, marked+" for kim@laptop form ") {
		t.Errorf("who was invited is shown %s", text)
	}
	if code, _ := s.ask(kim, "GET", "/login?invitation="+token, nil, nil); code != 303 {
		t.Errorf("in the same browser the link is answered %d", code)
	}
	if code, text := s.ask(s.browser(), "GET", "/login?invitation="+token, nil, nil); code != 401 || strings.Contains(text, "Set-Cookie") {
		t.Errorf("in another browser the link is answered %d: %s", code, text)
	}
	s.advance(sessionTime)
	if code, _ := s.ask(kim, "GET", "/login?invitation="+token, nil, nil); code != 401 {
		t.Errorf("after the session's time the link is answered %d", code)
	}
	if _, text := s.ask(kim, "GET", "/login", nil, nil); !strings.Contains(text, "Start the board again") {
		t.Errorf("who was invited is told how to log in again as %s", text)
	}
	uninvited := newSite(t, Config{})
	if code, text := uninvited.ask(uninvited.browser(), "GET", "/login?invitation=x", nil, nil); code != 401 || strings.Contains(text, "Set-Cookie") {
		t.Errorf("without an invitation a link is answered %d", code)
	}
}

func TestOnlyWhoHasLoggedInHereMayLogOut(t *testing.T) {
	proxy := Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	g, err := New(Config{Address: loopback, Proxy: proxy})
	must.Succeed(t, err)
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	if g.MayLogOut(r) {
		t.Error("without a person there is a logout")
	}
	r.AddCookie(&http.Cookie{Name: g.cookieName(r), Value: g.sessions.open("lee", time.Now())})
	if !g.MayLogOut(r) {
		t.Error("a session has no logout")
	}
	r.Header.Set("X-Forwarded-User", "kim")
	if g.MayLogOut(r) {
		t.Error("who the proxy has logged in may log out here")
	}
}
