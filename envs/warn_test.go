package envs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// board is an announcer that keeps what it is told, and may refuse or hang.
type board struct {
	mu     sync.Mutex
	all    []News
	refuse func(News) error // may be nil; a refused one is not posted
	posted int
}

func (b *board) Announce(_ context.Context, ref MessageRef, n News) (MessageRef, error) {
	b.mu.Lock()
	refuse := b.refuse
	b.mu.Unlock()
	if refuse != nil {
		if err := refuse(n); err != nil {
			return ref, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, n)
	if ref == (MessageRef{}) {
		b.posted++
		ref = MessageRef{Channel: "C", Timestamp: fmt.Sprint(b.posted)}
	}
	return ref, nil
}

func (b *board) refuses(refuse func(News) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = refuse
}

// count returns how many news have this state, and the last of them.
func (b *board) count(state NewsState) (n int, last News) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, news := range b.all {
		if news.State == state {
			n, last = n+1, news
		}
	}
	return n, last
}

// newest returns what it was told last.
func (b *board) newest() News {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.all) == 0 {
		return News{}
	}
	return b.all[len(b.all)-1]
}

func withBoards(boards map[string]*board) func(*Config) {
	return func(c *Config) {
		c.Announcers = map[string]Announcer{}
		for name, b := range boards {
			c.Announcers[name] = b
		}
	}
}

// get returns the living environment of the feature.
func (p *plot) get(feature string) Environment {
	p.Helper()
	e, err := p.manager.Get(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	return e
}

func (p *plot) record(name string) store.Record {
	p.Helper()
	rec, err := p.store().Read(p.Context(), name)
	if err != nil {
		p.Fatal(err)
	}
	return rec
}

func TestAWarningIsToldOnceForEachExpiry(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	o := Options{By: "janitor", Reason: "its days are nearly over"}
	for range 2 {
		if err := p.manager.Warn(t.Context(), p.get("x"), o); err != nil {
			t.Fatal(err)
		}
	}
	n, told := heard.count(NewsExpiring)
	if n != 1 || told.Reason != o.Reason || !told.Expires.Equal(e.Expires) || told.ID != e.ID {
		t.Errorf("told %d times: %+v", n, told)
	}
	rec := p.record(e.Name)
	if rec.Warned == nil || !rec.Warned.Expires.Equal(e.Expires) || rec.Attempt != nil || time.Since(rec.Warned.At).Abs() > time.Minute {
		t.Errorf("the record says %+v, %+v", rec.Warned, rec.Attempt)
	}
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim"}); err != nil {
		t.Fatal(err)
	}
	later := e.Expires.Add(day).Truncate(time.Second)
	if last := heard.newest(); last.State != NewsReady || !last.Expires.Equal(later) || last.Note != "extended by 1d by kim" {
		t.Errorf("after the extension: %+v", last)
	}
	if err := p.manager.Warn(t.Context(), p.get("x"), o); err != nil {
		t.Fatal(err)
	}
	if n, told := heard.count(NewsExpiring); n != 2 || !told.Expires.Equal(later) {
		t.Errorf("of the new expiry it is told %d times: %+v", n, told)
	}
}

// A message that is updated after the warning goes on to warn, of the same end.
func TestAWarningForAGoneBranchStaysInTheMessage(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := p.record(e.Name).At
	extend := func() News {
		t.Helper()
		_, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim"})
		try(err)
		return heard.newest()
	}
	end := now.Add(day).UTC().Truncate(time.Second)
	try(p.manager.NoteMissing(t.Context(), p.get("x"), now.Add(-time.Hour), Options{}))
	try(p.manager.Warn(t.Context(), p.get("x"), Options{Until: end}))
	if n := extend(); n.State != NewsExpiring || !n.Expires.Equal(end) || n.Note == "" {
		t.Errorf("after an extension, which a gone branch does not heed: %+v", n)
	}
	try(p.manager.NoteMissing(t.Context(), p.get("x"), now.Add(time.Hour), Options{}))
	if n := extend(); n.State != NewsReady {
		t.Errorf("the branch was back, and is gone again: %+v", n)
	}
	try(p.manager.NoteMissing(t.Context(), p.get("x"), time.Time{}, Options{}))
	if n := extend(); n.State != NewsReady || !n.Expires.After(end) {
		t.Errorf("the branch is back: %+v", n)
	}
}

func TestTwoJanitorsWarnOnce(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	p.deployed(deployment("x", "one"), Created)
	managers := []*Manager{p.manager, p.newManager(withBoards(map[string]*board{"Slack": heard}))}
	e := p.get("x")
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			err := managers[i%2].Warn(t.Context(), e, Options{})
			if err != nil && !errors.Is(err, ErrNotReady) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, _ := heard.count(NewsExpiring); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestAWarningThatWasNotDeliveredDoesNotCount(t *testing.T) {
	t.Parallel()
	slack, mail := &board{}, &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": slack, "mail": mail}))
	e := p.deployed(deployment("x", "one"), Created)
	down := errors.New("it is down")
	slack.refuses(func(News) error { return down })
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); !errors.Is(err, down) || !strings.Contains(err.Error(), "tell Slack") {
		t.Errorf("Warn: %v", err)
	}
	if rec := p.record(e.Name); rec.Warned != nil {
		t.Errorf("the record says %+v", rec.Warned)
	}
	slack.refuses(nil)
	if err := p.newManager(withBoards(map[string]*board{"Slack": slack, "mail": mail})).Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*board{"Slack": slack, "mail": mail} {
		if n, _ := b.count(NewsExpiring); n != 1 {
			t.Errorf("%s was told %d times", name, n)
		}
	}
	if rec := p.record(e.Name); rec.Warned == nil {
		t.Error("the record does not say that it was delivered")
	}
}

