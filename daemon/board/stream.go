package board

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// heartbeat is how often a stream says something, so that proxies and both ends know that it lives.
	heartbeat = 15 * time.Second
	// writeTime is how long a client may take to receive a change. One that is slower is dropped, and comes back.
	writeTime = 10 * time.Second
	// followLimit is how many features one stream follows.
	followLimit = 16
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
// client lacks. A client that is slow gets several changes as one.
func (b *Board) serveChanges(w http.ResponseWriter, r *http.Request) {
	if !b.hub.enter() {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	defer b.hub.exit()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of a proxy in front
	c := client{board: b, w: w, control: http.NewResponseController(w), follows: map[string]string{}}
	for _, key := range r.URL.Query()["feature"] {
		if len(c.follows) < followLimit {
			c.follows[key] = ""
		}
	}
	_ = c.control.SetReadDeadline(time.Time{}) // the server's would end the stream
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
	follows map[string]string // by key, the mark of what was sent last
}

// run sends until the client goes or the board ends.
func (c *client) run(ctx context.Context, reading string) {
	s, news := c.board.hub.current()
	if c.seq = s.parseReading(reading); reading == "" {
		c.seq = s.seq
	}
	if c.write(": open\nretry: 2000\n\n") != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	look := time.NewTicker(interval)
	defer look.Stop()
	for {
		if c.send(s) != nil || c.sendFeatures(ctx, s) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.board.hub.closed:
			return
		case <-beat.C:
			if c.write(": alive\n\n") != nil {
				return
			}
		case <-look.C:
		case <-news:
		}
		s, news = c.board.hub.current()
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

// sendFeatures sends the features that the client follows, as far as they have changed.
func (c *client) sendFeatures(ctx context.Context, s *state) error {
	for key, sent := range c.follows {
		l := s.byKey[key]
		if l == nil {
			continue
		}
		now := c.board.live(ctx, l)
		if now.Mark == sent {
			continue
		}
		c.follows[key] = now.Mark
		if err := c.write(event("feature", "", now)); err != nil {
			return err
		}
	}
	return nil
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
