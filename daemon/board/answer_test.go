package board

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"beansprout/envs"
	"beansprout/envs/envjson"
)

// addresses are one of each kind of answer.
var addresses = []string{"/", "/?state=runing", "/features/shop/login", "/features/shop/none", "/api/environments", "/api/environments?state=runing", "/static/none.css"}

func TestEachAnswerKeepsToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		for _, path := range append(addresses, p.board.Style(), "/changes") {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions} {
				if path == "/changes" && method == http.MethodGet {
					continue // does not end
				}
				w := httptest.NewRecorder()
				p.mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
				h := w.Header()
				if h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") == "" {
					t.Errorf("%s %s has the headers %v", method, path, h)
				}
				if refused := method != http.MethodGet && method != http.MethodHead; refused != (w.Code == http.StatusMethodNotAllowed) || refused && h.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s answers %d", method, path, w.Code)
				}
				if strings.Contains(h.Get("Cache-Control"), "public") != (path == p.board.Style() && w.Code == http.StatusOK) {
					t.Errorf("%s %s may be kept: %s", method, path, h.Get("Cache-Control"))
				}
			}
		}
	})
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		for _, path := range addresses {
			get, head := p.get(t, path), httptest.NewRecorder()
			p.mux.ServeHTTP(head, httptest.NewRequest(http.MethodHead, path, nil))
			if head.Code != get.Code || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") {
				t.Errorf("HEAD %s answers %d %v, and GET %d %v", path, head.Code, head.Header(), get.Code, get.Header())
			}
		}
	})
}

func TestTheAPIAnswersAsListDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login, search := environment("login"), environment("search")
		search.Owner, search.State = "Ann\u202e", envs.Updating
		zoo := environment("a")
		zoo.Application, zoo.Name, zoo.Owner = "zoo", "a-first", "Lee" // by name, as list has it
		p := newPlot(t, Config{}, search, login, zoo)
		for query, want := range map[string][]envs.Environment{
			"": {zoo, login, search}, "?owner=kim": {login}, "?state=updating": {search}, "?q=login+kim": {login}, "?owner=none": {}, "?state=removed": {}, "?application=shop": {login, search},
		} {
			text, err := envjson.List(want)
			if err != nil {
				t.Fatal(err)
			}
			w := p.get(t, "/api/environments"+query)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || !bytes.Equal(w.Body.Bytes(), text) {
				t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, text)
			}
			again := p.get(t, "/api/environments"+query, "If-None-Match", `"other", `+w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("%s: what the client has is answered %d", query, again.Code)
			}
		}
		if w := p.get(t, "/api/environments?state=runing"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `Was "running" meant?`) {
			t.Errorf("an unknown state is answered %d %s", w.Code, w.Body)
		}
	})
}

func TestAnUnknownValueInTheAddressIsASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		for query, want := range map[string]string{
			"state=runing": `There is no state "runing". Was "running" meant?`, "sort=-agee": `There is no column "-agee"`, "state=%ff%00": "",
		} {
			w := p.get(t, "/?"+query)
			if _, words := elements(t, w.Body.String()); w.Code != http.StatusOK || !strings.Contains(words, want) || !strings.Contains(words, "login") {
				t.Errorf("%s: %d %s", query, w.Code, words)
			}
		}
	})
}

func TestWhatABrowserPrefersChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		for _, path := range addresses {
			plain := p.get(t, path)
			odd := p.get(t, path, "Accept-Language", strings.Repeat("<script>,", 1000), "Accept", "application/xml", "Accept-Encoding", "br;q=1.0, gzip;q=0", "Referer", "javascript:alert(1)", "If-None-Match", "*,,")
			if odd.Code != plain.Code || odd.Body.String() != plain.Body.String() {
				t.Errorf("%s answers %d:\n%s\nand else %d:\n%s", path, odd.Code, odd.Body, plain.Code, plain.Body)
			}
		}
	})
}

func TestWhoTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{"": false, "gzip": true, "br, gzip": true, "GZIP ; q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "identity": false, "xgzip": false, "gzip;q=x": true} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := takesGzip(r); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
