package envs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
	"beansprout/localcloud/fault"
)

// noted has the record say who works on the feature, as a deploy writes it.
func (p *plot) noted(e Environment) {
	p.Helper()
	_, err := p.store().Change(p.Context(), e.Name, func(r *store.Record) {
		r.LastDeploy.Subject, r.LastDeploy.Email, r.LastDeploy.BuildURL = "Add a login", "kim@example.com", "https://ci/7"
	})
	if err != nil {
		p.Fatal(err)
	}
}

func TestNewsTellEverythingAboutTheEnvironment(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	if err := p.manager.Beat(t.Context(), store.Heartbeat{Presses: true}); err != nil {
		t.Fatal(err)
	}
	request := deployment("x", "one")
	request.Subject, request.Email, request.BuildURL = "Add a login", "kim@example.com", "https://ci/7"
	e := p.deployed(request, Created)
	check := func(what string, n News, state NewsState) {
		t.Helper()
		account, _ := p.manager.Account(t.Context())
		got := fmt.Sprintln(n.State, n.Account, n.Region, n.Name, n.Environment, n.Application, n.Feature, n.Subject, n.Owner, n.Email, n.BuildURL, n.Buttons)
		want := fmt.Sprintln(state, account, testRegion, e.Name, testRegion+"/"+e.Name, "shop", "x", "Add a login", "Kim", "kim@example.com", "https://ci/7", true)
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	check("built", heard.all[0], NewsBuilding)
	if heard.all[0].URL != "" {
		t.Errorf("while nothing serves: %q", heard.all[0].URL)
	}
	check("ready", heard.newest(), NewsReady)
	p.noted(e)
	by := Options{By: "lee"}
	if _, err := p.manager.Protect(t.Context(), p.get("x"), "a demo", by); err != nil {
		t.Fatal(err)
	}
	if n := heard.newest(); n.Note != "protected by lee: a demo" || n.Protected != "lee keeps it" || n.ID != e.ID || n.URL != e.URL() {
		t.Errorf("protected: %+v", n)
	}
	check("protected", heard.newest(), NewsReady)
	before := len(heard.all)
	if _, err := p.manager.Protect(t.Context(), p.get("x"), "again", by); err != nil || len(heard.all) != before {
		t.Errorf("protected again: %v, %+v", err, heard.newest())
	}
	if _, err := p.manager.Unprotect(t.Context(), p.get("x"), by); err != nil {
		t.Fatal(err)
	}
	if n := heard.newest(); n.Note != "no longer protected by lee" || n.Protected != "" || n.Commit != "one" {
		t.Errorf("unprotected: %+v", n)
	}
	request.Commit, request.Source = "two", archive{"two"}
	p.deployed(request, Deployed)
	if n := heard.all[len(heard.all)-2]; n.State != NewsBuilding || n.URL != e.URL() {
		t.Errorf("what serves while another version is built: %+v", n)
	}
	p.noted(e)
	if _, err := p.manager.Rollback(t.Context(), p.get("x"), RollbackOptions{Options: by, Check: HealthCheck{Off: true}}); err != nil {
		t.Fatal(err)
	}
	if n := heard.newest(); n.State != NewsReady || n.Note != "rolled back by lee" || n.Commit != "one" || n.Subject != "" || n.Email != "kim@example.com" {
		t.Errorf("rolled back: %+v", n)
	}
	if n := heard.posted; n != 1 {
		t.Errorf("%d messages were posted", n)
	}
}

func TestRemovalsAndRestoresAreTold(t *testing.T) {
	for name, o := range map[string]RemoveOptions{"waiting": {}, "without waiting": {NoWait: true}, "purging": {Purge: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &board{}
			p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
			e := p.deployed(deployment("x", "one"), Created)
			p.noted(e)
			o.By = "lee"
			p.removed("x", o)
			n := heard.newest()
			if n.State != NewsRemoved || n.Reason != "removed by lee" || n.Note != "" || n.ID != e.ID || n.URL != "" || !n.Expires.IsZero() || n.Email != "kim@example.com" || n.Subject != "Add a login" {
				t.Errorf("told: %+v", n)
			}
			if until := time.Until(n.Restorable); o.Purge != n.Restorable.IsZero() || !o.Purge && (until < 3*day-time.Minute || until > 3*day+time.Minute) {
				t.Errorf("it can be restored until %v", n.Restorable)
			}
			if _, err := p.manager.beanstalk.Settle(t.Context(), e.Env); !errors.Is(err, ErrNotFound) {
				t.Fatal(err)
			}
			p.removed("x", RemoveOptions{})
			if n, _ := heard.count(NewsRemoved); n != 1 {
				t.Errorf("the removal was told %d times", n)
			}
			if o.Purge {
				return
			}
			if _, err := p.manager.Restore(t.Context(), p.restorable("x"), RestoreOptions{Options: Options{By: "kim"}, Check: HealthCheck{Off: true}}); err != nil {
				t.Fatal(err)
			}
			if n := heard.newest(); n.State != NewsReady || n.Note != "restored by kim" || n.Email != "kim@example.com" || n.Subject != "Add a login" || n.Expires.IsZero() {
				t.Errorf("restored: %+v", n)
			}
			p.removed("x", o)
			if n, _ := heard.count(NewsRemoved); n != 2 {
				t.Errorf("two removals were told %d times", n)
			}
			if _, err := p.manager.beanstalk.Settle(t.Context(), e.Env); !errors.Is(err, ErrNotFound) {
				t.Fatal(err)
			}
			p.removed("x", RemoveOptions{Purge: true})
			if n := heard.newest(); n.State != NewsRemoved || n.Note != "it can no longer be restored" || !n.Restorable.IsZero() || n.ID != e.ID {
				t.Errorf("after a purge: %+v", n)
			}
		})
	}
}

