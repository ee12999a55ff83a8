package access

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/test/must"
)

const (
	kimToken     = "kims-token-0123456789"
	leeToken     = "lees-token-0123456789"
	metricsToken = "metrics-token-0123456789"
	marked       = "MARKED-FEATURE"
)

var (
	loopback = netip.MustParseAddrPort("127.0.0.1:2328")
	exposed  = netip.MustParseAddrPort("0.0.0.0:2328")
	people   = []Person{{"kim", kimToken}, {"lee", leeToken}}
)

// site is a gate at work in front of handlers that name a feature.
type site struct {
	*testing.T
	*Gate
	url    string
	logged *bytes.Buffer

	mu   sync.Mutex
	time time.Time
	acts []string // by whom
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(d)
}

func newSite(t *testing.T, c Config) *site {
	t.Helper()
	s := &site{T: t, time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), logged: new(bytes.Buffer)}
	c.Now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.time }
	c.Log = slog.New(slog.NewTextHandler(s.logged, nil))
	if !c.Address.IsValid() {
		c.Address = loopback
	}
	g, err := New(c)
	must.Succeed(t, err)
	s.Gate = g
	mux := http.NewServeMux()
	g.Routes(mux)
	board := http.NewServeMux()
	board.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, marked+" for "+g.Viewer(r)+" form "+g.Seal(r, "extend", "e-1"))
	})
	board.HandleFunc("GET /wait", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.Handle("/", g.Reading(board))
	mux.Handle("POST /act", g.Acting(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, err := g.Spend(r, r.PostFormValue("token"), "extend", r.PostFormValue("id"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acts = append(s.acts, name)
	})))
	mux.Handle("GET /metrics", g.Metrics(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "counts") })))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // else a stream would keep it
		server.Close()
	})
	s.url = server.URL
	return s
}

// browser is a client with cookies that follows no redirect.
func (s *site) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type header map[string]string

