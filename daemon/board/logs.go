package board

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"beansprout/envs"
	"beansprout/visible"
)

const (
	// logTime is how long AWS may take to gather logs, and logWait how long a page waits for them.
	logTime = time.Minute
	logWait = 12 * time.Second
	// logAge is how old the logs of a page may be.
	logAge = 30 * time.Second
	// logLimit is how many features' logs are remembered, and logSize how many characters of each.
	logLimit = 20
	logSize  = 200_000
)

// logs has the ends of the logs that were asked for last. AWS gathers them once for all who look.
type logs struct {
	mu     sync.Mutex
	known  map[string]gathered // by id of the environment
	flight singleflight.Group
}

// gathered is the end of an environment's logs.
type gathered struct {
	at      time.Time
	text    string
	failure error
}

// gather returns the end of an environment's logs, and false where AWS is still at it.
func (b *Board) gather(ctx context.Context, about subject) (gathered, bool) {
	e, l := about.environment, &b.logs
	l.mu.Lock()
	known, ok := l.known[e.ID]
	l.mu.Unlock()
	if ok && time.Since(known.at) < logAge {
		return known, true
	}
	flight := l.flight.DoChan(e.ID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logTime)
		defer cancel()
		var now gathered
		now.failure = b.guard(func() (err error) {
			now.text, err = about.feed.Logs(ctx, e)
			return err
		})
		now.at = time.Now()
		l.remember(e.ID, now)
		return now, nil
	})
	limit := time.NewTimer(logWait)
	defer limit.Stop()
	select {
	case result := <-flight:
		return result.Val.(gathered), true
	case <-limit.C:
	case <-ctx.Done():
	}
	return gathered{}, false
}

func (l *logs) remember(id string, now gathered) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) >= logLimit {
		clear(l.known)
	}
	l.known[id] = now
}

// logsOf returns the address of the page with the logs of a feature, "" where it has none.
func logsOf(about subject) string {
	e := about.environment
	if about.feed.Logs == nil || e.State == envs.Terminated {
		return ""
	}
	w := writer{feed: about.feed}
	return w.address("/logs/", e.Application, e.Feature, e.Name)
}

// serveLogs serves the end of the logs of a feature.
func (b *Board) serveLogs(w http.ResponseWriter, r *http.Request) {
	application, feature := r.PathValue("application"), r.PathValue("feature")
	s := b.hub.recent(r.Context())
	l := s.named(application, feature, r.URL.Query().Get("region"))
	if l == nil || logsOf(s.subjects[l.Key]) == "" {
		b.serveMissing(w, r, s, application, feature)
		return
	}
	p := logsPage{page: b.page(r, s, "Logs of "+l.Feature), Name: l.Feature, Feature: l.Page}
	switch now, there := b.gather(r.Context(), s.subjects[l.Key]); {
	case !there:
		p.Waiting = true
	case now.failure != nil:
		p.Failure = b.text(now.failure.Error())
	default:
		p.Text = lastOf(visible.Lines(b.config.Mask(now.text)), logSize)
	}
	b.answer(w, r, http.StatusOK, "logs.html", p)
}

// lastOf returns the last characters of a text.
func lastOf(text string, limit int) string {
	runes := []rune(text)
	return string(runes[max(0, len(runes)-limit):])
}
