package main

import (
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/ledger"
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
