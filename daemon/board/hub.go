package board

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/visible"
)

const (
	// interval is how long a reading is good for, and how long after the last look nothing more is read.
	interval = 5 * time.Second
	// changeInterval is how long it is at least from one reading to the next after something was done.
	changeInterval = time.Second
	// slowest is how long after a reading that failed the next one begins at the latest.
	slowest = time.Minute
	// readTime is how long a reading may take.
	readTime = 45 * time.Second
	// firstTime and staleTime are how long a page waits for a reading: where there is nothing to show, and
	// where there is something older.
	firstTime = 15 * time.Second
	staleTime = 3 * time.Second
)

// hub reads for all who look, and has what was read last.
type hub struct {
	board *Board
	feeds []*feed

	mu      sync.Mutex
	looked  time.Time // when a page was asked for last, or a stream ended
	streams int
	state   *state        // never nil, and never changed
	news    chan struct{} // closed when there is another state, or a reading has ended
	closed  chan struct{}
}

// feed reads one source. What changes is written with the hub's mu held, and but for swept by the goroutine that
// reads alone.
type feed struct {
	Source
	where string           // the region, where there are several; else ""
	lines map[string]*line // by key
	wake  chan struct{}    // has room for one: someone looks

	warnings []string
	now      time.Time            // AWS's clock at the last reading that succeeded
	at       time.Time            // our own clock then; zero before the first
	began    time.Time            // when that reading began
	due      time.Time            // when the next reading may begin
	delay    time.Duration        // after the last failures
	changed  time.Time            // when something may have changed last
	failing  time.Time            // since when reading fails; zero where it does not
	failure  error                // why
	swept    map[string]sweepWord // by id
	subjects map[string]subject   // by key of the line
}

// subject is what a line is about.
type subject struct {
	feed        *feed
	environment envs.Environment // the one that it had where it was removed
}

func newHub(b *Board, sources []Source) *hub {
	h := &hub{board: b, news: make(chan struct{}), closed: make(chan struct{})}
	regions := map[string]bool{}
	for _, s := range sources {
		regions[s.Region] = true
		h.feeds = append(h.feeds, &feed{Source: s, wake: make(chan struct{}, 1), lines: map[string]*line{}})
	}
	for _, f := range h.feeds {
		if len(regions) > 1 {
			f.where = f.Region
		}
	}
	h.state = newState()
	h.state.headHTML = b.pages.head(head{Counts: countsOf(nil)})
	return h
}

// close ends the streams.
func (h *hub) close() { close(h.closed) }

// follow reads a source while someone looks, until ctx ends.
func (h *hub) follow(ctx context.Context, f *feed) {
	for ctx.Err() == nil {
		wait, watched := h.wait(f)
		switch {
		case !watched:
			select {
			case <-ctx.Done():
			case <-f.wake:
			}
		case wait > 0:
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-timer.C:
			case <-f.wake:
			}
			timer.Stop()
		default:
			h.read(ctx, f)
		}
	}
}

// wait returns how long it is until a source is to be read, and whether anyone looks.
func (h *hub) wait(f *feed) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	watched := h.streams > 0 || !h.looked.IsZero() && time.Since(h.looked) < interval
	if f.outdated() {
		return time.Until(f.began.Add(changeInterval)), watched
	}
	return time.Until(f.due), watched
}

// outdated reports whether something may have changed since the last reading began. While reading fails, it is not
// done more often for that.
func (f *feed) outdated() bool { return f.failure == nil && f.began.Before(f.changed) }

// noteChange has all sources read again while someone looks.
func (h *hub) noteChange() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		f.changed = time.Now()
	}
	h.wake()
}

