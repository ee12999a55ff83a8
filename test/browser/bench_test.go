//go:build !race

package browser

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/runtime"

	"beansprout/envs/store"
	"beansprout/test/lab"
	"beansprout/test/must"
)

const many = 1000 // features

// BenchmarkBoardVisible opens the page of a thousand features in Chromium.
func BenchmarkBoardVisible(b *testing.B) {
	s := newStage(b, crowd(many, time.Now()))
	p := blank(b)
	p.Wide(1400, 900)
	var visible, complete float64
	for b.Loop() {
		p.Open(s.url)
		p.Wait("the table", fmt.Sprintf(`document.querySelectorAll("#rows tr").length >= %d`, many))
		visible += Eval[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		complete += Eval[float64](p, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`)
	}
	size, packed := s.size(b)
	b.ReportMetric(visible/float64(b.N), "ms-visible")
	b.ReportMetric(complete/float64(b.N), "ms-script")
	b.ReportMetric(size, "page-B")
	b.ReportMetric(packed, "gzip-B")
	b.Logf("load %s", lab.LoadAverage())
}

// size returns how many bytes the page has, and how many of them a browser is sent.
func (s *stage) size(b *testing.B) (all, packed float64) {
	r, err := http.NewRequest(http.MethodGet, s.url, nil)
	must.Succeed(b, err)
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(r)
	must.Succeed(b, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must.Succeed(b, err)
	unpacked, err := gzip.NewReader(strings.NewReader(string(text)))
	must.Succeed(b, err)
	n, err := io.Copy(io.Discard, unpacked)
	must.Succeed(b, err)
	return float64(n), float64(len(text))
}

// BenchmarkBoardChange changes one of a thousand features while 50 clients and 8 tabs of a browser look. It measures
// from the end of the reading until all of them have the change.
func BenchmarkBoardChange(b *testing.B) {
	s := newStage(b, crowd(many, time.Now()))
	first := blank(b)
	tabs := []*Page{first}
	for range 7 {
		tabs = append(tabs, first.Tab())
	}
	for _, p := range tabs {
		p.Open(s.url)
		p.started()
		Eval[bool](p, `new MutationObserver(() => { window.changed = Date.now() }).observe(document.getElementById("rows"), { subtree: true, childList: true, characterData: true }) || true`)
	}
	clients := s.clients(b, 50)
	var inClients, inTabs time.Duration
	for i := 0; b.Loop(); i++ {
		status := fmt.Sprintf("Warning-%d", i)
		s.change(func() {
			s.snapshot.Environments[i].Health, s.snapshot.Environments[i].Status, s.readAt = "Yellow", status, time.Time{}
		})
		last := clients.have(status)
		var shown time.Time
		for _, p := range tabs {
			p.Wait("the change in a tab", rowOf(s.snapshot.Environments[i].Feature)+fmt.Sprintf(`?.innerText.includes(%q)`, status))
			if at := time.UnixMilli(int64(Eval[float64](p, "window.changed"))); at.After(shown) {
				shown = at
			}
		}
		inClients += last.Sub(s.readAt)
		inTabs += shown.Sub(s.readAt)
	}
	b.ReportMetric(float64(inClients.Milliseconds())/float64(b.N), "ms-50-clients")
	b.ReportMetric(float64(inTabs.Milliseconds())/float64(b.N), "ms-8-tabs")
	b.Logf("load %s", lab.LoadAverage())
}

// audience are clients that hear the stream of changes.
type audience struct {
	mu    sync.Mutex
	heard map[string][]time.Time
	size  int
	t     testing.TB
}

var readingOf = regexp.MustCompile(`data-reading="([^"]*)"`)

// clients opens n streams.
func (s *stage) clients(t testing.TB, n int) *audience {
	t.Helper()
	a := &audience{heard: map[string][]time.Time{}, size: n, t: t}
	page, err := http.Get(s.url)
	must.Succeed(t, err)
	text, err := io.ReadAll(page.Body)
	must.Succeed(t, err)
	page.Body.Close()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })
	for range n {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/changes?since="+readingOf.FindStringSubmatch(string(text))[1], nil)
		must.Succeed(t, err)
		resp, err := http.DefaultTransport.RoundTrip(r)
		must.Succeed(t, err)
		all.Go(func() { a.listen(resp.Body) })
	}
	return a
}

var statusOf = regexp.MustCompile(`Warning-\d+`)

func (a *audience) listen(stream io.ReadCloser) {
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		now := time.Now()
		for _, status := range statusOf.FindAllString(lines.Text(), -1) {
			a.mu.Lock()
			a.heard[status] = append(a.heard[status], now)
			a.mu.Unlock()
		}
	}
}

// have waits until all have heard of a status, and returns when the last one did.
func (a *audience) have(status string) (last time.Time) {
	must.Wait(a.t, "all clients have "+status, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.heard[status]) < a.size {
			return false
		}
		last = a.heard[status][a.size-1]
		return true
	})
	return last
}

// TestTenThousandChangesLeaveNothingBehind wants the page to need no more memory after many changes than after some.
func TestTenThousandChangesLeaveNothingBehind(t *testing.T) {
	if !lab.Soak() {
		t.Skip("BEANSPROUT_SOAK=1 runs it: it takes minutes")
	}
	const rounds, atOnce = 25, 400
	s := newStage(t, crowd(many, time.Now()))
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(s.url)
	p.started()
	var early footprint
	for round := range rounds {
		status := fmt.Sprintf("Warning-%d", round)
		s.change(func() {
			for i := range atOnce {
				e := &s.snapshot.Environments[(round*atOnce+i)%many]
				e.Health, e.Status, e.Record = "Yellow", status, new(*e.Record)
				e.Record.Counter++
				e.Record.LastDeploy = store.LastDeploy{At: time.Now(), Subject: "Change " + status}
			}
		})
		changed := s.snapshot.Environments[(round*atOnce)%many].Feature
		p.Wait("the changes", rowOf(changed)+fmt.Sprintf(`?.innerText.includes(%q)`, status))
		now := p.footprint()
		t.Logf("after %d changes the page uses %+v", (round+1)*atOnce, now)
		if round == 4 {
			early = now
		}
		if round > 4 && (now.nodes > early.nodes*11/10 || now.listeners > early.listeners*11/10 || now.megabytes > early.megabytes*1.5) {
			t.Fatalf("the page grows: it used %+v after 2,000 changes", early)
		}
	}
}

// footprint is what a page uses.
type footprint struct {
	nodes, listeners int64
	megabytes        float64
}

func (p *Page) footprint() footprint {
	p.Helper()
	p.Wait("no row that shines", `!document.querySelector("tr.changed")`)
	call(p, heapprofiler.CollectGarbage, cdp.Empty{})
	counts, heap := call(p, memory.GetDOMCounters, cdp.Empty{}), call(p, runtime.GetHeapUsage, cdp.Empty{})
	return footprint{counts.Nodes, counts.JsEventListeners, (heap.UsedSize + heap.EmbedderHeapUsedSize) / 1e6}
}
