package board

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/janitor"
	"beansprout/visible"
)

// The states of a row. They also filter, as do the marks due and protected.
const (
	stateRunning   = "running"
	stateLaunching = "launching"
	stateUpdating  = "updating"
	stateRemoving  = "removing"
	stateFailing   = "failing"
	stateRemoved   = "removed"
	markDue        = "due"
	markProtected  = "protected"
)

const (
	lineLimit  = 300              // characters of a text in a row
	dueWithin  = 24 * time.Hour   // what is removed within that is due
	leaseTrust = 10 * time.Minute // how long after its last renewal a lease counts as work
)

// writer makes rows of what one source has read.
type writer struct {
	feed  *feed // nil where only texts are written
	mask  func(string) string
	now   time.Time            // AWS's clock
	swept map[string]sweepWord // by id
}

// text returns what others wrote as it is shown.
func (w writer) text(s string) string { return visible.Text(visible.Line(w.mask(s), lineLimit)) }

// application returns how an application is shown, with its region where there are several.
func (w writer) application(name string) string {
	if w.feed.where != "" {
		return w.text(name) + " in " + w.feed.where
	}
	return w.text(name)
}

// address returns the address of a page about a feature, in that directory.
func (w writer) address(directory, application, feature, name string) string {
	address := directory + pathOf(application, feature, name)
	if w.feed.where != "" {
		address += "?region=" + url.QueryEscape(w.feed.where)
	}
	return address
}

// environment returns the row of a living environment.
func (w writer) environment(e envs.Environment) row {
	d, own := w.feed.Judge(e, w.now), e.Own()
	r := row{
		Key: w.feed.key(e.Application, e.Name), Page: w.address("/features/", e.Application, e.Feature, e.Name),
		Application: w.application(e.Application), Feature: w.text(e.Feature), Source: e.Source, Name: e.Name, ID: e.ID,
		State: stateOf(e), Health: w.text(e.Health), HealthText: w.text(e.Status), URL: webLink(e.URL()),
		Commit: w.text(e.Commit), ShortCommit: w.text(envs.ShortCommit(e.Commit, 12)), Owner: w.text(e.Owner),
		Created: w.past(e.Created), Expires: w.future(e.Expires), Protection: w.protection(e),
		Fate: string(d.Action), Why: w.text(d.Reason), Swept: w.sweep(e.ID, d),
		Work: w.work(e.Record), Failure: w.failure(own.Outcome),
	}
	w.lastDeploy(&r, own.LastDeploy)
	if !d.Expiry.IsZero() {
		r.Expires = w.future(d.Expiry)
	}
	if r.Detail = w.text(string(e.State)); e.State == envs.Ready {
		r.Detail = ""
	}
	r.Over = !r.Expires.At.IsZero() && !r.Expires.At.After(w.now)
	r.Marks = w.marks(r)
	return r
}

// removed returns the row of a feature without an environment.
func (w writer) removed(g envs.Gone) row {
	r := row{
		Key: w.feed.key(g.Application, g.Name), Page: w.address("/features/", g.Application, g.Feature, g.Name),
		Application: w.application(g.Application), Feature: w.text(g.Feature), Name: g.Name,
		State: stateRemoved, Commit: w.text(g.Commit), ShortCommit: w.text(envs.ShortCommit(g.Commit, 12)), Owner: w.text(g.Owner),
		Removed: w.past(g.Removed), Until: w.future(g.Until), Work: w.work(&g.Record),
		Why: "restore can't bring it back", Marks: " " + stateRemoved + " ",
	}
	if restorable := g.Record.Restorable; restorable != nil {
		w.lastDeploy(&r, restorable.LastDeploy)
	}
	switch {
	case r.Until.At.After(w.now):
		r.Why = "restore brings it back"
	case !r.Until.At.IsZero():
		r.Over, r.Why = true, "restore brings it back until the next sweep"
	}
	if stuck := w.text(g.Record.Stuck); stuck != "" {
		r.Failure = "what it has left can't be removed: " + stuck
	}
	return r
}

