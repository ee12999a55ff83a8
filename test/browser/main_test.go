//go:build !race

package browser

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// chromium is the one browser of these tests, nil where there is none.
var chromium *Chromium

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if !testing.Short() && Missing() == "" {
		c, err := Start()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer c.Close()
		chromium = c
	}
	return m.Run()
}

// blank opens an empty page, and skips the test where there is no browser.
func blank(t testing.TB) *Page {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	if chromium == nil {
		t.Skip(Missing())
	}
	return chromium.Page(t)
}

// serve answers each path with a page of HTML, and other paths with 404.
func serve(t testing.TB, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
			return
		case strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
		case strings.HasPrefix(r.URL.Path, "/strict"):
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