func TestARemovalIsToldOnceWhereItWasBegunBefore(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{TerminateTime: 2 * time.Second}, withBoards(map[string]*board{"Slack": heard}))
	e := p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{NoWait: true})
	if now, err := p.manager.beanstalk.Get(t.Context(), e.ID); err != nil || now.State != Terminating {
		t.Fatalf("it is %s, %v", now.State, err)
	}
	p.removed("x", RemoveOptions{})
	all, err := p.manager.History(t.Context(), "shop", "x")
	if n, _ := heard.count(NewsRemoved); n != 1 || err != nil || len(all) != 2 {
		t.Errorf("told %d times; history: %+v, %v", n, all, err)
	}
}

func TestAnExpiredEnvironmentSaysWhyItWasRemoved(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	for feature, o := range map[string]Options{"x": {By: "janitor"}, "y": {By: "janitor", Reason: "its branch has gone"}} {
		p.deployed(deployment(feature, "one"), Created)
		p.cloud.Advance(6 * day)
		if _, err := p.manager.Expire(t.Context(), p.candidate(feature), isTime, o); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"x": "its days were over", "y": "its branch has gone"}[feature]
		if n := heard.newest(); n.State != NewsRemoved || n.Reason != want || n.Restorable.IsZero() {
			t.Errorf("told: %+v", n)
		}
		all, err := p.manager.History(t.Context(), "shop", feature)
		if last := all[len(all)-1]; err != nil || last.What != "removed" || last.Text != want || last.By != "janitor" {
			t.Errorf("history: %+v, %v", last, err)
		}
	}
	p.cloud.Advance(3*day + time.Minute)
	if got := p.leftover("x"); got != "removed" {
		t.Fatalf("what is left: %q", got)
	}
	if n := heard.newest(); n.State != NewsRemoved || n.Feature != "x" || n.Note != "it can no longer be restored" || !n.Restorable.IsZero() {
		t.Errorf("told: %+v", n)
	}
}

// Where an announcer has no message of the environment, only a press and a warning are worth one.
func TestAChangeAloneIsWorthNoMessage(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.manager = p.newManager(withBoards(map[string]*board{"Slack": heard}))
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim"}); err != nil || len(heard.all) != 0 {
		t.Errorf("Extend: %v, told %+v", err, heard.all)
	}
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim", DryRun: true, Pressed: true}); err != nil || len(heard.all) != 0 {
		t.Errorf("a dry run: %v, told %+v", err, heard.all)
	}
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim", Pressed: true}); err != nil || len(heard.all) != 1 {
		t.Errorf("a press: %v, told %+v", err, heard.all)
	}
	if rec := p.get("x").Own(); rec.Message.Timestamp != "1" {
		t.Errorf("the record does not know the message: %+v", rec.Message)
	}
	heard.refuses(func(News) error { return errors.New("it is down") })
	var said told
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, said.options()); err != nil || !strings.Contains(said.String(), "tell Slack: it is down") {
		t.Errorf("while it is down: %v, %s", err, said.String())
	}
}

