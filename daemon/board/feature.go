package board

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/visible"
)

const (
	// detailTime is how long AWS may take to tell what only a feature's page shows.
	detailTime = 15 * time.Second
	// restAge is how old that may be while nothing is at work.
	restAge = time.Minute
	// detailLimit is how many features' details are remembered.
	detailLimit = 200
	// entryLimit is how many entries a timeline has.
	entryLimit = 300
	// messageLimit is how many characters an entry has.
	messageLimit = 4000
)

// details has what only the pages of features show. It asks AWS once for all who look.
type details struct {
	mu     sync.Mutex
	known  map[string]*detail // by key
	flight singleflight.Group
}

// detail is what was read of one feature. It is never changed.
type detail struct {
	at       time.Time
	seq      int64 // of the line that it was read for
	number   int   // raised when it differs from the one before
	events   []beanstalk.Event
	versions []envs.Version
	unread   []string
}

// following reports whether something is at work on a feature, so that events may come.
func (l *line) following() bool {
	return slices.Contains([]string{stateLaunching, stateUpdating, stateRemoving}, l.State) || l.Work != ""
}

// detail returns what only the page of a feature shows, at most a few seconds old while something is at work.
func (b *Board) detail(ctx context.Context, l *line) *detail {
	d := &b.details
	d.mu.Lock()
	known := d.known[l.Key]
	d.mu.Unlock()
	age := restAge
	if l.following() {
		age = interval
	}
	if known != nil && known.seq == l.seq && time.Since(known.at) < age {
		return known
	}
	read := d.flight.DoChan(l.Key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), detailTime)
		defer cancel()
		now := b.readDetail(ctx, l)
		d.mu.Lock()
		defer d.mu.Unlock()
		if known != nil {
			now.number = known.number
			if !now.same(known) {
				now.number++
			}
		}
		if len(d.known) >= detailLimit {
			clear(d.known)
		}
		d.known[l.Key] = now
		return now, nil
	})
	select {
	case <-ctx.Done():
		return &detail{}
	case result := <-read:
		return result.Val.(*detail)
	}
}

// same reports whether two readings have found the same.
func (d *detail) same(other *detail) bool {
	return slices.Equal(d.events, other.events) && slices.Equal(d.versions, other.versions) && slices.Equal(d.unread, other.unread)
}

// readDetail asks AWS for events and versions. What can't be read is said.
func (b *Board) readDetail(ctx context.Context, l *line) *detail {
	now := &detail{at: time.Now(), seq: l.seq}
	s, _ := b.hub.current()
	f, e := s.subjects[l.Key].feed, s.subjects[l.Key].environment
	if f == nil || e.ID == "" {
		return now
	}
	var err error
	if now.events, err = f.Events(ctx, e, e.Created.Add(-time.Minute)); err != nil {
		now.unread = append(now.unread, "AWS's events can't be read: "+b.text(err.Error()))
	}
	if now.versions, err = f.Versions(ctx, e); err != nil {
		now.unread = append(now.unread, "the versions can't be read: "+b.text(err.Error()))
	}
	return now
}

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
	l := s.named(application, feature, b.text)
	if l == nil {
		b.serveMissing(w, r, s, application, feature)
		return
	}
	now := b.live(r.Context(), l)
	p := featurePage{page: b.page(r, s, l.Feature), Key: l.Key, Name: l.Feature, Live: template.HTML(now.HTML), Mark: now.Mark}
	if b.config.Live {
		p.Acts = b.forms(r, l)
	}
	b.answer(w, r, http.StatusOK, "feature.html", p)
}

// named returns the line of a feature, or of an environment with that name.
func (s *state) named(application, feature string, text func(string) string) *line {
	var byName *line
	for _, l := range s.lines {
		switch {
		case l.Application != text(application):
		case l.Feature == text(feature):
			return l
		case l.Name == feature:
			byName = l
		}
	}
	return byName
}

func (b *Board) serveMissing(w http.ResponseWriter, r *http.Request, s *state, application, feature string) {
	name := b.text(feature)
	b.answer(w, r, http.StatusNotFound, "missing.html", missingPage{
		page: b.page(r, s, "Not found"), Name: name, Similar: s.similar(b.text(application), name),
	})
}

// forms returns the acts that are possible on a feature.
func (b *Board) forms(r *http.Request, l *line) []form {
	var all []form
	now, _ := b.hub.current()
	about := now.subjects[l.Key]
	if about.feed == nil {
		return nil
	}
	add := func(f form, act Act) {
		act.Region = about.feed.Region
		act.Action, act.Application, act.Feature, act.Name, act.ID = f.Act, l.Application, l.Feature, l.Name, l.ID
		f.Fields = []field{{"action", act.Action}, {"application", act.Application}, {"feature", act.Feature}, {"name", act.Name}, {"id", act.ID}}
		extra := b.config.Form(r, act)
		for _, name := range slices.Sorted(maps.Keys(extra)) {
			f.Fields = append(f.Fields, field{name, extra[name]})
		}
		all = append(all, f)
	}
	if l.State == stateRemoved {
		if l.Until.At.IsZero() {
			return nil
		}
		add(form{Act: "restore", Label: "Restore", Hint: "Brings the environment back as it was."}, Act{})
		return all
	}
	add(form{Act: "extend", Label: "Extend", Hint: "Lets it live longer."}, Act{})
	if l.Protection == "" {
		add(form{Act: "protect", Label: "Protect", Hint: "No sweep removes it until it is not protected any more.", Reason: true}, Act{})
	} else {
		add(form{Act: "unprotect", Label: "Stop protecting", Hint: "Sweeps may remove it again."}, Act{})
	}
	add(form{Act: "remove", Label: "Remove", Hint: fmt.Sprintf("Terminates the environment %s.", l.Name), Confirm: true}, Act{})
	return all
}