func (w writer) lastDeploy(r *row, last store.LastDeploy) {
	r.Deployed, r.Subject = w.past(last.At), w.text(last.Subject)
	r.Build = w.link(last.BuildURL)
}

// link returns a link that others wrote, or "" where it leads to no web page or has a secret.
func (w writer) link(link string) string {
	if link = webLink(link); w.mask(link) != link {
		return ""
	}
	return link
}

// stateOf returns the state of a living environment.
func stateOf(e envs.Environment) string {
	outcome := e.Own().Outcome
	switch {
	case e.State.Gone():
		return stateRemoving
	case e.State == envs.Launching:
		return stateLaunching
	case e.State.Busy():
		return stateUpdating
	case e.Health == "Red", outcome != nil && outcome.Result == "failed":
		return stateFailing
	}
	return stateRunning
}

// marks returns all states that filter a row.
func (w writer) marks(r row) string {
	marks := " " + r.State + " "
	if r.Protection != "" {
		marks += markProtected + " "
	} else if end := r.Expires.At; !end.IsZero() && end.Before(w.now.Add(dueWithin)) && r.State != stateRemoving {
		marks += markDue + " "
	}
	return marks
}

func (w writer) protection(e envs.Environment) string {
	by := w.text(e.Protection())
	if p := e.Own().Protected; p != nil && by != "" && w.text(p.Reason) != "" {
		by += ": " + w.text(p.Reason)
	}
	return by
}

// sweep returns what the last sweep said where that is more than the decision says.
func (w writer) sweep(id string, d janitor.Decision) string {
	s, known := w.swept[id]
	if !known || s.action != janitor.Failed && (s.action == d.Action || s.reason == d.Reason) {
		return ""
	}
	return w.text(fmt.Sprintf("by the last sweep at %s: %s, %s", s.at.UTC().Format(time.RFC3339), s.action, s.reason))
}

func (w writer) work(rec *store.Record) string {
	if rec == nil || rec.Lease == nil || w.now.Sub(rec.Lease.Renewed) > leaseTrust {
		return ""
	}
	return w.text(envs.Owner(*rec.Lease))
}

func (w writer) failure(o *store.Outcome) string {
	if o == nil || o.Result != "failed" && o.Result != "interrupted" {
		return ""
	}
	text := o.Verb + " " + o.Result
	if o.Reason != "" {
		text += ": " + o.Reason
	}
	return w.text(text)
}

// past returns a moment that is over, such as "3d ago".
func (w writer) past(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return newMoment(t, envs.Ago(t, w.now)+" ago")
}

// future returns a moment to come, such as "in 2h".
func (w writer) future(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return newMoment(t, envs.Until(t, w.now))
}

func newMoment(t time.Time, text string) moment {
	t = t.UTC().Truncate(time.Second)
	return moment{At: t, Exact: t.Format(time.RFC3339), Text: text}
}

// still returns the row without what changes by itself as time goes by.
func (r row) still() row {
	for _, m := range []*moment{&r.Created, &r.Deployed, &r.Expires, &r.Removed, &r.Until} {
		m.Text = ""
	}
	return r
}

// is reports whether a row has a state, or is marked as due or protected.
func (r row) is(mark string) bool { return strings.Contains(r.Marks, " "+mark+" ") }

// searched returns what a search looks at, in lower case. The page's script looks at the same: a row has no more.
func (r row) searched() string {
	return strings.ToLower(strings.Join([]string{r.Feature, r.ShortCommit, r.Subject, r.Owner, r.Name}, "\n"))
}

// webLink returns a link if it leads to a web page, or "".
func webLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.ContainsFunc(u.Host, notOfHosts) {
		return ""
	}
	return u.String()
}

// notOfHosts reports whether no host, address or port has this character.
func notOfHosts(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_:[]", r))
}

// pathOf returns how addresses call a feature. A browser changes paths with empty parts and dots: such a feature is
// called by the name of its environment.
func pathOf(application, feature, name string) string {
	parts := strings.Split(feature, "/")
	if slices.ContainsFunc(parts, func(s string) bool { return strings.Trim(s, ".") == "" }) {
		parts = []string{name}
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return url.PathEscape(application) + "/" + strings.Join(parts, "/")
}