func TestButtonsAreShownWhereAJanitorAnswersThem(t *testing.T) {
	t.Parallel()
	heard := &board{}
	p := newPlot(t, localcloud.Config{}, withBoards(map[string]*board{"Slack": heard}))
	p.deployed(deployment("x", "one"), Created)
	all := p.newManager(func(c *Config) { c.Application = "" })
	shown := func() bool {
		t.Helper()
		if _, err := p.manager.Extend(t.Context(), p.get("x"), time.Hour, Options{}); err != nil {
			t.Fatal(err)
		}
		return heard.newest().Buttons
	}
	beat := func(m *Manager, h store.Heartbeat) {
		t.Helper()
		if err := m.Beat(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if shown() {
		t.Error("without any janitor")
	}
	beat(p.manager, store.Heartbeat{Live: true})
	if shown() {
		t.Error("where the janitor does not answer")
	}
	beat(all, store.Heartbeat{Presses: true})
	if !shown() {
		t.Error("not where a janitor of all applications answers")
	}
	p.cloud.Advance(3 * store.HeartbeatInterval)
	if shown() {
		t.Error("where the heartbeat is old")
	}
	beat(p.manager, store.Heartbeat{Presses: true})
	if !shown() {
		t.Error("not where the application's janitor answers")
	}
	p.cloud.Advance(3 * store.HeartbeatInterval)
	if shown() {
		t.Error("where both heartbeats are old")
	}
	beat(p.manager, store.Heartbeat{Presses: true})
	if err := p.cloud.Inject(fault.Rule{Service: "s3", Operation: "GetObject", Kind: fault.Internal, Skip: 1}); err != nil {
		t.Fatal(err)
	}
	e := p.get("x")
	if e.Unread != nil {
		t.Fatal(e.Unread)
	}
	if _, err := p.manager.Extend(t.Context(), e, time.Hour, Options{}); err != nil || heard.newest().Buttons {
		t.Errorf("where heartbeats can't be read: %v", err)
	}
}

func TestOnlyAFailureThatWasToldIsMended(t *testing.T) {
	t.Parallel()
	heard, refuse := &board{}, false
	pretend := &engine.Pretend{Outcome: func(engine.Deployment) error {
		if refuse {
			return engine.Fail("no")
		}
		return nil
	}}
	p := newPlot(t, localcloud.Config{Pretend: pretend}, withBoards(map[string]*board{"Slack": heard}))
	p.deployed(deployment("x", "one"), Created)
	if heard.newest().Mended {
		t.Error("the first deploy mends something")
	}
	refuse = true
	if _, err := p.manager.Deploy(t.Context(), deployment("x", "two"), Options{}); err == nil {
		t.Fatal("it did not fail")
	}
	if n := heard.newest(); n.State != NewsFailed || n.Mended || n.Note != "" {
		t.Errorf("failed: %+v", n)
	}
	if _, err := p.manager.Extend(t.Context(), p.get("x"), day, Options{By: "kim"}); err != nil {
		t.Fatal(err)
	}
	if n := heard.newest(); n.State != NewsFailed || n.Note == "" || n.Reason == "" {
		t.Errorf("extended after the failure: %+v", n)
	}
	refuse = false
	p.deployed(deployment("x", "one"), Unchanged)
	if !heard.newest().Mended {
		t.Error("what runs still mends nothing")
	}
	p.deployed(deployment("x", "one"), Unchanged)
	if heard.newest().Mended {
		t.Error("it is mended twice by what runs still")
	}
	refuse = true
	if _, err := p.manager.Deploy(t.Context(), deployment("x", "two"), Options{}); err == nil {
		t.Fatal("it did not fail")
	}
	refuse = false
	p.deployed(deployment("x", "three"), Deployed)
	if !heard.newest().Mended {
		t.Error("what follows the failure mends nothing")
	}
	p.deployed(deployment("x", "three"), Unchanged)
	if heard.newest().Mended {
		t.Error("it is mended twice")
	}
}
