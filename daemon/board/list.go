package board

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"beansprout/visible"
)

// htmlType is the media type of pages.
const htmlType = "text/html; charset=utf-8"

// text returns what others wrote as it is shown.
func (b *Board) text(s string) string { return writer{mask: b.config.Mask}.text(s) }

// page returns what all pages begin with.
func (b *Board) page(r *http.Request, s *state, title string) page {
	p := page{
		Title: title, Viewer: b.text(b.config.Viewer(r)), LogOut: b.config.MayLogOut(r), Live: b.config.Live, Head: template.HTML(s.headHTML),
		Reading: s.reading(), Now: newMoment(s.clock(), "now"), Style: b.pages.named["style.css"], Script: b.pages.named["board.js"],
		Icon: b.pages.named["icon.svg"],
	}
	if p.Live && p.Viewer == "" {
		p.Login = "/login?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	return p
}

// serveList serves the page with all features.
func (b *Board) serveList(w http.ResponseWriter, r *http.Request) {
	f, complaints := parseFilter(r.URL.Query())
	s := b.hub.recent(r.Context())
	p := listPage{page: b.page(r, s, "Beansprout"), Read: !s.at.IsZero(), Filter: f, Complaints: complaints, Columns: f.columns()}
	p.Owners, p.States, p.Apps = s.options(f)
	var rows, others []*line
	for _, l := range s.lines {
		if l.State != stateRemoved {
			p.All++
		}
		switch {
		case f.passes(l):
			rows = append(rows, l)
		case l.State != stateRemoved && f.State != stateRemoved:
			others = append(others, l)
		}
	}
	f.sort(rows)
	p.Rows, p.Others = htmlOf(rows), htmlOf(others)
	b.answer(w, r, http.StatusOK, "list.html", p)
}

func htmlOf(lines []*line) []template.HTML {
	all := make([]template.HTML, len(lines))
	for i, l := range lines {
		all[i] = template.HTML(l.html)
	}
	return all
}

// answer writes a page.
func (b *Board) answer(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var body bytes.Buffer
	if err := b.pages.write(&body, name, data); err != nil {
		b.log.Error("board", "page", name, "error", err.Error())
		http.Error(w, "This page could not be made. The daemon's log says why.", http.StatusInternalServerError)
		return
	}
	answer(w, r, status, htmlType, body.Bytes())
}

// options returns the choices of the filters. A chosen value that nothing has stays one.
func (s *state) options(f filter) (owners, all, applications []option) {
	names, apps := map[string]bool{f.Owner: true}, map[string]bool{f.Application: true}
	for _, l := range s.lines {
		if l.State != stateRemoved || f.State == stateRemoved {
			names[l.Owner], apps[l.Application] = true, true
		}
	}
	for _, state := range states {
		all = append(all, option{Value: state, Label: state, Selected: state == f.State})
	}
	return choices(names, f.Owner), all, choices(apps, f.Application)
}

func choices(values map[string]bool, selected string) []option {
	var all []option
	for v := range values {
		if v != "" {
			all = append(all, option{Value: v, Label: visible.Text(v), Selected: v == selected})
		}
	}
	slices.SortFunc(all, func(a, b option) int { return strings.Compare(strings.ToLower(a.Value), strings.ToLower(b.Value)) })
	return all
}
