package envs

import (
	"errors"
	"testing"

	"beansprout/localcloud"
)

// withDisplay adds an announcer whose messages reach no one.
func withDisplay(b *board, boards map[string]*board) func(*Config) {
	return func(c *Config) {
		withBoards(boards)(c)
		c.Displays = map[string]Announcer{"GitHub": b}
	}
}

func TestADisplayIsToldWhatAnnouncersAreTold(t *testing.T) {
	t.Parallel()
	shown := &board{}
	p := newPlot(t, localcloud.Config{}, withDisplay(shown, nil))
	e := p.deployed(deployment("x", "one"), Created)
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim"}); err != nil {
		t.Fatal(err)
	}
	if n := shown.newest(); n.Note != "extended by 1d by kim" || shown.posted != 1 {
		t.Errorf("extended: %+v, %d posted", n, shown.posted)
	}
	if rec := p.record(e.Name); rec.Messages["GitHub"].Timestamp != "1" || rec.Message != (MessageRef{}) {
		t.Errorf("the record: %+v, %+v", rec.Messages, rec.Message)
	}
	p.removed("x", RemoveOptions{NoWait: true})
	if n := shown.newest(); n.State != NewsRemoved || shown.posted != 1 {
		t.Errorf("removed: %+v, %d posted", n, shown.posted)
	}
}

// Only what reaches the owner is a warning.
func TestADisplayedWarningIsNoWarning(t *testing.T) {
	t.Parallel()
	heard, shown := &board{}, &board{}
	p := newPlot(t, localcloud.Config{}, withDisplay(shown, map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	heard.refuses(func(News) error { return errors.New("Slack is down") })
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); err == nil || p.record(e.Name).Warned != nil {
		t.Errorf("Slack is down: %v, %+v", err, p.record(e.Name).Warned)
	}
	if n, _ := shown.count(NewsExpiring); n != 0 {
		t.Error("a warning that was not delivered is displayed")
	}
	heard.refuses(nil)
	shown.refuses(func(News) error { return errors.New("GitHub is down") })
	var said told
	if err := p.manager.Warn(t.Context(), p.get("x"), said.options()); err != nil || p.record(e.Name).Warned == nil {
		t.Errorf("GitHub is down: %v, %+v", err, p.record(e.Name).Warned)
	}
	if said.String() != "tell GitHub: GitHub is down" {
		t.Errorf("it says %q", said.String())
	}
	shown.refuses(nil)
	heard.refuses(func(News) error { return errors.New("told twice") })
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Errorf("the same warning again: %v", err)
	}
	p.deployed(deployment("y", "one"), Created)
	heard.refuses(nil)
	if err := p.manager.Warn(t.Context(), p.get("y"), Options{}); err != nil {
		t.Fatal(err)
	}
	if n, last := shown.count(NewsExpiring); n != 1 || last.Feature != "y" {
		t.Errorf("displayed %d times: %+v", n, last)
	}
}

func TestWhereNothingReachesTheOwnerThereIsNoWarning(t *testing.T) {
	t.Parallel()
	shown := &board{}
	p := newPlot(t, localcloud.Config{}, withDisplay(shown, nil))
	p.deployed(deployment("x", "one"), Created)
	if p.manager.Announces() {
		t.Error("a display counts as an announcer")
	}
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{}); err != nil {
		t.Error(err)
	}
	if n, _ := shown.count(NewsExpiring); n != 0 {
		t.Errorf("told %d times", n)
	}
}
