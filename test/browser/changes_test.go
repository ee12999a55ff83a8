//go:build !race

package browser

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/test/must"
)

// stays marks the page that is loaded now; stayed reports whether it is still the same.
func (p *Page) stays() {
	p.Helper()
	Eval[bool](p, "window.stays = true")
}

func (p *Page) stayed(t *testing.T) {
	t.Helper()
	if !Eval[bool](p, "window.stays === true") {
		t.Error("the page was loaded again")
	}
}

// rowOf is the JavaScript expression of the row of a feature in the list.
func rowOf(feature string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#rows tr")].find((tr) => tr.querySelector("th a").textContent === %q && tr.checkVisibility())`, feature)
}

func TestChangesAppearWithoutReloading(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(20, time.Now()))
	p := blank(t)
	p.Prefer("prefers-reduced-motion", "reduce")
	p.Open(s.url)
	p.started()
	p.stays()
	s.change(func() {
		all := s.snapshot.Environments
		all[1].Health, all[1].Status = "Red", "Degraded"
		all[2].Record = new(*all[2].Record)
		all[2].Record.Counter, all[2].Record.Protected = 2, &store.Protection{By: "Lee", Reason: hostile[0]}
		s.snapshot.Environments = append(slices.Delete(all, 4, 5), environment("feature/new", 99, time.Now()))
	})
	p.Wait("the failure", rowOf("feature/0001-basket")+`?.innerText.includes("Degraded")`)
	if moving := p.Moving(); len(moving) > 0 {
		t.Errorf("the change moves: %q", moving)
	}
	p.Wait("the protection", rowOf("feature/0002-basket")+`?.innerText.includes("<script>")`)
	p.Wait("the new one", rowOf("feature/new"))
	p.Wait("the removed one has gone", "!"+rowOf("feature/0004-basket"))
	p.Wait("the counts", `document.querySelector(".counts").innerText.includes("2 failing")`)
	p.Wait("a screen reader is told", `document.querySelector("[role=status]").textContent !== ""`)
	p.stayed(t)
	if got := p.listed(); !slices.IsSorted(got) {
		t.Errorf("the rows are not sorted any more: %q", got)
	}
}

func TestTheTimelineGoesOnWhileOneLooks(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(20, time.Now()))
	p := blank(t)
	p.Open(s.url + "/features/shop/feature/0013-basket")
	p.Wait("its page", `document.querySelector("h1")`)
	p.stays()
	s.change(func() { s.events = []string{"INFO Instance i-0123 is healthy: <b>really</b>."} })
	p.Wait("the event", `document.querySelector(".timeline").innerText.includes("is healthy: <b>really</b>.")`)
	s.change(func() {
		e := &s.snapshot.Environments[13]
		e.State, e.Health, e.Record = envs.Ready, "Green", new(*e.Record)
		e.Record.Counter, e.Record.Lease = 2, nil
	})
	p.Wait("the end of the work", `document.querySelector(".state").innerText.toLowerCase().includes("running")`)
	p.stayed(t)
}

func TestTabsOfABrowserShareOneStream(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(20, time.Now()))
	first := blank(t)
	tabs := []*Page{first}
	for range 7 {
		tabs = append(tabs, first.Tab())
	}
	for _, p := range tabs {
		p.Open(s.url)
		p.started()
		p.stays()
	}
	shown := func(status string, tabs []*Page) {
		t.Helper()
		s.change(func() { s.snapshot.Environments[0].Health, s.snapshot.Environments[0].Status = "Yellow", status })
		for i, p := range tabs {
			p.Wait(fmt.Sprintf("tab %d shows %s", i, status), rowOf("feature/0000-basket")+fmt.Sprintf(`?.innerText.includes(%q)`, status))
			p.stayed(t)
		}
	}
	shown("Warning-1", tabs)
	s.settle(1)

	tabs[0].Hide(true) // it has the stream
	shown("Warning-2", tabs[1:])
	s.settle(1)
	for _, p := range tabs[1:] {
		p.Hide(true)
	}
	s.settle(0)
	s.change(func() { s.snapshot.Environments[0].Status = "Warning-3" })
	tabs[3].Hide(false)
	shown("Warning-4", tabs[3:4])
	s.settle(1)
}

// settle waits until so many streams are open, and wants it to stay so.
func (s *stage) settle(streams int) {
	s.Helper()
	must.Wait(s, fmt.Sprintf("%d streams are open", streams), func() bool { return s.open() == streams })
}

func TestNothingIsReadWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(5, time.Now()))
	p := blank(t)
	p.Open(s.url)
	p.started()
	p.Wait("a stream", "true")
	s.settle(1)
	p.Open("about:blank")
	s.settle(0)
	count := func() (n int) { s.change(func() { n = s.reads }); return n }
	must.Wait(t, "three seconds of rest after the last reading", func() bool {
		before := count()
		time.Sleep(12 * time.Second) // more than two intervals
		return count() == before
	})
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(5, time.Now()))
	p := blank(t)
	p.Open(s.url)
	p.started()
	p.stays()
	s.change(func() { s.err = errors.New("DescribeEnvironments: Throttling: Rate exceeded " + hostile[1]) })
	p.Wait("the reason", `document.querySelector(".notice:not([hidden])")?.innerText.includes("Rate exceeded")`)
	if got := p.listed(); len(got) != 5 {
		t.Errorf("what was read before is not shown any more: %q", got)
	}
	s.change(func() { s.err = nil })
	p.Wait("all is well again", `!document.querySelector(".notice:not([hidden])")`)
	p.stayed(t)
}

// Dates are by AWS's clock, whatever the clocks of the daemon and of the browser say.
func TestTimesAreByTheClockOfAWS(t *testing.T) {
	t.Parallel()
	const ahead = 1000 * time.Hour
	s := newStage(t, crowd(3, time.Now().Add(ahead)))
	s.ahead = ahead
	p := blank(t)
	p.Open(s.url)
	p.started()
	if got := Eval[string](p, rowOf("feature/0001-basket")+`.innerText`); !contains(got, "2h", "1h ago", "in 5d") {
		t.Errorf("the row says %q, want an age of 2h, deployed 1h ago, and 5d left", got)
	}
	p.Wait("a word about the clocks", `document.querySelector(".notice:not([hidden])")?.innerText.includes("clock")`)
}

func TestAPageThatHearsNothingSaysSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(5, time.Now()))
	p := blank(t)
	p.Expect("Failed to load resource") // the daemon does not answer
	p.Expect("ERR_")
	p.Open(s.url)
	p.started()
	p.stays()
	s.settle(1)
	s.change(func() { s.down = true })
	s.server.CloseClientConnections()
	p.Wait("a word about the age of the page", `!document.getElementById("offline").hidden`)
	s.change(func() {
		s.down = false
		s.snapshot.Environments = append(s.snapshot.Environments, environment("feature/meanwhile", 77, time.Now()))
	})
	p.Wait("what has changed meanwhile", rowOf("feature/meanwhile"))
	p.Wait("no such word any more", `document.getElementById("offline").hidden`)
	p.stayed(t)
}