// read reads a source and makes what it found known.
func (h *hub) read(ctx context.Context, f *feed) {
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var snapshot envs.Snapshot
	var lines map[string]*line
	err := h.board.guard(func() (err error) {
		if snapshot, err = f.Read(within); err == nil {
			lines = h.lines(f, snapshot)
		}
		return err
	})
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it took longer than %v: %w", readTime, err)
	}
	if err != nil {
		h.board.log.Warn("board", "application", f.Application, "error", err.Error())
		h.failed(f, err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.due, f.delay, f.failing, f.failure = began.Add(interval), 0, time.Time{}, nil
	f.now, f.at, f.began, f.warnings = snapshot.Now, time.Now(), began, snapshot.Warnings
	f.lines, f.subjects = lines, f.subjectsOf(snapshot)
	h.publish()
}

// key returns the key of a line. Environments of two regions may be called alike.
func (f *feed) key(application, name string) string {
	key := url.PathEscape(application) + "/" + url.PathEscape(name)
	if f.where != "" {
		return f.where + "/" + key
	}
	return key
}

// subjectsOf returns what the lines of a snapshot are about.
func (f *feed) subjectsOf(s envs.Snapshot) map[string]subject {
	all := make(map[string]subject, len(s.Environments)+len(s.Removed))
	for _, g := range s.Removed {
		all[f.key(g.Application, g.Name)] = subject{f, g.Environment()}
	}
	for _, e := range s.Environments {
		all[f.key(e.Application, e.Name)] = subject{f, e}
	}
	return all
}

// failed notes that a source can't be read. What was read before stays, and reading slows down.
func (h *hub) failed(f *feed, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.delay = min(max(2*f.delay, interval), slowest)
	f.due, f.failure = time.Now().Add(f.delay), err
	if f.failing.IsZero() {
		f.failing = time.Now()
	}
	h.publish()
}

// publish makes the next state of what the feeds have. h.mu is held.
func (h *hub) publish() {
	next := h.state.next(h.feeds)
	next.headHTML = h.board.pages.head(head{Counts: countsOf(next.lines), Notices: h.notices()})
	if h.state.differs(next) {
		next.number(h.state)
	}
	h.state = next
	close(h.news)
	h.news = make(chan struct{})
}

// notices returns what is old, left out or wrong. h.mu is held.
func (h *hub) notices() []notice {
	var all []notice
	for _, f := range h.feeds {
		of := ""
		if f.Application != "" && len(h.feeds) > 1 {
			of = " of " + h.board.text(f.Application)
		}
		if f.failure != nil {
			all = append(all, f.old(of, h.board.text(f.failure.Error())))
		}
		if skew := f.at.Round(0).Sub(f.now); !f.at.IsZero() && !f.now.IsZero() && skew.Abs() > janitor.MaxSkew {
			all = append(all, notice{Text: fmt.Sprintf("The clock of the machine that serves this page is %s off by AWS's. Times on this page are by AWS's; sweeps are refused until the clock is right.", envs.Roughly(skew.Abs()))})
		}
		for _, w := range f.warnings {
			all = append(all, notice{Text: h.board.text(w)})
		}
	}
	return all
}

// old says since when the environments are not read any more.
func (f *feed) old(of, why string) notice {
	if f.at.IsZero() {
		return notice{Text: fmt.Sprintf("The environments%s can't be read: %s", of, why)}
	}
	since := f.now.Add(f.failing.Sub(f.at))
	return notice{Text: fmt.Sprintf("The environments%s are shown as they were when they were read last; AWS can't be read now: %s", of, why),
		Since: newMoment(since, "")}
}

// recent returns a state that is not older than the interval, or after a while the one there is.
func (h *hub) recent(ctx context.Context) *state {
	h.noteLook()
	s, news, wait := h.progress()
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for wait > 0 {
		select {
		case <-news:
			s, news, wait = h.progress()
		case <-limit.C:
			return s
		case <-h.closed:
			return s
		case <-ctx.Done():
			return s
		}
	}
	return s
}

// noteLook notes that a page was asked for.
func (h *hub) noteLook() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked = time.Now()
	h.wake()
}

// wake has the sources read if they are due. h.mu is held.
func (h *hub) wake() {
	for _, f := range h.feeds {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// progress returns the state, a channel that is closed when there may be another, and how long a page may wait for
// that: 0 where the state is good, or no better one can come.
func (h *hub) progress() (s *state, news chan struct{}, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		switch {
		case f.failure != nil && time.Now().Before(f.due):
		case f.at.IsZero():
			wait = max(wait, firstTime)
		case time.Since(f.at) >= interval, f.outdated():
			wait = max(wait, staleTime)
		}
	}
	return h.state, h.news, wait
}

// current returns the state, and a channel that is closed when there may be another.
func (h *hub) current() (*state, chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.news
}

// streamLimit is how many streams there may be at once.
const streamLimit = 500

// enter counts a stream. It reports false where there are too many.
func (h *hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams >= streamLimit {
		return false
	}
	h.streams++
	h.wake()
	return true
}

func (h *hub) exit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
	h.looked = time.Now()
}

// sweepWord is what the last sweep said of an environment.
type sweepWord struct {
	action janitor.Action
	reason string
	at     time.Time
}

// noteSweep remembers what only a sweep knows of a source's environments.
func (h *hub) noteSweep(f *feed, r janitor.Report) {
	swept := map[string]sweepWord{}
	for _, d := range r.Decisions {
		word := sweepWord{d.Action, d.Reason, r.Now}
		if d.Err != nil {
			word.reason = visible.FirstLine(d.Err.Error())
		}
		if d.Env.ID != "" {
			swept[d.Env.ID] = word
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.swept = swept
}