// ask sends a request and returns the status and all of the answer. The header Host is the request's.
func (s *site) ask(c *http.Client, method, path string, h header, form url.Values) (int, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(form.Encode()))
	must.Succeed(s.T, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range h {
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	resp, err := c.Do(r)
	must.Succeed(s.T, err)
	defer resp.Body.Close()
	var all bytes.Buffer
	must.Succeed(s.T, resp.Header.Write(&all))
	_, err = io.Copy(&all, resp.Body)
	must.Succeed(s.T, err)
	return resp.StatusCode, all.String()
}

// logIn returns a browser in which a person is logged in.
func (s *site) logIn(token string) *http.Client {
	s.Helper()
	c := s.browser()
	if code, text := s.ask(c, "POST", "/login", nil, url.Values{"token": {token}}); code != http.StatusSeeOther {
		s.Fatalf("the login is answered %d: %s", code, text)
	}
	return c
}

// form returns the token of the form on the page.
func (s *site) form(c *http.Client) string {
	s.Helper()
	_, text := s.ask(c, "GET", "/", nil, nil)
	_, token, ok := strings.Cut(text, " form ")
	if !ok || token == "" {
		s.Fatalf("the page has no form: %s", text)
	}
	return token
}

func TestWithoutASessionNothingIsTold(t *testing.T) {
	s := newSite(t, Config{Address: exposed, People: people})
	var answers []string
	for _, path := range []string{"/", "/wait", "/features/shop/login", "/features/shop/none", "/api/environments", "/changes", "/none?x=1", "/act"} {
		code, text := s.ask(s.browser(), "GET", path, header{"Accept": "text/html"}, nil)
		if code != http.StatusUnauthorized || strings.Contains(text, marked) {
			t.Errorf("%s is answered %d: %s", path, code, text)
		}
		answers = append(answers, strings.ReplaceAll(text, `value="`+path, `value="PATH`))
	}
	for i, text := range answers {
		if without := dateless(text); without != dateless(answers[0]) && !strings.Contains(text, "/act") {
			t.Errorf("answer %d differs from the first one:\n%s\n%s", i, without, dateless(answers[0]))
		}
	}
	if _, text := s.ask(s.logIn(kimToken), "GET", "/", nil, nil); !strings.Contains(text, marked+" for kim") {
		t.Errorf("a person is told %s", text)
	}
}

// dateless returns an answer without the lines that differ by time and by the length of the path.
func dateless(answer string) string {
	var rest []string
	for line := range strings.Lines(answer) {
		if !strings.HasPrefix(line, "Date:") && !strings.HasPrefix(line, "Content-Length:") {
			rest = append(rest, line)
		}
	}
	return strings.Join(rest, "")
}

func TestReadingOnLoopbackNeedsNoPerson(t *testing.T) {
	proxy := Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, tt := range []struct {
		name   string
		config Config
		header header
		want   int
	}{
		{"on loopback", Config{}, nil, 200},
		{"with people", Config{People: people}, nil, 200},
		{"on all interfaces", Config{Address: exposed}, nil, 401},
		{"through a proxy that says so", Config{}, header{"X-Forwarded-For": "203.0.113.9"}, 401},
		{"through one that says Forwarded", Config{}, header{"Forwarded": "for=203.0.113.9"}, 401},
		{"through one that says Via", Config{}, header{"Via": "1.1 proxy"}, 401},
		{"by the name that a proxy forwards", Config{Hosts: []string{"board.example.com"}}, header{"Host": "board.example.com"}, 401},
		{"from a listed proxy", Config{Proxy: proxy}, nil, 401},
		{"from a listed proxy with a person", Config{Proxy: proxy}, header{"X-Forwarded-User": "kim"}, 200},
		{"for a page of another site", Config{}, header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403},
		{"for a page of another port", Config{}, header{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403},
		{"by a link on another site", Config{}, header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"in a frame of another site", Config{}, header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"for its own page", Config{}, header{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200},
	} {
		s := newSite(t, tt.config)
		code, text := s.ask(s.browser(), "GET", "/", tt.header, nil)
		if code != tt.want || strings.Contains(text, marked) != (code == 200) {
			t.Errorf("%s: %d, want %d: %s", tt.name, code, tt.want, text)
		}
	}
}

func TestTheHostIsChecked(t *testing.T) {
	s := newSite(t, Config{People: people, Hosts: []string{"board.example.com", "[2001:db8::1]"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:2328": 200, "LOCALHOST": 200, "localhost.": 200, "127.0.0.1": 200, "127.0.0.1:80": 200, "[::1]": 200, "[::1]:2328": 200,
		"board.localhost": 200, "a.b.localhost:1": 200,
		"board.example.com": 401, "Board.Example.com:443": 401, "[2001:db8::1]:1": 401,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.nip.io": 421, "evillocalhost": 421, "board.example.com.evil.example": 421,
		"xboard.example.com": 421, "127.0.0.2": 421, "10.0.0.1": 421, "0.0.0.0": 421, "0": 421, "2130706433": 421, "[::]": 421, "[::ffff:127.0.0.1]": 200,
		"localhost:2328:80": 421, "evil.example\\localhost": 421, "localhost@evil.example": 421,
	} {
		code, text := s.ask(s.browser(), "GET", "/", header{"Host": host}, nil)
		if code != want || strings.Contains(text, marked) != (code == 200) {
			t.Errorf("Host %q: %d, want %d", host, code, want)
		}
		if want != 421 {
			continue
		}
		for _, path := range []string{"/login", "/metrics"} {
			if code, text := s.ask(s.browser(), "GET", path, header{"Host": host}, nil); code < 400 || strings.Contains(text, "counts") {
				t.Errorf("%s with Host %q: %d", path, host, code)
			}
		}
		if code, _ := s.ask(s.browser(), "POST", "/login", header{"Host": host}, url.Values{"token": {kimToken}}); code != 421 {
			t.Errorf("a login with Host %q: %d", host, code)
		}
	}
}

func TestTheMetricsTakeABearerToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		header header
		want   int
	}{
		{"on loopback", Config{}, nil, 200},
		{"on loopback through a proxy", Config{}, header{"X-Forwarded-For": "203.0.113.9"}, 403},
		{"on all interfaces", Config{Address: exposed}, nil, 403},
		{"with a token that is not sent", Config{Metrics: metricsToken}, nil, 401},
		{"with another token", Config{Metrics: metricsToken}, header{"Authorization": "Bearer " + metricsToken + "x"}, 401},
		{"with a person's token", Config{Metrics: metricsToken, People: people}, header{"Authorization": "Bearer " + kimToken}, 401},
		{"with the token", Config{Address: exposed, Metrics: metricsToken}, header{"Authorization": "Bearer " + metricsToken, "Host": "prometheus-target.monitoring"}, 200},
		{"with the token as a password", Config{Metrics: metricsToken}, header{"Authorization": "Basic " + metricsToken}, 401},
		{"with an empty token", Config{Address: exposed}, header{"Authorization": "Bearer "}, 403},
	} {
		s := newSite(t, tt.config)
		code, text := s.ask(s.browser(), "GET", "/metrics", tt.header, nil)
		if code != tt.want || strings.Contains(text, "counts") != (code == 200) {
			t.Errorf("%s: %d, want %d: %s", tt.name, code, tt.want, text)
		}
	}
}

func TestOnlyAPersonActs(t *testing.T) {
	s := newSite(t, Config{People: people, Hosts: []string{"board.example.com"}})
	kim, lee := s.logIn(kimToken), s.logIn(leeToken)
	good := func() url.Values { return url.Values{"token": {s.form(kim)}, "id": {"e-1"}} }
	spent := good()
	if code, text := s.ask(kim, "POST", "/act", nil, spent); code != 200 || len(s.acts) != 1 || s.acts[0] != "kim" {
		t.Fatalf("a form is answered %d: %s; %q", code, text, s.acts)
	}
	for _, tt := range []struct {
		name   string
		who    *http.Client
		method string
		header header
		form   url.Values
		want   int
	}{
		{"again", kim, "POST", nil, spent, 409},
		{"without a session", s.browser(), "POST", nil, good(), 401},
		{"another person's form", lee, "POST", nil, good(), 409},
		{"for another environment", kim, "POST", nil, url.Values{"token": {s.form(kim)}, "id": {"e-2"}}, 409},
		{"without a token", kim, "POST", nil, url.Values{"id": {"e-1"}}, 409},
		{"with a token that is none", kim, "POST", nil, url.Values{"id": {"e-1"}, "token": {"x.y"}}, 409},
		{"by GET", kim, "GET", nil, nil, 404},
		{"from another site", kim, "POST", header{"Sec-Fetch-Site": "cross-site"}, good(), 403},
		{"from another port", kim, "POST", header{"Sec-Fetch-Site": "same-site"}, good(), 403},
		{"from another origin", kim, "POST", header{"Origin": "https://evil.example"}, good(), 403},
		{"from no origin that is known", kim, "POST", header{"Origin": "null"}, good(), 403},
		{"for another host", kim, "POST", header{"Host": "evil.example"}, good(), 421},
		{"with the header of a proxy that is not listed", s.browser(), "POST", header{"X-Forwarded-User": "kim"}, good(), 401},
	} {
		if code, text := s.ask(tt.who, tt.method, "/act", tt.header, tt.form); code != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, code, tt.want, text)
		}
	}
	if len(s.acts) != 1 {
		t.Errorf("they act: %q", s.acts)
	}
	old := good()
	s.advance(sessionTime)
	if code, _ := s.ask(kim, "POST", "/act", nil, old); code != 401 || len(s.acts) != 1 {
		t.Errorf("after the session's time a form is answered %d", code)
	}
}

// A proxy's person has no session that ends.
func TestAFormOfAProxysPersonGrowsOld(t *testing.T) {
	s := newSite(t, Config{Proxy: Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	kim := header{"X-Forwarded-User": "kim"}
	form := func() url.Values {
		_, text := s.ask(s.browser(), "GET", "/", kim, nil)
		_, token, _ := strings.Cut(text, " form ")
		return url.Values{"token": {token}, "id": {"e-1"}}
	}
	young, old := form(), form()
	if code, text := s.ask(s.browser(), "POST", "/act", header{"X-Forwarded-User": "lee"}, form()); code != 409 {
		t.Errorf("another person's form is answered %d: %s", code, text)
	}
	s.advance(formTime)
	if code, text := s.ask(s.browser(), "POST", "/act", kim, young); code != 200 {
		t.Errorf("a form is answered %d: %s", code, text)
	}
	s.advance(time.Second)
	if code, text := s.ask(s.browser(), "POST", "/act", kim, old); code != 409 || !strings.Contains(text, "too old") {
		t.Errorf("an old form is answered %d: %s", code, text)
	}
	if code, _ := s.ask(s.browser(), "POST", "/act", nil, form()); code != 401 || len(s.acts) != 1 {
		t.Errorf("without the header a form is answered %d; acts: %q", code, s.acts)
	}
}

func FuzzHostOf(f *testing.F) {
	for _, host := range []string{"localhost:2328", "[::1]:2328", "[::1]", "board.example.com.", "::1", "a:b:c", "", "localhost:80:80", "LOCALHOST"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, header string) {
		host := hostOf(header)
		if isLoopbackName(host) && !strings.Contains(strings.ToLower(header), "localhost") && !strings.Contains(header, "127.0.0.1") && !strings.Contains(header, "::1") {
			t.Errorf("%q is taken for this machine", header)
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	for _, path := range []string{"/", "/features/shop/a%20b?x=1#y", "//evil", "///evil", "/\\evil", "https://evil", "/%2f/evil", "/\tevil"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		local := localPath(path)
		if u, err := url.Parse(local); err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(local, "/") || strings.HasPrefix(local, "//") || strings.ContainsAny(local, "\\\t\r\n") {
			t.Errorf("%q leads to %q", path, local)
		}
	})
}
