//go:build !race

package browser

import (
	"slices"
	"strings"
	"testing"
)

// document is a page without faults, with something in its body.
func document(body string) string {
	return `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>A page</title><link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; --text: #222; --back: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #ddd; --back: #111 } }
body { color: var(--text); background: var(--back); margin: 8px }
:focus-visible { outline: 2px solid #777 }
</style><body>` + body + `</body></html>`
}

// broken are pages of which each breaks one rule.
var broken = []struct {
	name, body string
	find       func(*Page) []string
	want       string // a part of the only problem; "" for none
}{
	{"gray on white", `<p>fine</p><p style="color: #999">faint`, (*Page).Faint, "2.8"},
	{"gray on gray of an ancestor", `<div style="background: #888; color: #fff"><p style="color: #ccc"><b>faint`, (*Page).Faint, "contrast of 2."},
	{"transparent on a half transparent ground", `<div style="background: rgba(0 0 0 / 50%)"><p style="color: rgba(255 255 255 / 60%)">faint`, (*Page).Faint, "contrast of 2."},
	{"half opaque", `<div style="opacity: 0.4; background: #fff; color: #000"><p>faint`, (*Page).Faint, "contrast of 2."},
	{"colors that CSS knows by other names", `<p style="color: oklch(0.75 0.05 200); background: white">faint`, (*Page).Faint, "contrast of 2."},
	{"a placeholder", `<style>::placeholder { color: #bbb }</style><input placeholder="Search" style="background: #fff">`, (*Page).Faint, "::placeholder"},
	{"the text of a field", `<input value="Search" style="background: #fff; color: #aaa">`, (*Page).Faint, "input"},
	{"text that the style sheet adds", `<style>p::after { content: "new"; color: #bbb }</style><p style="background: #fff; color: #000">fine`, (*Page).Faint, "::after"},
	{"over an image", `<p style="background: linear-gradient(#000, #fff)">faint`, (*Page).Faint, "over an image"},
	{"large text may be fainter", `<p style="color: #888; background: #fff; font-size: 24px">fine`, (*Page).Faint, ""},
	{"but not that faint", `<p style="color: #aaa; background: #fff; font-size: 24px">faint`, (*Page).Faint, "contrast of 2."},
	{"hidden text", `<p style="color: #eee; visibility: hidden">nothing<p hidden style="color: #eee">nothing`, (*Page).Faint, ""},

	{"nothing outside", `<p>fine<div style="overflow-x: auto"><pre style="width: 2000px">wide</pre></div>`, (*Page).Outside, ""},
	{"a wide box", `<div style="width: 400px">wide</div>`, (*Page).Outside, "pixels wide"},
	{"a box to the left", `<div style="position: absolute; left: -40px">left</div>`, (*Page).Outside, "reaches from -40"},
	{"a text that is cut off", `<p style="overflow: hidden; white-space: nowrap; width: 80px">a text of many words that is cut off`, (*Page).Outside, "is cut off"},
	{"a text whose whole is at hand", `<p title="all of it" style="overflow: hidden; white-space: nowrap; width: 80px">a text of many words that is cut off`, (*Page).Outside, ""},
	{"a text whose whole is behind a link", `<table><caption>c</caption><tr><td><a href="#">a</a><td><p style="overflow: hidden; text-overflow: ellipsis; white-space: nowrap; width: 80px">a text of many words`, (*Page).Outside, ""},
	{"a text that ends in dots for ever", `<p style="overflow: hidden; text-overflow: ellipsis; white-space: nowrap; width: 80px">a text of many words that is cut off`, (*Page).Outside, "is cut off"},
	{"a text that is cut off below", `<p style="overflow: hidden; height: 20px">one<br>two<br>three`, (*Page).Outside, "is cut off"},

	{"a button without a name", `<button></button>`, (*Page).Unnamed, "a button has no name"},
	{"a field without a label", `<input>`, (*Page).Unnamed, "a textbox has no name"},
	{"an image without a text", `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="20" height="20">`, (*Page).Unnamed, "a image has no name"},
	{"a table without a caption", `<table><tr><th>a<td>b</table><label>Name <input></label>`, (*Page).Unnamed, "a table has no name"},

	{"what moves", `<style>@keyframes a { to { opacity: 0 } }</style><p style="animation: a 1s infinite">moves`, (*Page).Moving, "moves"},
	{"what fades", `<a href="#" style="transition: color 200ms">fades</a>`, (*Page).Moving, "moves"},
	{"what moves only for those who like it", `<style>@media (prefers-reduced-motion: no-preference) { p { transition: color 1s } }</style><p>stands`, (*Page).Moving, ""},

	{"a focus in order", `<a href="#">a</a><button>b</button><input aria-label="c">`, focusFaults, ""},
	{"a focus that goes back", `<button tabindex="2">a</button><button tabindex="1">b</button>`, focusFaults, "comes after"},
	{"a focus that one does not see", `<a href="#" style="outline: none">a</a>`, focusFaults, "does not show"},
	{"a focus that is out of sight", `<a href="#" style="position: absolute; left: -900px">a</a>`, focusFaults, "not in sight"},
	{"what the Tab key does not reach", `<a href="#">a</a><button onfocus="this.blur()">b</button>`, focusFaults, "reaches 1 of 2"},
}

