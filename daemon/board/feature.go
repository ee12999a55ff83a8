package board

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"

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

// live returns the part of a feature's page that changes.
func (b *Board) live(ctx context.Context, l *line) liveHTML {
	d := b.detail(ctx, l)
	now, _ := b.hub.current()
	e, w := now.subjects[l.Key].environment, writer{mask: b.config.Mask, now: now.clock()}
	data := live{Row: l.row, Following: l.following(), Unread: d.unread, Timeline: w.timeline(e.Record, e.ID, d.events)}
	for _, v := range d.versions {
		data.Versions = append(data.Versions, version{
			Label: v.Label, ShortCommit: w.text(envs.ShortCommit(v.Commit, 12)), Owner: w.text(v.Owner),
			Created: w.past(v.Created), State: string(v.State), Reason: w.text(v.Reason),
		})
	}
	counter := int64(0)
	if e.Record != nil {
		counter = e.Record.Counter
	}
	return liveHTML{Key: l.Key, Mark: fmt.Sprintf("%d-%d-%d", l.seq, d.number, counter), HTML: b.pages.part("live", data)}
}

// timeline merges what the record and AWS's events tell, the newest first.
func (w writer) timeline(rec *store.Record, id string, events []beanstalk.Event) []entry {
	var all []entry
	for _, e := range events {
		all = append(all, entry{
			At: w.past(e.Time), Kind: "event", Severity: w.text(e.Severity), Text: w.message(e.Message),
			Failure: e.Severity == "ERROR" || e.Severity == "FATAL",
		})
	}
	if rec != nil {
		for _, h := range rec.History {
			all = append(all, entry{
				At: w.past(h.At), Kind: w.text(h.What), By: w.text(h.By), Text: w.message(h.Text),
				Failure: h.What == "failed" || h.What == "interrupted", Earlier: h.ID != "" && h.ID != id,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return b.At.At.Compare(a.At.At) })
	return all[:min(len(all), entryLimit)]
}

// message returns a text of several lines as it is shown.
func (w writer) message(s string) string { return visible.Cut(visible.Lines(w.mask(s)), messageLimit) }

// serveFeature serves the page of a feature.
func (b *Board) serveFeature(w http.ResponseWriter, r *http.Request) {
	application, feature := r.PathValue("application"), r.PathValue("feature")
	s := b.hub.recent(r.Context())
	l := s.named(application, feature)
	if l == nil {
		b.serveMissing(w, r, s, application, feature)
		return
	}
	now := b.live(r.Context(), l)
	p := featurePage{page: b.page(r, s, l.Feature), Key: l.Key, Name: l.Feature, Live: template.HTML(now.HTML), Mark: now.Mark}
	if b.config.Live {
		p.Acts = b.forms(r, l, s.subjects[l.Key])
	}
	b.answer(w, r, http.StatusOK, "feature.html", p)
}

// named returns the line of a feature, or else of an environment with that name.
func (s *state) named(application, feature string) *line {
	byName := ""
	for key, subject := range s.subjects {
		switch e := subject.environment; {
		case e.Application != application:
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