// A janitor that dies while it warns leaves its attempt behind.
func TestAnAttemptToWarnKeepsOthersBackForAWhile(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	_, err := p.store().Change(t.Context(), e.Name, func(r *store.Record) {
		r.Attempt = &store.WarningAttempt{At: r.At, Expires: e.Expires, Token: "another's"}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); !errors.Is(err, ErrNotReady) {
		t.Errorf("Warn: %v", err)
	}
	if n, _ := heard.count(NewsExpiring); n != 0 {
		t.Errorf("told %d times", n)
	}
	p.cloud.Advance(warnTime)
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Fatal(err)
	}
	if n, _ := heard.count(NewsExpiring); n != 1 || p.record(e.Name).Warned == nil {
		t.Errorf("told %d times", n)
	}
}

// What Slack has confirmed is not posted again, though it could not be written down.
func TestAWarningThatCouldNotBeWrittenDownIsNotToldAgain(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	env := p.get("x")
	heard.refuses(func(n News) error {
		if n.State == NewsExpiring {
			p.before(1, "PUT ledger", func() string { return "AccessDenied" })
		}
		return nil
	})
	if err := p.manager.Warn(t.Context(), env, Options{}); err == nil {
		t.Error("a warning counts that is not in the record")
	}
	heard.refuses(nil)
	if rec := p.record(e.Name); rec.Warned != nil || rec.Attempt == nil {
		t.Errorf("the record says %+v, %+v", rec.Warned, rec.Attempt)
	}
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Fatal(err)
	}
	if n, _ := heard.count(NewsExpiring); n != 1 || p.record(e.Name).Warned == nil {
		t.Errorf("told %d times; the record says %+v", n, p.record(e.Name).Warned)
	}
}

func TestWhatDoesNotExpireIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	former := p.deployed(deployment("x", "one"), Created)
	if _, err := p.manager.Protect(t.Context(), former, "a demo", Options{By: "kim"}); err != nil {
		t.Fatal(err)
	}
	if _, protected := errors.AsType[*ProtectedError](p.manager.Warn(t.Context(), former, Options{})); !protected {
		t.Error("a protected environment is warned of")
	}
	p.removed("x", RemoveOptions{Force: true})
	p.deployed(deployment("x", "one"), Created)
	if err := p.manager.Warn(t.Context(), former, Options{}); !errors.Is(err, ErrReplaced) {
		t.Errorf("of the former one: %v", err)
	}
	if n, _ := heard.count(NewsExpiring); n != 0 {
		t.Errorf("told %d times", n)
	}
	forever := p.newManager(func(c *Config) { withBoards(map[string]*board{"Slack": heard})(c); c.Days = Days{} })
	r, err := forever.Deploy(t.Context(), deployment("y", "one"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := forever.Warn(t.Context(), r.Environment, Options{}); err == nil || !strings.Contains(err.Error(), "it never expires") {
		t.Errorf("of what never expires: %v", err)
	}
	if n, _ := heard.count(NewsExpiring); n != 0 {
		t.Errorf("told %d times", n)
	}
	silent := p.newManager(nil)
	if silent.Announces() || !p.manager.Announces() {
		t.Error("Announces is wrong")
	}
	if err := silent.Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Errorf("without announcers: %v", err)
	}
}

func TestAPressActsOnce(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	var all sync.WaitGroup
	results := make([]error, 5)
	for i := range results {
		all.Go(func() { results[i] = p.manager.Press(t.Context(), e, "token", "extend", Options{}) })
	}
	all.Wait()
	succeeded := 0
	for _, err := range results {
		if err == nil {
			succeeded++
		} else if !errors.Is(err, ErrPressed) {
			t.Error(err)
		}
	}
	if succeeded != 1 {
		t.Errorf("%d presses of one button succeed", succeeded)
	}
	p.removed("x", RemoveOptions{})
	gone := p.restorable("x")
	if err := p.manager.Press(t.Context(), gone, "token", "extend", Options{}); !errors.Is(err, ErrPressed) {
		t.Errorf("after the removal: %v", err)
	}
	if err := p.manager.Press(t.Context(), gone, "restore", "extend", Options{}); err != nil {
		t.Error(err)
	}
	if rec := p.record(e.Name); rec.Restorable == nil {
		t.Error("a press of Restore takes away what it needs")
	}
	if err := p.manager.Press(t.Context(), p.restorable("x"), "restore", "restore", Options{}); !errors.Is(err, ErrPressed) {
		t.Errorf("Restore pressed twice: %v", err)
	}
	p.deployed(deployment("x", "one"), Created)
	if err := p.manager.Press(t.Context(), e, "other", "extend", Options{}); !errors.Is(err, ErrReplaced) {
		t.Errorf("for the former environment: %v", err)
	}
}

func TestSinceWhenABranchIsMissingIsWrittenDown(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	since := time.Now().UTC().Truncate(time.Second)
	for _, want := range []time.Time{since, {}} {
		if err := p.manager.NoteMissing(t.Context(), p.get("x"), want, Options{}); err != nil {
			t.Fatal(err)
		}
		if got := p.get("x").Own().MissingSince; !got.Equal(want) {
			t.Errorf("it is missing since %v, want %v", got, want)
		}
	}
	before := len(p.cloud.Calls())
	if err := p.manager.NoteMissing(t.Context(), p.get("x"), time.Time{}, Options{}); err != nil {
		t.Error(err)
	}
	for _, call := range p.cloud.Calls()[before:] {
		if call.Action == "PutObject" {
			t.Error("what is not missing is written down as such")
		}
	}
}
