//go:build !race

package browser

import (
	_ "embed" // the helpers in the page
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp/kb"
)

// The helpers are JavaScript expressions, which run in the page.
var (
	//go:embed js/faint.js
	faintScript string
	//go:embed js/outside.js
	outsideScript string
	//go:embed js/focused.js
	focusedScript string
	//go:embed js/moving.js
	movingScript string
)

// Node is one of the accessibility tree: what a screen reader tells.
type Node struct{ Role, Name, Description string }

// Tree returns the nodes of the accessibility tree that a screen reader tells, in the order of the page.
func (p *Page) Tree() (nodes []Node) {
	p.Helper()
	full := call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range full.Nodes {
		byID[n.NodeID] = n
	}
	var walk func(*accessibility.Node)
	walk = func(n *accessibility.Node) {
		if !n.Ignored {
			nodes = append(nodes, Node{plain(n.Role), plain(n.Name), plain(n.Description)})
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child)
			}
		}
	}
	if len(full.Nodes) > 0 {
		walk(full.Nodes[0])
	}
	return nodes
}

// plain returns a value as text.
func plain(v *accessibility.Value) string {
	var text any
	if v == nil || json.Unmarshal(v.Value, &text) != nil || text == nil {
		return ""
	}
	return fmt.Sprint(text)
}

// named are the roles whose nodes say nothing without a name.
var named = []string{
	"button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "listbox", "slider", "spinbutton", "switch", "tab", "menuitem",
	"image", "img", "dialog", "navigation", "region", "table", "columnheader", "heading", "option", "RootWebArea",
}

// Unnamed returns the nodes of the accessibility tree that need a name and have none.
func (p *Page) Unnamed() (problems []string) {
	p.Helper()
	for _, n := range p.Tree() {
		for _, role := range named {
			if n.Role == role && strings.TrimSpace(n.Name) == "" {
				problems = append(problems, fmt.Sprintf("a %s has no name (%s)", n.Role, n.Description))
			}
		}
	}
	return problems
}

// Faint returns the visible texts whose color is too near to what is behind them: a contrast below 4.5:1, or 3:1 for
// large text.
func (p *Page) Faint() []string {
	p.Helper()
	return Eval[[]string](p, faintScript)
}

// Outside returns the elements that reach beyond the page or are cut off in it, and the page itself if it scrolls
// sideways.
func (p *Page) Outside() []string {
	p.Helper()
	return Eval[[]string](p, outsideScript)
}

// Moving returns the elements that move or fade.
func (p *Page) Moving() []string {
	p.Helper()
	return Eval[[]string](p, movingScript)
}

// Stop is an element that has the focus.
type Stop struct {
	Path    string // in the page, as a selector of CSS
	Text    string // its label or text
	Visible bool   // one sees that it has the focus
	Inside  bool   // it is in the visible part of the page
	Order   int    // its place among all that can have the focus
}

// Focused returns the element that has the focus; its Path is "" if none has it.
func (p *Page) Focused() Stop {
	p.Helper()
	return Eval[Stop](p, focusedScript)
}

// Focusable returns how many elements the Tab key should reach.
func (p *Page) Focusable() int {
	p.Helper()
	return Eval[int](p, "("+focusedScript+", document.focusableCount)")
}

// Tabs presses Tab until the focus leaves the page, but at most so many times, and returns where it was.
func (p *Page) Tabs(limit int) (stops []Stop) {
	p.Helper()
	for range limit {
		p.Press(kb.Tab)
		at := p.Focused()
		if at.Path == "" || len(stops) > 0 && at.Path == stops[0].Path {
			return stops
		}
		stops = append(stops, at)
	}
	return stops
}

// Astray returns what is wrong with an order of focus: steps back, and a focus that one does not see.
func Astray(stops []Stop) (problems []string) {
	for i, s := range stops {
		switch {
		case i > 0 && s.Order <= stops[i-1].Order:
			problems = append(problems, fmt.Sprintf("%s comes after %s, which is below it in the page", s.Path, stops[i-1].Path))
		case !s.Visible:
			problems = append(problems, s.Path+" does not show that it has the focus")
		case !s.Inside:
			problems = append(problems, s.Path+" has the focus and is not in sight")
		}
	}
	return problems
}
