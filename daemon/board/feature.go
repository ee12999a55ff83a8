package board

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/visible"
)

const (
	// entryLimit is how many entries a timeline has.
	entryLimit = 300
	// messageLimit is how many characters an entry has.
	messageLimit = 4000
)

// live returns the part of a feature's page that changes. It has no HTML where its mark is the one that is known
// already.
func (b *Board) live(ctx context.Context, l *line, known string) liveHTML {
	d := b.detail(ctx, l)
	now, _ := b.hub.current()
	e := now.subjects[l.Key].environment
	answers := b.config.Answers(e.Name, e.ID)
	html := liveHTML{Key: l.Key, Mark: mark(now.epoch, l.seq, d.number, e, answers)}
	if html.Mark == known {
		return html
	}
	w := writer{mask: b.config.Mask, now: now.clock()}
	html.HTML = b.pages.part("live", live{
		Row: l.row, Following: l.following(), Unread: d.unread, Timeline: w.timeline(e, d.events, answers), Versions: w.versions(d.versions),
	})
	return html
}

// mark returns a text that is another one where the page of a feature shows something else.
func mark(epoch string, seq int64, detail int, e envs.Environment, answers []Answer) string {
	counter := int64(0)
	if e.Record != nil {
		counter = e.Record.Counter
	}
	sum := sha256.Sum256(fmt.Append(nil, epoch, seq, " ", detail, " ", counter, answers))
	return hex.EncodeToString(sum[:6])
}

func (w writer) versions(all []envs.Version) []version {
	var shown []version
	for _, v := range all {
		shown = append(shown, version{
			Label: w.text(v.Label), ShortCommit: w.text(envs.ShortCommit(v.Commit, 12)), Owner: w.text(v.Owner),
			Created: w.past(v.Created), State: string(v.State), Reason: w.text(v.Reason),
		})
	}
	return shown
}

// timeline merges what the record, AWS's events and answers tell, the newest first.
func (w writer) timeline(about envs.Environment, events []beanstalk.Event, answers []Answer) []entry {
	var all []entry
	for _, e := range events {
		all = append(all, entry{
			At: w.past(e.Time), Kind: "event", Severity: w.text(e.Severity), Text: w.message(e.Message),
			Failure: e.Severity == "ERROR" || e.Severity == "FATAL",
		})
	}
	if about.Record != nil {
		for _, h := range about.Record.History {
			if isAnswered(h, answers) {
				continue
			}
			all = append(all, entry{
				At: w.past(h.At), Kind: w.text(h.What), By: w.text(h.By), Text: w.message(h.Text),
				Build: w.link(h.Build), Log: visible.Lines(w.mask(h.Log)), Failure: h.What == "failed" || h.What == "interrupted", Earlier: h.ID != "" && h.ID != about.ID,
			})
		}
	}
	for _, a := range answers {
		at := w.now.Add(-time.Since(a.At)) // by AWS's clock, as all else
		all = append(all, entry{At: w.past(at), Kind: w.text(a.Action + " " + a.Result), By: w.text(a.By), Text: w.message(a.Text), Failure: a.Result != Requested})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.At.At.Compare(b.At.At) })
	slices.Reverse(all) // of one second, too, the last comes first
	return all[:min(len(all), entryLimit)]
}

// isAnswered reports whether a happening is only that a person has asked for what an answer tells more of.
func isAnswered(h store.Happening, answers []Answer) bool {
	return h.What == envs.HappenedPressed && slices.ContainsFunc(answers, func(a Answer) bool { return a.By == h.By && a.Action == h.Text })
}

// message returns a text of several lines as it is shown.
func (w writer) message(s string) string { return visible.Cut(visible.Lines(w.mask(s)), messageLimit) }

// serveFeature serves the page of a feature.
func (b *Board) serveFeature(w http.ResponseWriter, r *http.Request) {
	application, feature := r.PathValue("application"), r.PathValue("feature")
	s := b.hub.recent(r.Context())
	l := s.named(application, feature, r.URL.Query().Get("region"))
	if l == nil {
		b.serveMissing(w, r, s, application, feature)
		return
	}
	now := b.live(r.Context(), l, "")
	p := featurePage{page: b.page(r, s, l.Feature), Key: l.Key, Name: l.Feature, Live: template.HTML(now.HTML), Mark: now.Mark, Logs: logsOf(s.subjects[l.Key])}
	if b.config.Live && p.Viewer != "" {
		p.Acts = b.forms(r, l, s.subjects[l.Key])
	}
	b.answer(w, r, http.StatusOK, "feature.html", p)
}

// named returns the line of a feature, or else of an environment with that name. A region of "" is any.
func (s *state) named(application, feature, region string) *line {
	byName := ""
	for key, subject := range s.subjects {
		switch e := subject.environment; {
		case e.Application != application, region != "" && subject.feed.Region != region:
		case e.Feature == feature:
			return s.byKey[key]
		case e.Name == feature:
			byName = key
		}
	}
	return s.byKey[byName]
}

func (b *Board) serveMissing(w http.ResponseWriter, r *http.Request, s *state, application, feature string) {
	name := b.text(feature)
	b.answer(w, r, http.StatusNotFound, "missing.html", missingPage{
		page: b.page(r, s, "Not found"), Name: name, Similar: s.similar(b.text(application), name),
	})
}
