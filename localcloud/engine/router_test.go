package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHostNamesTheEnvironment(t *testing.T) {
	tests := map[string]string{
		"shop.localhost": "shop", "shop.localhost:2327": "shop", "SHOP.Localhost.": "shop", "a-b.localhost:1": "a-b",
		"localhost": "", "localhost:2327": "", ".localhost": "", "a.eu-west-1.localhost": "a.eu-west-1", "a.b.c.localhost": "", "shop.example.com": "", "127.0.0.1:2327": "", "[::1]:80": "", "": "",
	}
	for host, want := range tests {
		if got, ok := prefixOf(host); ok != (want != "") || ok && got != want {
			t.Errorf("prefixOf(%q) = %q, %t, want %q", host, got, ok, want)
		}
	}
}

func TestUnknownPrefixesGetAPageThatEscapesThem(t *testing.T) {
	var s sites
	router := s.Router(func(string) (string, bool) { return "", false })
	for _, host := range []string{"<script>.localhost", "localhost"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		router.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<script>") || !strings.Contains(w.Body.String(), "CNAME prefix") {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
}

// portOf starts a server and returns its port.
func portOf(t *testing.T, h http.Handler) (*httptest.Server, int) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return server, port
}

// Servers replace the generations here. The test proves that a switch loses no request.
func TestSwitchWaitsForEarlierRequests(t *testing.T) {
	var s sites
	site := s.site("e-abcdefghij")
	get := visit(t, &s)
	start := func(i int) (*httptest.Server, *target) {
		server, port := portOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(20 * time.Millisecond)
			}
			fmt.Fprint(w, "generation ", i)
		}))
		return server, newProxy(t.Context(), strconv.Itoa(i), port)
	}
	server, first := start(0)
	site.swap(first, "")
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 8 {
		path := []string{"/", "/slow"}[i%2]
		clients.Go(func() {
			for ctx.Err() == nil {
				want(t, get, path, 200, "generation")
			}
		})
	}
	for i := range 50 {
		next, t2 := start(i + 1)
		old := site.swap(t2, "")
		<-old.idle
		old.cut()
		server.CloseClientConnections()
		server.Close()
		server = next
	}
	stop()
	clients.Wait()
}

func TestCutEndsRequestsInFlight(t *testing.T) {
	var s sites
	entered := make(chan struct{})
	_, port := portOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}))
	site := s.site("e-abcdefghij")
	site.swap(newProxy(t.Context(), "1", port), "")
	get := visit(t, &s)
	answered := make(chan struct{})
	go func() {
		want(t, get, "/", 502, "ended before")
		close(answered)
	}()
	<-entered
	old := site.swap(nil, "gone")
	old.cut()
	<-answered
	<-old.idle
	want(t, get, "/", 503, "gone")
}

func TestProxyKeepsTheHostAndForwardsTheClientsAddress(t *testing.T) {
	_, port := portOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s %s", r.Host, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"),
			r.Header.Get("X-Forwarded-Port"), r.URL.RawQuery)
	}))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/?a=b;c&d", nil)
	r.Host = "shop.localhost:2327"
	r.RemoteAddr = "127.0.0.1:5"
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	newProxy(t.Context(), "1", port).handler.ServeHTTP(w, r)
	if got, want := w.Body.String(), "shop.localhost:2327 192.0.2.1, 127.0.0.1 http 2327 a=b;c&d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProxyAnswersForASilentApplication(t *testing.T) {
	tests := map[string]struct {
		err  error
		want int
	}{
		"refused": {errors.New("connection refused"), 502},
		"timeout": {&net.OpError{Op: "read", Err: context.DeadlineExceeded}, 504},
	}
	for name, test := range tests {
		w := httptest.NewRecorder()
		unreachable(w, httptest.NewRequest(http.MethodGet, "/", nil), test.err)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
	}
}

func TestStreamReachesTheClientAtOnce(t *testing.T) {
	next := make(chan struct{})
	_, port := portOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	server := httptest.NewServer(newProxy(t.Context(), "1", port).handler)
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	line := make([]byte, 2)
	for i := range 3 {
		if _, err := io.ReadFull(response.Body, line); err != nil || string(line) != fmt.Sprintln(i) {
			t.Fatalf("got %q, %v, want %d before the next is written", line, err, i)
		}
		next <- struct{}{}
	}
}

func TestPretend(t *testing.T) {
	p := &Pretend{Outcome: func(d Deployment) error {
		if d.Version == "bad" {
			return Fail("no\nluck")
		}
		return nil
	}}
	get := visit(t, p)
	want(t, get, "/", 503, "is being started")
	if err := p.Deploy(t.Context(), deploymentOf("", nil)); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "sample application")
	if err := p.Deploy(t.Context(), deploymentOf("v1<", []byte("anything"))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "shop-login", "v1&lt;")
	var failure *Failure
	if err := p.Deploy(t.Context(), deploymentOf("bad", []byte("anything"))); !errors.As(err, &failure) || failure.Reason() != "no luck" {
		t.Errorf("got %v, want a *Failure in one line", err)
	}
	want(t, get, "/", 200, "v1&lt;")
	p.Answer = func(Deployment) http.Handler { return http.NotFoundHandler() }
	if err := p.Deploy(t.Context(), deploymentOf("v2", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 404, "404")
	if err := p.Terminate(t.Context(), "e-abcdefghij"); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 503, "terminated")
	if text, _, err := p.Tail(t.Context(), "e-abcdefghij", 1); text != "" || err != nil {
		t.Errorf("Tail = %q, %v", text, err)
	}
}

func TestOneLineIsOneCleanLine(t *testing.T) {
	tests := map[string]string{
		"a\r\n\tb": "a b", "\x1b[31mred\x1b[0m": "[31mred [0m", "\u202eevil": "evil", "bad\xff": "bad?", "": "", " \n ": "", "ключ 값": "ключ 값",
		"12345678901234567": "123456789012345...",
	}
	for text, want := range tests {
		if got := oneLine(text, 15); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", text, got, want)
		}
	}
}

// answerOf returns what a target answers.
func answerOf(to *target, path string) (int, string) {
	w := httptest.NewRecorder()
	to.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}
