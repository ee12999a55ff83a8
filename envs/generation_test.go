package envs

import (
	"errors"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// What is going away, or may be restored only, is not changed, told of or deployed to.
func TestWhatIsGoingAwayIsNotChanged(t *testing.T) {
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	p.deployed(deployment("x", "one"), Created)
	e := p.deployed(deployment("x", "two"), Deployed)
	e.State = Terminating
	before, told := p.record(e.Name), heard.newest()
	for name, operate := range map[string]func() error{
		"Extend":    func() error { _, err := p.manager.Extend(t.Context(), e, time.Hour, Options{}); return err },
		"Protect":   func() error { _, err := p.manager.Protect(t.Context(), e, "", Options{}); return err },
		"Unprotect": func() error { _, err := p.manager.Unprotect(t.Context(), e, Options{}); return err },
		"Rollback":  func() error { _, err := p.manager.Rollback(t.Context(), e, RollbackOptions{}); return err },
		"Restore":   func() error { _, err := p.manager.Restore(t.Context(), e, RestoreOptions{}); return err },
		"Warn":      func() error { return p.manager.Warn(t.Context(), e, Options{}) },
	} {
		if _, going := errors.AsType[*GoingError](operate()); !going {
			t.Errorf("%s: %v", name, operate())
		}
	}
	if after := p.record(e.Name); after.Counter != before.Counter || heard.newest().State != told.State {
		t.Errorf("the record went from %d to %d, and it told %q", before.Counter, after.Counter, heard.newest().State)
	}
}

// A step that has waited for the lease looks again whether the environment is the one that was looked up.
func TestAStepUnderTheLeaseLooksAgain(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	former := e
	former.ID = "e-former"
	run := func(operation string) *run {
		return p.manager.newRun(operation, Env{Name: e.Name, Feature: "x", Application: "shop"}, Options{})
	}
	back := &rollback{manager: p.manager, run: run(operationRollback), env: former}
	if _, err := back.ready(t.Context()); !errors.Is(err, ErrReplaced) {
		t.Errorf("Rollback of a former one: %v", err)
	}
	again := &restore{manager: p.manager, run: run(operationRestore), gone: former.Env}
	if _, err := again.alive(t.Context()); !errors.Is(err, ErrReplaced) {
		t.Errorf("Restore of a former one: %v", err)
	}
	p.tag(e, TagFeature, "")
	back.env = e
	if _, err := back.ready(t.Context()); !errors.Is(err, ErrNotOurs) {
		t.Errorf("Rollback of what is not ours any more: %v", err)
	}
}

// A destination may be swapped, protected or mended while the images are built.
func TestADestinationIsReadAgain(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	d := p.newDeploy(func(d *Deployment) { d.Base.Platform = testPlatform })
	d.run.atRequest = store.Record{Counter: 7}
	now := destination{env: e.Env, url: e.URL(), read: time.Now()}
	moved := now
	moved.url, moved.read = "http://elsewhere.example.com", time.Time{}
	d.run.record.Counter = 8
	if _, err := d.current(t.Context(), moved); err == nil {
		t.Error("a bundle that was made for another address is deployed")
	}
	p.swap("x")
	for name, tt := range map[string]struct {
		change func(*destination)
		writes int64 // of the record since the request was numbered: one takes the lease
		again  bool
	}{
		"read just now":               {func(*destination) {}, 1, false},
		"read too long ago":           {func(to *destination) { to.read = to.read.Add(-readingMaxAge) }, 1, true},
		"written by others since":     {func(*destination) {}, 2, true},
		"of which the launch failed":  {func(to *destination) { to.broken = true }, 1, true},
		"whose record is a later one": {func(*destination) {}, 90, true},
	} {
		to := now
		to.read = time.Now()
		tt.change(&to)
		d.run.record.Counter = 7 + tt.writes
		if _, err := d.current(t.Context(), to); errors.Is(err, ErrNotOurs) != tt.again || !tt.again && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExtensionEndsWithinAYear(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	before := p.record(e.Name)
	for by, dry := range map[time.Duration]bool{366 * day: false, day: true} {
		_, err := p.manager.Extend(t.Context(), p.get("x"), by, Options{DryRun: dry})
		if _, long := errors.AsType[*LongError](err); long == dry || dry && err != nil {
			t.Errorf("by %v: %v", by, err)
		}
	}
	if after := p.record(e.Name); after.Counter != before.Counter {
		t.Errorf("the record says %+v", after)
	}
}

// The janitor removes only at the end that was told.
func TestAWarningCountsForTheEndThatWasToldAndForItsOwnEnvironment(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	sooner := e.Expires.Add(-day).Truncate(time.Second)
	if err := p.manager.Warn(t.Context(), p.get("x"), Options{Until: sooner}); err != nil {
		t.Fatal(err)
	}
	if rec := p.record(e.Name); rec.Warned == nil || !rec.Warned.Expires.Equal(sooner) {
		t.Errorf("told was the end %v, and the record says %+v", sooner, rec.Warned)
	}
	env := p.get("x")
	heard.refuses(func(n News) error {
		if n.State == NewsExpiring {
			p.note("x", func(r *store.Record) { r.SetEnvironment("e-heir") })
		}
		return nil
	})
	if err := p.manager.Warn(t.Context(), env, Options{}); !errors.Is(err, ErrReplaced) {
		t.Errorf("replaced while it was told: %v", err)
	}
	if rec := p.record(e.Name); rec.Environment != "e-heir" || rec.Warned != nil {
		t.Errorf("the record says %+v", rec)
	}
}