func focusFaults(p *Page) []string {
	stops := p.Tabs(20)
	problems := Astray(stops)
	if n := p.Focusable(); n != len(stops) {
		problems = append(problems, "the Tab key reaches "+string(rune('0'+len(stops)))+" of "+string(rune('0'+n)))
	}
	return problems
}

func TestTheHelpersFindWhatIsBroken(t *testing.T) {
	p := blank(t)
	p.Narrow(360)
	p.Prefer("prefers-reduced-motion", "reduce")
	for _, tt := range broken {
		p.Open(serve(t, map[string]string{"/": document(tt.body)}))
		p.host = "" // each page has a server of its own
		got := tt.find(p)
		switch {
		case tt.want == "" && len(got) != 0:
			t.Errorf("%s: %q, want no problem", tt.name, got)
		case tt.want != "" && (len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tt.want)):
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestContrastFollowsTheScheme(t *testing.T) {
	p := blank(t)
	p.Open(serve(t, map[string]string{"/": document(`<p>fine<p style="color: #222">fine in the light`)}))
	for _, scheme := range []struct {
		name   string
		faults int
	}{{"light", 0}, {"dark", 1}} {
		p.Prefer("prefers-color-scheme", scheme.name)
		if got := p.Faint(); len(got) != scheme.faults {
			t.Errorf("%s: %q, want %d", scheme.name, got, scheme.faults)
		}
	}
}

func TestTheTreeHasRolesAndNames(t *testing.T) {
	p := blank(t)
	p.Open(serve(t, map[string]string{"/": document(`<main><h1>Features</h1><label>Find <input type="search"></label>
<table><caption>All</caption><thead><tr><th scope="col" aria-sort="ascending">Name</th></tr></thead><tbody><tr><td>a</td></tr></tbody></table></main>`)}))
	var got []string
	for _, n := range p.Tree() {
		got = append(got, strings.TrimSpace(n.Role+" "+n.Name))
	}
	for _, want := range []string{"RootWebArea A page", "main", "heading Features", "searchbox Find", "table All", "columnheader Name", "cell a"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestProblemsOfThePageAreSeen(t *testing.T) {
	for _, tt := range []struct{ path, body, want string }{
		{"/exception", `<script>nothing.at.all()</script>`, "ReferenceError"},
		{"/console", `<script>console.warn("careful")</script>`, "careful"},
		{"/missing", `<script src="/missing.js"></script>`, "404"},
		{"/strict/inline", `<script>document.title = "ran"</script>`, "Content Security Policy"},
		{"/strict/style", `<p style="color: red">styled`, "Content Security Policy"},
		{"/strict/script", `<script src="/some.js"></script>`, "Content Security Policy"},
		{"/foreign", `<img src="http://localhost:1/a.png" alt="">`, "foreign host"},
	} {
		p := blank(t)
		p.Open(serve(t, map[string]string{tt.path: `<!doctype html><link rel="icon" href="data:,">` + tt.body, "/some.js": ""}) + tt.path)
		got := strings.Join(p.Problems(), "\n")
		p.Expect("") // they are what this test is about
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestWithoutScriptNothingRuns(t *testing.T) {
	p := blank(t)
	p.WithoutScript()
	p.Open(serve(t, map[string]string{"/": document(`<noscript>without</noscript><script>document.title = "ran"</script>`)}))
	if title := Eval[string](p, "document.title"); title != "A page" || !strings.Contains(p.Text(), "without") {
		t.Errorf("the title is %q, the text %q", title, p.Text())
	}
}

func TestTabsShareWhatTheBrowserKeeps(t *testing.T) {
	first, other := blank(t), blank(t)
	url := serve(t, map[string]string{"/": document(`<p id="told">nothing</p><script>
new BroadcastChannel("told").onmessage = (m) => { told.textContent = m.data }
document.addEventListener("visibilitychange", () => { document.title = document.visibilityState })</script>`)})
	second := first.Tab()
	for _, p := range []*Page{first, second, other} {
		p.Open(url)
	}
	Eval[string](second, `(new BroadcastChannel("told").postMessage("heard"), "")`)
	first.Wait("the message is heard", "told.textContent === 'heard'")
	if got := Eval[string](other, "told.textContent"); got != "nothing" {
		t.Errorf("another browser has heard %q", got)
	}
	second.Hide(true)
	second.Wait("the page knows that it is hidden", "document.title === 'hidden'")
	second.Hide(false)
	second.Wait("the page knows that it is visible", "document.title === 'visible'")
}
