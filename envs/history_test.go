package envs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

func TestTheHistoryTellsWhatHappened(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, func(c *Config) {
		c.Days.Least = 2 * day
		c.Mask = func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }
	})
	by := Options{By: "kim"}
	deploy := func(content string) {
		t.Helper()
		request := deployment("x", content)
		request.Subject = "the geheim \x1b[31mred\x1b[0m\nline"
		request.BuildURL = "https://ci.example.com/" + content
		if _, err := p.manager.Deploy(t.Context(), request, by); err != nil {
			t.Fatal(err)
		}
	}
	try := func(_ Environment, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	deploy("one")
	deploy("one")
	p.cloud.Advance(4*day + 23*time.Hour)
	deploy("one")
	try(p.manager.Extend(t.Context(), p.get("x"), day, by))
	try(p.manager.Protect(t.Context(), p.get("x"), "a demo", by))
	try(p.manager.Unprotect(t.Context(), p.get("x"), by))
	deploy("two")
	if _, err := p.manager.Rollback(t.Context(), p.get("x"), RollbackOptions{Options: by, Check: HealthCheck{Off: true}}); err != nil {
		t.Fatal(err)
	}
	request := deployment("x", "three")
	request.BuildURL = "https://ci.example.com/geheim"
	request.Check = HealthCheck{Path: "/", Accepts: func(int) bool { return false }, Timeout: time.Millisecond}
	if _, err := p.manager.Deploy(t.Context(), request, by); err == nil {
		t.Fatal("it did not fail")
	}
	p.removed("x", RemoveOptions{Options: by})
	if _, err := p.manager.Restore(t.Context(), p.restorable("x"), RestoreOptions{Options: by, Check: HealthCheck{Off: true}}); err != nil {
		t.Fatal(err)
	}
	all, err := p.manager.History(t.Context(), "shop", "x")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range all {
		if h.By != "kim" || h.At.IsZero() {
			t.Errorf("who and when: %+v", h)
		}
		got = append(got, h.What)
	}
	want := []string{Created, Unchanged, "extended", "protected", "unprotected", Deployed, "rolled back", "failed", "removed", Restored}
	if !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	if text := all[0].Text; text != "commit one by Kim: the *** red line" {
		t.Errorf("the deploy: %q", text)
	}
	for i, want := range map[int]string{0: "https://ci.example.com/one", 2: "", 5: "https://ci.example.com/two", 6: "", 7: ""} {
		if all[i].Build != want {
			t.Errorf("the build of %q is %q, want %q", all[i].What, all[i].Build, want)
		}
	}
	if text := all[7].Text; !strings.HasPrefix(text, "up: the check failed") {
		t.Errorf("the failure: %q", text)
	}
	_, err = p.manager.History(t.Context(), "shop", "other")
	if _, missing := errors.AsType[*MissingError](err); !missing {
		t.Errorf("of a feature without any: %v", err)
	}
}

// brokenBuild is the source of images whose build fails.
type brokenBuild struct {
	archive
	err error
}

func (s brokenBuild) Images(context.Context, Target) ([]Image, error) { return nil, s.err }

func TestTheHistoryHasTheEndOfTheLogsOfTheLastFailures(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, func(c *Config) {
		c.Mask = func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }
		c.Repository.Unused = false
	})
	fail := func(lines string) {
		t.Helper()
		d := deployment("x", "one")
		d.Compose, d.Base.Platform = false, testECS
		d.Source = brokenBuild{err: errors.New("build image web" + lines)}
		if _, err := p.manager.Deploy(t.Context(), d, Options{By: "kim"}); err == nil {
			t.Fatal("it did not fail")
		}
	}
	for _, lines := range []string{"\nof old", "", "\nmissing go.sum\n\x1b[31mtoken geheim\x1b[0m\r\n", strings.Repeat("\nline", 5000) + "\nthe last one"} {
		fail(lines)
	}
	all, err := p.manager.History(t.Context(), "shop", "x")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d happenings, %v", len(all), err)
	}
	for i, want := range []string{"", "", "missing go.sum\ntoken ***", ""} {
		if i < 3 && all[i].Log != want {
			t.Errorf("the log of the failure %d is %q, want %q", i, all[i].Log, want)
		}
	}
	if last := all[3].Log; len(last) > 4<<10 || len(last) < 4000 || !strings.HasPrefix(last, "line\n") || !strings.HasSuffix(last, "\nthe last one") {
		t.Errorf("of a long log %d bytes: %.20q ... %q", len(last), last, last[max(0, len(last)-20):])
	}
}

// What a killed up could not write, the next one writes although it changes nothing.
func TestAnUnchangedUpNotesTheDeployOfAKilledOne(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	up := func(content, outcome string) Environment {
		t.Helper()
		d := deployment("x", content)
		d.Subject, d.Email = "of "+content, "kim@example.com"
		return p.deployed(d, outcome)
	}
	killed := func(lose func(*store.Record)) {
		t.Helper()
		if _, err := p.store().Change(t.Context(), p.name("x"), lose); err != nil {
			t.Fatal(err)
		}
	}
	e := up("one", Created)
	before := p.record(e.Name)
	killed(func(r *store.Record) {
		*r = store.Record{Feature: r.Feature, RequestNumber: r.RequestNumber, Counter: r.Counter}
	})
	up("one", Unchanged)
	up("two", Deployed)
	one := p.record(e.Name)
	up("three", Deployed)
	killed(func(r *store.Record) {
		r.Version, r.Commit, r.LastDeploy, r.History = one.Version, one.Commit, one.LastDeploy, one.History
	})
	for range 2 { // the second has nothing to note
		up("three", Unchanged)
	}
	rec := p.record(e.Name)
	var all []string
	for _, h := range rec.History {
		all = append(all, h.What+": "+h.Text)
	}
	want := []string{"unchanged: commit one by Kim: of one", "deployed: commit two by Kim: of two", "unchanged: commit three by Kim: of three"}
	if !slices.Equal(all, want) {
		t.Errorf("the history says %q, want %q", all, want)
	}
	if l := rec.LastDeploy; l.Subject != "of three" || l.Email != "kim@example.com" || l.TTL != before.LastDeploy.TTL || !l.At.After(one.LastDeploy.At.Add(-time.Second)) {
		t.Errorf("the last deploy is %+v", l)
	}
}

// A press is in the history while nothing else tells what came of it.
func TestTheHistorySaysWhatAPersonHasDoneOnce(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	kim, lee := Options{By: "kim on the board"}, Options{By: "lee in Slack"}
	press := func(token, what string, o Options) {
		t.Helper()
		if err := p.manager.Press(t.Context(), e, token, what, o); err != nil {
			t.Fatal(err)
		}
	}
	press("1", "protect", lee) // and is refused
	press("2", "extend", kim)
	if _, err := p.manager.Extend(t.Context(), e, day, kim); err != nil {
		t.Fatal(err)
	}
	press("3", "remove", kim)
	p.removed("x", RemoveOptions{Options: kim})
	var got []string
	for _, h := range p.record(e.Name).History[1:] {
		text, _, _ := strings.Cut(h.Text, ",")
		got = append(got, strings.Join([]string{h.What, h.By, text}, "|"))
	}
	if want := []string{"pressed|lee in Slack|protect", "extended|kim on the board|by 1d", "removed|kim on the board|"}; !slices.Equal(got, want) {
		t.Errorf("the history says\n%q, want\n%q", got, want)
	}
}
