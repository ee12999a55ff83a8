//go:build !race

package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// listed returns the names of the features that the list shows, in its order.
func (p *Page) listed() []string {
	p.Helper()
	return Eval[[]string](p, `[...document.querySelectorAll("#rows tr")].filter((tr) => tr.checkVisibility()).map((tr) => tr.querySelector("th a").textContent)`)
}

// address returns the path and the query of the page's address.
func (p *Page) address() string {
	p.Helper()
	return Eval[string](p, "location.pathname + location.search")
}

// started waits until the page's script is at work.
func (p *Page) started() {
	p.Helper()
	p.Wait("the script is at work", `document.getElementById("apply")?.hidden`)
}

// choose changes a select as a person does who picks an option.
func (p *Page) choose(id, value string) {
	p.Helper()
	Eval[bool](p, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; return s.dispatchEvent(new Event("input", { bubbles: true })) })()`, id, value))
}

func TestWhatIsSearchedForStandsInTheAddress(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(60, time.Now()))
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(s.url)
	p.started()
	all := p.listed()
	p.Click("#q")
	p.Press("0", "0", "0", "7")
	p.Wait("only one feature is shown", `document.getElementById("shown").textContent.startsWith("1 of 60")`)
	if got := p.listed(); !slices.Equal(got, []string{"feature/0007-basket"}) {
		t.Errorf("the search shows %q", got)
	}
	p.Press(kb.Backspace, kb.Backspace, kb.Backspace, kb.Backspace)
	p.choose("owner", "Lee")
	p.choose("state", "running")
	p.Click("th[data-sort=age] a")
	p.Wait("the address has all of it", `location.search.includes("owner=Lee") && location.search.includes("sort=age")`)
	chosen, address := p.listed(), p.address()
	if len(chosen) == 0 || len(chosen) >= len(all) || slices.IsSorted(chosen) && slices.Equal(chosen, all) {
		t.Errorf("the filter shows %q of %q", chosen, all)
	}

	other := blank(t)
	other.Wide(1400, 900)
	other.Open(s.url + address)
	other.started()
	if got := other.listed(); !slices.Equal(got, chosen) {
		t.Errorf("who gets the address %s sees %q, want %q", address, got, chosen)
	}
	p.Click("#rows tr:not([hidden]) th a")
	p.Wait("the page of a feature", `location.pathname.startsWith("/features/")`)
	p.Do(chromedp.NavigateBack())
	p.Wait("the list again", `location.pathname === "/" && document.getElementById("apply")?.hidden`)
	if got := p.listed(); p.address() != address || !slices.Equal(got, chosen) {
		t.Errorf("Back leads to %s with %q, want %s with %q", p.address(), got, address, chosen)
	}
}

// The server and the script must agree on each view: who has no script sees the same.
func TestTheListIsTheSameWithoutTheScript(t *testing.T) {
	t.Parallel()
	now := time.Now()
	few := crowd(40, now)
	few.Environments = append(few.Environments, rabble(now).Environments...)
	s := newStage(t, few)
	with, without := blank(t), blank(t)
	without.WithoutScript()
	for _, p := range []*Page{with, without} {
		p.Wide(1400, 900)
	}
	queries := []string{"", "?q=" + few.Environments[3].Commit, "?q=" + few.Environments[3].Commit[:5], "?state=failing", "?state=due&sort=expires", "?state=protected&sort=-owner", "?q=number+3", "?q=ada+0002", "?owner=Lee&sort=-age", "?state=removed", "?q=%EA%B0%80%EB%82%98", "?q=%3Cscript%3E"}
	for _, column := range []string{"feature", "state", "commit", "owner", "age", "deployed", "expires"} {
		queries = append(queries, "?sort="+column, "?sort=-"+column)
	}
	for _, query := range queries {
		with.Open(s.url + "/" + query)
		with.started()
		without.Open(s.url + "/" + query)
		if got, want := with.listed(), without.listed(); !slices.Equal(got, want) {
			t.Errorf("%s: the script shows %q, the server %q", query, got, want)
		}
		if got, want := Eval[string](with, `document.getElementById("shown").textContent`), Eval[string](without, `document.getElementById("shown").textContent`); got != want {
			t.Errorf("%s: the script counts %q, the server %q", query, got, want)
		}
	}
}

func TestWithoutTheScriptThePageReloads(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(40, time.Now()))
	p := blank(t)
	p.WithoutScript()
	p.Wide(1400, 900)
	p.Open(s.url)
	if Eval[string](p, `document.querySelector("meta[http-equiv=refresh]").content`) == "" {
		t.Error("the page does not reload by itself")
	}
	p.Click("#q")
	p.Press("0", "0", "2", kb.Enter)
	p.Wait("the search", `location.search.includes("q=002")`)
	if got := p.listed(); len(got) != 11 {
		t.Errorf("the search shows %q", got)
	}
	p.Click("th[data-sort=owner] a")
	p.Wait("sorted", `location.search.includes("sort=owner")`)
	p.Click("#rows th a")
	p.Wait("the page of a feature", `location.pathname.startsWith("/features/")`)
	p.Click(".acts form.extend button")
	if asked := s.asking(); asked["action"] != "extend" || asked["id"] == "" {
		t.Errorf("the form has asked for %v", asked)
	}
}

// From the address bar to the removal of an environment, without a mouse.
func TestTheKeyboardIsEnough(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(10, time.Now()))
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(s.url)
	p.started()
	p.Press(kb.Tab)
	if at := p.Focused(); !strings.HasPrefix(at.Text, "Skip") || !at.Visible || !at.Inside {
		t.Errorf("the first is %+v, want a link that skips the head", at)
	}
	p.Press("/", "0", "0", "0", "2")
	p.Wait("one feature", `document.getElementById("shown").textContent.startsWith("1 of")`)
	p.tabTo("feature/0002-basket")
	p.Press(kb.Enter)
	p.Wait("the page of the feature", `document.querySelector("h1")?.textContent === "feature/0002-basket"`)
	p.tabTo("Remove …")
	p.Press(kb.Enter)
	p.tabTo("Remove")
	p.Press(kb.Enter)
	if asked := s.asking(); asked["action"] != "remove" || asked["feature"] != "feature/0002-basket" {
		t.Errorf("the keyboard has asked for %v", asked)
	}
}

// tabTo presses Tab until what has this text has the focus, which one must see.
func (p *Page) tabTo(text string) {
	p.Helper()
	for range 60 {
		p.Press(kb.Tab)
		if at := p.Focused(); at.Text == text {
			if !at.Visible || !at.Inside {
				p.Errorf("one does not see the focus: %+v", at)
			}
			return
		}
	}
	p.Fatalf("the Tab key does not reach %q", text)
}

func TestTheFocusFollowsThePage(t *testing.T) {
	t.Parallel()
	s := newStage(t, crowd(5, time.Now()))
	for _, path := range []string{"/", "/features/shop/feature/0003-basket"} {
		for _, width := range []int64{1400, 360} {
			p := blank(t)
			p.Look(width, false)
			p.Open(s.url + path)
			p.Wait("the page", `document.querySelector("h1")`)
			stops := p.Tabs(80)
			for _, problem := range Astray(stops) {
				t.Errorf("%s, %d pixels: %s", path, width, problem)
			}
			if n := p.Focusable(); n != len(stops) {
				t.Errorf("%s, %d pixels: the Tab key reaches %d of %d", path, width, len(stops), n)
			}
		}
	}
}

// contains reports whether a text contains all parts.
func contains(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
