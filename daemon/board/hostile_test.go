package board

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"golang.org/x/net/html"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/visible"
)

// hostile are texts that others can write into names, subjects, owners and reasons.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</td></tr></table><h1>gone`,
	"\u202egnp.exe", "log\u200bin", "\ufeff", "a\u2028b", "{{.}}", "`${alert(1)}`", "</template><b>", "<!--", "-->", "]]>", "&lt;b&gt;", "data:text/html,x",
	strings.Repeat("w", 1000), "a/../b", "..", "a//b", "?q=1#x", "%2e%2e", "%", "a b+c", "로그인", "👩‍👩‍👧", "\x1b[31mred", "a\x00b", "\xff\xfe",
}

// worst returns an environment of which all texts are text.
func worst(text string) envs.Environment {
	e := environment("x")
	e.Feature, e.Owner, e.Commit, e.Status, e.Moved, e.CNAME = text, text, text, text, text, text
	e.Application = "shop" + text
	e.Record = &store.Record{
		Environment: e.ID, Feature: text, Protected: &store.Protection{By: text, Reason: text}, Outcome: &store.Outcome{Verb: text, Result: "failed", Reason: text},
		LastDeploy: store.LastDeploy{At: midnight, Subject: text, BuildURL: text}, Lease: &store.LeaseOwner{Verb: text, By: text, Renewed: midnight},
		History: []store.Happening{{At: midnight, What: text, By: text, Text: text, Build: text}},
	}
	return e
}

// elements returns how often each element is in a page, and the page's text. It fails where a text of others has
// become an attribute that acts, or a link that leads elsewhere.
func elements(t *testing.T, page string) (map[string]int, string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	count, text := map[string]int{}, strings.Builder{}
	for n := range doc.Descendants() {
		switch n.Type {
		case html.ElementNode:
			count[n.Data]++
			for _, a := range n.Attr {
				if checkAttribute(t, n.Data, a); a.Key == "title" || a.Key == "aria-label" {
					text.WriteString(a.Val)
				}
			}
		case html.TextNode:
			text.WriteString(n.Data)
		}
	}
	return count, text.String()
}

func checkAttribute(t *testing.T, element string, a html.Attribute) {
	t.Helper()
	if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
		t.Errorf("<%s> has the attribute %s=%q", element, a.Key, a.Val)
	}
	if a.Key != "href" && a.Key != "src" && a.Key != "action" {
		return
	}
	u, err := url.Parse(a.Val)
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" || u.Scheme == "" && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
		t.Errorf("<%s> leads to %q", element, a.Val)
	}
}

// checkHostile asks for all pages of a board whose texts are text, and compares them with those of a harmless one.
func checkHostile(t *testing.T, text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, plain := worst(text), worst("harmless")
		viewer := func(name string) Config {
			return Config{Live: true, Viewer: func(*http.Request) string { return name }}
		}
		p, calm := newPlot(t, viewer(text+"."), e), newPlot(t, viewer("harmless"), plain)
		for path, other := range map[string]string{
			"/": "/", "/?q=" + url.QueryEscape(text): "/?q=harmless", "/?owner=" + url.QueryEscape(text) + "&sort=owner": "/?owner=harmless&sort=owner",
			Address(e.Application, text, e.Name): Address(plain.Application, "harmless", plain.Name),
		} {
			w, want := p.get(t, path), calm.get(t, other)
			got, words := elements(t, w.Body.String())
			if was, _ := elements(t, want.Body.String()); got["script"] != was["script"] || got["h1"] != was["h1"] || got["img"] != was["img"] || got["table"] != was["table"] || got["tr"] != was["tr"] {
				t.Errorf("%q changes the page %s: %v, want %v", text, path, got, was)
			}
			if shown := p.board.text(text); w.Code == http.StatusOK && !strings.Contains(words, shown) && !strings.HasPrefix(path, "/?q=") {
				t.Errorf("%s does not show %q", path, shown)
			}
			if strings.ContainsFunc(words, misleads) {
				t.Errorf("the page %s of %q has characters that mislead", path, text)
			}
		}
	})
}

// misleads reports whether a character changes how the text around it is read.
func misleads(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' && r != '\t'
}

// Hostile texts are shown, and do nothing.
func FuzzHostileTexts(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1100 && visible.Line(text, 10) != "" {
			checkHostile(t, text)
		}
	})
}

func TestEachFeatureHasAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []envs.Environment
		for i, feature := range hostile {
			if envs.CheckFeature(feature) == nil {
				e := environment(feature)
				e.Name = "shop-" + string(rune('a'+i)) + "aaaaaaaaa"
				all = append(all, e)
			}
		}
		p := newPlot(t, Config{}, all...)
		doc, err := html.Parse(strings.NewReader(p.get(t, "/").Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		pages := 0
		for n := range doc.Descendants() {
			i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "href" && strings.HasPrefix(a.Val, "/features/") })
			if i < 0 {
				continue
			}
			pages++
			w := p.get(t, n.Attr[i].Val)
			if _, words := elements(t, w.Body.String()); w.Code != http.StatusOK || !strings.Contains(words, strings.TrimSuffix(n.FirstChild.Data, visible.Ellipsis)) {
				t.Errorf("%s of %q answers %d", n.Attr[i].Val, n.FirstChild.Data, w.Code)
			}
		}
		if pages != len(all) {
			t.Errorf("%d of %d features have a link", pages, len(all))
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, q := range []string{"q=a+b&owner=Kim&state=due&application=shop&sort=-age", "state=runing", "sort=%00", "q=%ff&sort=--age", "a;b", "q=1&q=2", "state=" + strings.Repeat("x", 500)} {
		f.Add(q)
	}
	lines := []*line{}
	for i, text := range hostile {
		w := writer{feed: &feed{Source: new(cloud).source()}, mask: func(s string) string { return s }, now: midnight}
		e := worst(text)
		e.Name += string(rune('a' + i))
		r := w.environment(e)
		lines = append(lines, &line{row: r, search: r.searched()})
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		filter, complaints := parseFilter(values)
		if len(complaints) > 2 || strings.ContainsFunc(strings.Join(complaints, ""), unicode.IsControl) {
			t.Errorf("%q: %q", query, complaints)
		}
		u, err := url.Parse(filter.address())
		if err != nil || u.Path != "/" || u.Host != "" {
			t.Fatalf("%q leads to %q: %v", query, filter.address(), err)
		}
		if again, complaints := parseFilter(u.Query()); again != filter || len(complaints) > 0 {
			t.Errorf("%q is %+v, and its address %q is %+v", query, filter, filter.address(), again)
		}
		passed := slices.DeleteFunc(slices.Clone(lines), func(l *line) bool { return !filter.passes(l) })
		n := len(passed)
		filter.sort(passed)
		if len(passed) != n || len(filter.columns()) != len(sorts) {
			t.Errorf("%q: %d rows of %d", query, len(passed), n)
		}
	})
}
