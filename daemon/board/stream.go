package board

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// heartbeat is how often a stream says something, so that proxies and both ends know that it lives.
	heartbeat = 15 * time.Second
	// writeTime is how long a client may take to receive a change. One that is slower is dropped, and comes back.
	writeTime = 10 * time.Second
	// followLimit is how many features one stream follows.
	followLimit = 8
)

// change is the data of the event "rows": what is different from what the client has.
type change struct {
	Reading string    `json:"reading"` // also the id of the event
	Now     string    `json:"now"`     // AWS's clock
	Head    string    `json:"head"`    // HTML of the counts and notices
	Rows    []rowHTML `json:"rows"`
	Gone    []string  `json:"gone"` // keys of rows that are no more
}

type rowHTML struct {
	Key  string `json:"key"`
	HTML string `json:"html"`
}

// liveHTML is the data of the event "feature": the part of a feature's page that changes.
type liveHTML struct {
	Key  string `json:"key"`
	Mark string `json:"mark"` // changes with what is shown, but not as time goes by
	HTML string `json:"html"`
}

// serveChanges streams what changes, as server-sent events, from the reading in since or Last-Event-ID on:
// "rows", for each key in the query's feature values "feature", and "reload" where it is not known what the
// client lacks; "alive" says only that the stream is. A client that is slow gets several changes as one.
func (b *Board) serveChanges(w http.ResponseWriter, r *http.Request) {
	if !b.hub.enter() {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	defer b.hub.exit()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of a proxy in front
	if r.Method == http.MethodHead {
		return
	}
	follows := r.URL.Query()["feature"]
	c := client{board: b, w: w, control: http.NewResponseController(w), follows: follows[:min(len(follows), followLimit)]}
	reading := r.URL.Query().Get("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		reading = last
	}
	c.run(r.Context(), reading)
}

// client is one stream.
type client struct {
	board   *Board
	w       http.ResponseWriter
	control *http.ResponseController
	seq     int64
	follows []string // keys of the features whose pages are open
}

// run sends until the client goes or the board ends.
func (c *client) run(ctx context.Context, reading string) {
	s, news := c.board.hub.current()
	if c.seq = s.parseReading(reading); reading == "" {
		c.seq = s.seq
	}
	ctx, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	features := make(chan liveHTML)
	following.Go(func() { c.board.follow(ctx, c.follows, features) })
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err := c.write("retry: 2000\n\n"); err == nil; s, news = c.board.hub.current() {
		if err = c.send(s); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.board.hub.closed:
			return
		case <-news:
		case f := <-features:
			err = c.write(event("feature", "", f))
		case <-beat.C:
			err = c.write("event: alive\ndata: {}\n\n")
		}
	}
}

// follow hands out the features with these keys when their pages change, until ctx ends.
func (b *Board) follow(ctx context.Context, features []string, out chan<- liveHTML) {
	look := time.NewTicker(interval)
	defer look.Stop()
	sent := map[string]string{}
	for len(features) > 0 {
		s, news := b.hub.current()
		for _, key := range features {
			l := s.byKey[key]
			if l == nil {
				continue
			}
			var now liveHTML
			err := b.guard(func() error { now = b.live(ctx, l, sent[key]); return nil })
			if err != nil || now.Mark == sent[key] {
				continue
			}
			select {
			case out <- now:
				sent[key] = now.Mark
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		case <-news:
		}
	}
}

// send sends what has changed in s since what the client has.
func (c *client) send(s *state) error {
	if c.seq == s.seq {
		return nil
	}
	text, ok := c.board.hub.frame(s, c.seq)
	c.seq = s.seq
	if !ok {
		text = fmt.Sprintf("id: %s\nevent: reload\ndata: {}\n\n", s.reading())
	}
	return c.write(text)
}

// write sends text at once, or reports that the client does not take it in time.
func (c *client) write(text string) error {
	_ = c.control.SetWriteDeadline(time.Now().Add(writeTime)) // where there are none, nothing is lost
	if _, err := c.w.Write([]byte(text)); err != nil {
		return err
	}
	return c.control.Flush()
}

// frame returns the event for a client that has the given number. Most clients have the same: theirs is made once.
func (h *hub) frame(s *state, from int64) (string, bool) {
	s.frames.Lock()
	defer s.frames.Unlock()
	if s.frame != "" && s.frameFrom == from {
		return s.frame, true
	}
	changed, gone, ok := s.since(from)
	if !ok {
		return "", false
	}
	c := change{Reading: s.reading(), Now: newMoment(s.now, "").Exact, Head: s.headHTML, Rows: []rowHTML{}, Gone: append([]string{}, gone...)}
	for _, l := range changed {
		c.Rows = append(c.Rows, rowHTML{l.Key, l.html})
	}
	s.frame, s.frameFrom = event("rows", s.reading(), c), from
	return s.frame, true
}

// event returns a server-sent event. JSON has no line breaks.
func event(name, id string, data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // it consists of texts
	}
	var b strings.Builder
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, text)
	return b.String()
}
