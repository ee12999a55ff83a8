package board

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

// crowd returns features as a company has them: what differs differs, such as commits, and what repeats repeats.
func crowd(n int) []envs.Environment {
	random := mathrand.New(mathrand.NewPCG(1, 2))
	words := strings.Fields("add fix remove checkout login search cart payment invoice retry timeout cache header footer mobile price order stock report export import token session")
	pick := func() string { return words[random.IntN(len(words))] }
	hex := func(digits int) string {
		var b strings.Builder
		for range digits {
			fmt.Fprintf(&b, "%x", random.IntN(16))
		}
		return b.String()
	}
	all := make([]envs.Environment, n)
	for i := range all {
		feature := fmt.Sprintf("feature/SHOP-%d-%s-%s-%s", 1000+random.IntN(9000), pick(), pick(), pick())
		e := environment(feature)
		e.Name = fmt.Sprintf("shop-%.23s-%s", strings.ToLower(strings.ReplaceAll(feature, "/", "-")), hex(10))
		e.ID, e.Commit, e.CNAME = "e-"+hex(10), hex(40), e.Name+".eu-central-1.elasticbeanstalk.com"
		e.Owner = fmt.Sprintf("%s %s", words[i%20], words[i%7])
		e.Created = midnight.Add(-time.Duration(random.IntN(10*24*3600)) * time.Second)
		e.Expires = e.Created.Add(10 * 24 * time.Hour)
		e.Record = &store.Record{Counter: 1, Environment: e.ID, Feature: feature, LastDeploy: store.LastDeploy{
			At: e.Created.Add(time.Duration(random.IntN(3600)) * time.Second), Subject: fmt.Sprintf("%s the %s of the %s when the %s is empty (#%d)", pick(), pick(), pick(), pick(), random.IntN(10000)),
			BuildURL: fmt.Sprintf("https://ci.example.com/job/shop/job/feature%%252FSHOP/%d/", random.IntN(1000)),
		}}
		if random.IntN(20) == 0 {
			e.Record.Protected = &store.Protection{By: "kim", Reason: pick() + " for the customer"}
		}
		all[i] = e
	}
	return all
}

func TestAThousandFeaturesFitOnAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, crowd(1000)...)
		plain := p.get(t, "/")
		if n := strings.Count(plain.Body.String(), "data-key="); n != 1000 {
			t.Fatalf("%d rows", n)
		}
		zipped := p.get(t, "/?q=login", "Accept-Encoding", "br, gzip")
		t.Logf("the page has %d bytes, and %d in gzip", plain.Body.Len(), zipped.Body.Len())
		if plain.Body.Len() >= 1e6 || zipped.Body.Len() >= 150e3 || zipped.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("the page has %d bytes, and %d in %s", plain.Body.Len(), zipped.Body.Len(), zipped.Header().Get("Content-Encoding"))
		}
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || string(text) != p.get(t, "/?q=login").Body.String() {
			t.Errorf("what was compressed is another page, or none: %v", err)
		}
	})
}

// benchBoard returns a board that has read a thousand features.
func benchBoard(b *testing.B) (*Board, *http.ServeMux, *cloud) {
	c := &cloud{snapshot: envs.Snapshot{Environments: crowd(1000)}}
	board, mux := New(Config{Sources: []Source{c.source()}}), http.NewServeMux()
	board.Routes(mux)
	board.hub.read(b.Context(), board.hub.feeds[0])
	board.hub.feeds[0].due = time.Now().Add(time.Hour)
	board.hub.feeds[0].at = time.Now().Add(time.Hour)
	return board, mux, c
}

// BenchmarkBoardPage is the time from a request to the last byte of a page of a thousand features.
func BenchmarkBoardPage(b *testing.B) {
	for name, headers := range map[string]map[string]string{"plain": {}, "gzip": {"Accept-Encoding": "gzip"}} {
		for _, path := range []string{"/", "/?q=login+cart&sort=-expires", "/api/environments"} {
			b.Run(name+path, func(b *testing.B) {
				_, mux, _ := benchBoard(b)
				for b.Loop() {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					for k, v := range headers {
						r.Header.Set(k, v)
					}
					w := httptest.NewRecorder()
					if mux.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}

// BenchmarkBoardReading is what the board does with a reading of a thousand features: the first one, one in which
// nothing has changed, and one in which a feature has.
func BenchmarkBoardReading(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			benchBoard(b)
		}
	})
	for name, changed := range map[string]bool{"same": false, "changed": true} {
		b.Run(name, func(b *testing.B) {
			board, _, c := benchBoard(b)
			for n := 0; b.Loop(); n++ {
				if changed {
					c.snapshot.Environments[n%1000].Owner = fmt.Sprint("owner ", n)
				}
				board.hub.read(b.Context(), board.hub.feeds[0])
			}
		})
	}
}

// BenchmarkBoardChange is the time from a reading in which one of a thousand features has changed until the last of
// fifty clients has it. Each also reports how much the heap has grown by for each change, which is to be nothing.
func BenchmarkBoardChange(b *testing.B) {
	board, mux, c := benchBoard(b)
	server := httptest.NewServer(mux)
	defer server.Close()
	defer board.hub.close()
	const clients = 50
	received := make(chan string, clients)
	for range clients {
		resp, err := http.Get(server.URL + "/changes?since=" + board.hub.state.reading())
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		go func() {
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
					received <- id
				}
			}
		}()
	}
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	for n := 0; b.Loop(); n++ {
		c.snapshot.Environments[n%1000].Owner = fmt.Sprint("owner ", n)
		board.hub.read(b.Context(), board.hub.feeds[0])
		s, _ := board.hub.current()
		for range clients {
			if id := <-received; id != s.reading() {
				b.Fatalf("%s came, want %s", id, s.reading())
			}
		}
	}
	b.ReportMetric((heap()-before)/float64(b.N), "heap-B/op")
}
