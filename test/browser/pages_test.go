//go:build !race

package browser

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

// shown are the pages that are looked at: those of a crowd, of hostile texts, and of nothing.
func shown(t *testing.T) map[string]string {
	now := time.Now().UTC().Truncate(time.Second)
	many, hard, none := newStage(t, crowd(40, now)), newStage(t, rabble(now)), newStage(t, envs.Snapshot{})
	many.events = []string{"ERROR The instance has failed.", "WARN Environment health has gone to Warning.", "INFO createEnvironment is starting."}
	hard.events = append([]string{"ERROR " + hostile[0]}, hostile...)
	return map[string]string{
		"the list":             many.url + "/",
		"the removed ones":     many.url + "/?state=removed",
		"nothing matches":      many.url + "/?q=nothing-has-this",
		"a feature":            many.url + "/features/shop/feature/0001-basket",
		"a feature that fails": many.url + "/features/shop/feature/0003-basket",
		"a protected feature":  many.url + "/features/shop/feature/0011-basket",
		"a feature at work":    many.url + "/features/shop/feature/0013-basket",
		"a removed feature":    many.url + "/features/shop/old/0000",
		"an unknown feature":   many.url + "/features/shop/feature/0001-baskte",
		"an odd address":       many.url + "/?state=" + url.QueryEscape(hostile[0]) + "&sort=" + url.QueryEscape(hostile[1]) + "&q=" + url.QueryEscape(hostile[6]),
		"hostile texts":        hard.url + "/",
		"hostile removed ones": hard.url + "/?state=removed",
		"a hostile feature":    hard.url + "/features/shop/" + url.PathEscape(hostile[0]),
		"a long feature":       hard.url + "/features/shop/" + url.PathEscape(hostile[7]),
		"nothing at all":       none.url + "/",
		"the end of its logs":  hard.url + "/logs/shop/" + url.PathEscape(hostile[0]),
		"the login":            newFarm(t).url + "/login?next=" + url.QueryEscape("/?q="+hostile[0]),
	}
}

// looks are the ways in which a page is looked at.
var looks = []struct {
	name  string
	width int64
	dark  bool
}{
	{"on a desk", 1400, false}, {"on a desk in the dark", 1400, true}, {"on a small screen", 800, false}, {"on a phone", 360, false}, {"on a phone in the dark", 360, true},
}

func TestEveryPageIsReadable(t *testing.T) {
	t.Parallel()
	p := blank(t)
	p.Expect("404") // an unknown feature
	p.Prefer("prefers-reduced-motion", "reduce")
	for name, address := range shown(t) {
		p.Visit(address)
		for _, look := range looks {
			p.Look(look.width, look.dark)
			p.judge(t, name+" "+look.name)
		}
		if ran := Eval[bool](p, `"canary" in document.documentElement.dataset`); ran {
			t.Errorf("%s: a script of a hostile text ran", name)
		}
	}
}

// judge reports all that is wrong with how the page looks.
func (p *Page) judge(t *testing.T, where string) {
	t.Helper()
	for _, problem := range slices.Concat(p.Faint(), p.Outside(), p.Unnamed(), p.Moving()) {
		t.Errorf("%s: %s", where, problem)
	}
}

// Look gives the page a width and a scheme of colors.
func (p *Page) Look(width int64, dark bool) {
	p.Helper()
	if width < 600 {
		p.Narrow(width)
	} else {
		p.Wide(width, 900)
	}
	p.Prefer("prefers-color-scheme", map[bool]string{true: "dark", false: "light"}[dark])
}

// Visit opens a page of another host than the one before.
func (p *Page) Visit(address string) {
	p.Helper()
	p.mu.Lock()
	p.host = ""
	p.mu.Unlock()
	p.Open(address)
}

func TestTheListHasRolesAndNames(t *testing.T) {
	s := newStage(t, crowd(20, time.Now()))
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(s.url + "/?sort=-owner")
	p.started()
	both := []string{
		"RootWebArea Beansprout", "main", "banner", "navigation Features by state", "search", "searchbox Search", "combobox State", "combobox Owner",
		"table Features and their environments", "row", "rowheader feature/0001-basket", "cell", "heading Features",
	}
	p.tells(t, append(both, "columnheader Owner", "columnheader Removal")...)
	if sorted := Eval[string](p, `document.querySelector("th[aria-sort]").textContent + " " + document.querySelector("th[aria-sort]").getAttribute("aria-sort")`); sorted != "Owner descending" {
		t.Errorf("the list tells that it is sorted by %s", sorted)
	}
	p.Narrow(360) // a row is a card then, and still a row
	p.tells(t, append(both, "combobox Sort by")...)
}

// tells reports nodes, given by their role and the beginning of their name, that a screen reader does not tell.
func (p *Page) tells(t *testing.T, nodes ...string) {
	t.Helper()
	var got []string
	for _, n := range p.Tree() {
		got = append(got, strings.TrimSpace(n.Role+" "+n.Name))
	}
	for _, want := range nodes {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("%q is not in:\n%s", want, strings.Join(got[:min(len(got), 60)], "\n"))
		}
	}
}
