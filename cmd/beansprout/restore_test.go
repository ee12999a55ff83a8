package main

import (
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud/fault"
)

// removed has the janitor remove the environment of a feature.
func (g *garden) removed(feature string) envs.Env {
	g.Helper()
	e := g.sprout(feature)
	_, err := g.ledger.Change(g.Context(), e.Name, func(r *ledger.Record) {
		r.SpeakOf(e.ID)
		r.Feature, r.Version, r.Commit, r.Settings = feature, e.Version, strings.Repeat("1", 40), []string{"a:b"}
	})
	if err != nil {
		g.Fatal(err)
	}
	g.pass(5*day + time.Minute)
	g.checkSaid(g.sweep(), feature, "removed")
	return e
}

func TestARemovedEnvironmentComesBackWithNewDays(t *testing.T) {
	g := newGarden(t)
	e := g.removed("login")
	g.pass(2 * day)
	g.refused(1, []string{"beansprout restore brings back"}, "status", "login")
	if text := g.ok("restore", "login", "--dry-run"); text != "would restore environment "+e.Name+" ("+e.ID+") with version "+e.Version+"\n" {
		t.Errorf("a dry run prints %q", text)
	}
	if text := g.ok("restore", "login"); text != e.URL()+"\n" {
		t.Errorf("it prints %q, want %q", text, e.URL())
	}
	now := g.status("login")
	until := time.Now().Add(g.ahead + 5*day)
	if now.ID != e.ID || now.Version != e.Version || now.Commit != strings.Repeat("1", 40) || now.Expires.Sub(until).Abs() > time.Minute {
		t.Errorf("it came back as %+v, want it until %v", now, until)
	}
	if o := now.Outcome; o == nil || o.Verb != "restore" || o.Result != "restored" {
		t.Errorf("the outcome is %+v", o)
	}
	if r, err := g.ledger.Read(t.Context(), e.Name); err != nil || r.Removed != nil || len(r.Settings) != 1 {
		t.Errorf("the record says %+v, %v", r, err)
	}
	g.pass(4 * day)
	g.checkSaid(g.sweep(), "login", "kept its days were extended to")
	g.pass(day + time.Minute)
	g.checkSaid(g.sweep(), "login", "removed")
	g.ok("restore", "login", "--json")
}

func TestARestoreThatWasInterruptedIsFinished(t *testing.T) {
	g := newGarden(t)
	e := g.removed("login")
	if _, err := g.clients.beanstalk.Rebuild(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if text := g.ok("restore", "login"); text != e.URL()+"\n" {
		t.Errorf("it prints %q, want %q", text, e.URL())
	}
	g.checkSaid(g.sweep(), "login", "kept its days were extended to")
	g.refused(1, []string{"it lives: there is nothing to be restored"}, "restore", "login")
}

func TestWhatCannotBeRestoredIsSaid(t *testing.T) {
	g := newGarden(t)
	g.refused(1, []string{`feature "never" has nothing that could be restored`, "no environment of it"}, "restore", "never")

	g.sprout("down")
	g.ok("down", "down")
	g.refused(1, []string{"beansprout down removed its environment"}, "restore", "down")

	g.removed("over")
	g.pass(3*day + time.Minute)
	g.checkSaid(g.sweep(), "over", "removed")
	g.refused(1, []string{"expire.restore_for (3d) is over"}, "restore", "over")

	g.removed("again")
	g.sprout("again")
	g.refused(1, []string{"it lives: there is nothing to be restored"}, "restore", "again")
}

func TestOneFaultKeepsNoEnvironmentFromComingBack(t *testing.T) {
	g := newGarden(t)
	e := g.removed("login")
	kinds := []fault.Kind{fault.Throttle, fault.ResetAfter, fault.Malformed}
	if soak() {
		kinds = fault.Kinds()
	}
	for _, kind := range kinds {
		if kind == fault.Stale { // no read
			continue
		}
		rule := fault.Rule{Service: "elasticbeanstalk", Operation: "RebuildEnvironment", Kind: kind, Count: 1}
		if kind == fault.Slow || kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
			rule.For = 100 * time.Millisecond
		}
		if err := g.cloud.Inject(rule); err != nil {
			t.Fatal(err)
		}
		if out := g.run("restore", "login"); out.code != 0 || out.stdout != e.URL()+"\n" {
			t.Errorf("%s: it ends with %d: %s", kind, out.code, out.stderr)
		}
		g.cloud.Clear()
		if o := g.status("login").Outcome; o == nil || o.Result != "restored" {
			t.Errorf("%s: the outcome is %+v", kind, o)
		}
		op, err := g.clients.beanstalk.Terminate(t.Context(), e)
		if err == nil {
			_, err = g.clients.beanstalk.Wait(t.Context(), op, nil)
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
}
