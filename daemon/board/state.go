package board

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"beansprout/envs"
	"beansprout/spelling"
)

// state is what was read last of all sources. It is never changed once it is published.
type state struct {
	epoch    string // of this process: numbers of another one mean nothing
	seq      int64  // raised when something changes
	lines    []*line
	byKey    map[string]*line
	subjects map[string]subject // by key
	gone     []departure        // lines that are no more, the newest last
	from     int64              // what has changed since before it is not known
	headHTML string             // counts and notices
	now      time.Time          // AWS's clock at the last reading
	at       time.Time          // our own clock then

	frames    sync.Mutex
	frame     string // the event for clients that have frameFrom; "" before one was made
	frameFrom int64
}

// line is a row with its HTML. A published line is never changed.
type line struct {
	row
	html   string
	search string // what a search looks at
	seq    int64  // of the state in which it changed last
}

// departure is a line that is no more.
type departure struct {
	key string
	seq int64
}

// departureLimit is how many lines that are no more are remembered.
const departureLimit = 1000

func newState() *state { return &state{epoch: rand.Text()[:8], byKey: map[string]*line{}} }

// lines returns the lines of what a source has read. Those that have not changed are the ones before.
func (h *hub) lines(f *feed, s envs.Snapshot) map[string]*line {
	h.mu.Lock()
	w := writer{feed: f, mask: h.board.config.Mask, now: s.Now, swept: f.swept}
	h.mu.Unlock()
	lines := make(map[string]*line, len(s.Environments)+len(s.Removed))
	for _, g := range s.Removed {
		h.line(f, lines, w.removed(g))
	}
	for _, e := range s.Environments {
		h.line(f, lines, w.environment(e))
	}
	return lines
}

// line adds the line of a row.
func (h *hub) line(f *feed, lines map[string]*line, r row) {
	old := f.lines[r.Key]
	if old != nil && old.row == r {
		lines[r.Key] = old
		return
	}
	now := &line{row: r, html: h.board.pages.row(r), search: r.searched()}
	if old != nil && old.still() == r.still() {
		now.seq = old.seq
	}
	lines[r.Key] = now
}

// next returns the state after this one, with what the feeds have. Lines with the number 0 are new in it.
func (s *state) next(feeds []*feed) *state {
	next := &state{epoch: s.epoch, seq: s.seq, from: s.from, gone: s.gone, byKey: make(map[string]*line, len(s.byKey)), subjects: make(map[string]subject, len(s.byKey))}
	for _, f := range feeds {
		maps.Copy(next.subjects, f.subjects)
		for key, l := range f.lines {
			next.byKey[key] = l
			next.lines = append(next.lines, l)
		}
		if f.at.After(next.at) {
			next.now, next.at = f.now, f.at
		}
	}
	slices.SortFunc(next.lines, func(a, b *line) int { return strings.Compare(a.Key, b.Key) })
	return next
}

// differs reports whether a client that has seen s has to be told something of next.
func (s *state) differs(next *state) bool {
	if s.headHTML != next.headHTML {
		return true
	}
	for key := range s.byKey {
		if next.byKey[key] == nil {
			return true
		}
	}
	return slices.ContainsFunc(next.lines, func(l *line) bool { return l.seq == 0 })
}

// number gives s, and the lines that are new in it, the number after that of the state before.
func (s *state) number(before *state) {
	s.seq = before.seq + 1
	for _, l := range s.lines {
		if l.seq == 0 {
			l.seq = s.seq
		}
	}
	for key := range before.byKey {
		if s.byKey[key] == nil {
			s.gone = append(slices.Clip(s.gone), departure{key, s.seq})
		}
	}
	if over := len(s.gone) - departureLimit; over > 0 {
		s.from = s.gone[over-1].seq
		s.gone = slices.Clone(s.gone[over:])
	}
}

// since returns what has changed since a client's reading. ok is false where that is not known.
func (s *state) since(seq int64) (changed []*line, gone []string, ok bool) {
	if seq < s.from || seq > s.seq {
		return nil, nil, false
	}
	for _, l := range s.lines {
		if l.seq > seq {
			changed = append(changed, l)
		}
	}
	for _, d := range s.gone {
		if d.seq > seq && s.byKey[d.key] == nil {
			gone = append(gone, d.key)
		}
	}
	return changed, gone, true
}

// reading names what a client has seen, for since.
func (s *state) reading() string { return fmt.Sprintf("%s-%d", s.epoch, s.seq) }

// parseReading returns the number of a reading of this process, or -1.
func (s *state) parseReading(text string) int64 {
	epoch, number, _ := strings.Cut(text, "-")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || epoch != s.epoch || seq < 0 {
		return -1
	}
	return seq
}

// clock returns AWS's time now; our own where that is not known.
func (s *state) clock() time.Time {
	if s.now.IsZero() {
		return time.Now()
	}
	return s.now.Add(time.Since(s.at))
}

// countsOf returns the numbers on top of the page.
func countsOf(lines []*line) []count {
	all := []count{{State: stateRunning, Label: "running"}, {State: markDue, Label: "due within a day"}, {State: markProtected, Label: "protected"}, {State: stateFailing, Label: "failing"}}
	for i := range all {
		all[i].Link = filter{State: all[i].State}.address()
		for _, l := range lines {
			if l.is(all[i].State) {
				all[i].N++
			}
		}
	}
	return all
}

// similar returns links to the features of an application that are spelt most like one, at most a few.
func (s *state) similar(application, feature string) []link {
	pages := map[string]string{}
	var names []string
	for _, l := range s.lines {
		if l.Application == application {
			pages[l.Feature] = l.Page
			names = append(names, l.Feature)
		}
	}
	var links []link
	for _, name := range spelling.Sorted(feature, names)[:min(len(names), similarLimit)] {
		links = append(links, link{Text: name, To: pages[name]})
	}
	return links
}

// similarLimit is how many names a page suggests.
const similarLimit = 5
