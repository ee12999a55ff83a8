package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// get asks a site whose backend answers as given.
func get(t *testing.T, s site, backend http.HandlerFunc, path string) (int, string) {
	t.Helper()
	b := httptest.NewServer(backend)
	defer b.Close()
	s.backend, s.client = b.URL, b.Client()
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func well(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello & <more>") }

func ill(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }

func TestThePageSaysWhatItShows(t *testing.T) {
	s := site{feature: `<script>"x"`, commit: "0123456789abcdef", url: "http://shop.example/"}
	status, body := get(t, s, well, "/")
	if status != http.StatusOK {
		t.Errorf("got %d, want 200", status)
	}
	for _, want := range []string{`<h1>Hello from <em>&lt;script&gt;&#34;x&#34;</em></h1>`,
		`>0123456789ab<`, `<a href="http://shop.example/">http://shop.example/</a>`, `hello &amp; &lt;more&gt;`} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s\nwant %s in it", body, want)
		}
	}
}

func TestThePageSaysWhatIsMissing(t *testing.T) {
	_, body := get(t, site{}, well, "/")
	for _, want := range []string{"no feature", "no commit", "no URL"} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s\nwant %s in it", body, want)
		}
	}
}

func TestAnIllBackendMakesTheSiteIll(t *testing.T) {
	if status, body := get(t, site{}, ill, "/"); status != http.StatusBadGateway || !strings.Contains(body, "no answer") {
		t.Errorf("got %d %s, want 502 and no answer", status, body)
	}
	if status, _ := get(t, site{}, ill, "/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", status)
	}
	if status, body := get(t, site{}, well, "/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("got %d %q, want 200 ok", status, body)
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	if status, _ := get(t, site{}, well, "/nothing"); status != http.StatusNotFound {
		t.Errorf("got %d, want 404", status)
	}
}
