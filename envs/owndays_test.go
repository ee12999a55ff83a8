package envs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// under returns a Manager with these days, as another checkout or a daemon without any file has it.
func (p *plot) under(d Days) *Manager {
	return p.newManager(func(c *Config) { c.Days = d; c.Days.RestoreFor = 3 * day })
}

// redeployed deploys by a Manager, and wants it to come to that outcome.
func (p *plot) redeployed(m *Manager, d Deployment, outcome string) Environment {
	p.Helper()
	r, err := m.Deploy(p.Context(), d, Options{})
	if err != nil || r.Outcome != outcome {
		p.Fatalf("Deploy: %q, %v, want %q", r.Outcome, err, outcome)
	}
	return r.Environment
}

// now is the cloud's time.
func (p *plot) now() time.Time {
	p.Helper()
	_, now, _, err := p.manager.rows(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return now
}

// expiries returns what each way to look at the feature's environment says about its end.
func (p *plot) expiries(m *Manager, feature string) map[string]time.Time {
	p.Helper()
	all := map[string]time.Time{}
	e, err := m.Get(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	all["Get"] = e.Expires
	list, err := m.List(p.Context(), Filter{})
	if err != nil {
		p.Fatal(err)
	}
	for _, listed := range list.Environments {
		if listed.ID == e.ID {
			all["List"] = listed.Expires
		}
	}
	c := Candidate{Environment: e, Proved: true}
	_, _ = m.Expire(p.Context(), c, func(read Environment, _ time.Time) string { all["Expire"] = read.Expires; return "kept" }, Options{DryRun: true})
	return all
}

var (
	fiveDays = Days{TTL: 5 * day, Least: day}
	oneDay   = Days{TTL: day, Least: day}
)

func TestNoFileShortensTheDaysOfOthers(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	five := p.under(fiveDays)
	for i := range 8 {
		p.redeployed(five, deployment(fmt.Sprint("f", i), "one"), Created)
	}
	p.cloud.Advance(2 * day)
	for name, m := range map[string]*Manager{"a shorter file": p.under(oneDay), "no file": p.under(Days{}), "no application": p.newManager(func(c *Config) { c.Application, c.Days = "", Days{} })} {
		rows, now, account, err := m.rows(t.Context())
		if err != nil || len(rows) != 8 {
			t.Fatalf("%s: %d, %v", name, len(rows), err)
		}
		for _, e := range rows {
			c := m.candidate(account, e)
			if left := c.Environment.Expires.Sub(now).Round(time.Hour); left != 3*day {
				t.Errorf("%s: %s is due in %v", name, c.Environment.Feature, left)
			}
		}
	}
}

func TestEverybodySaysTheSameInstant(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for i, d := range []Days{fiveDays, {TTL: 5 * day, Least: time.Hour}, {TTL: 5 * day, Least: day, FromDeploy: true}, {TTL: 5 * day}} {
		feature := fmt.Sprint("f", i)
		m := p.under(d)
		p.redeployed(m, deployment(feature, "one"), Created)
		p.cloud.Advance(5*day - 30*time.Minute)
		e := p.redeployed(m, deployment(feature, "two"), Deployed)
		for name, reader := range map[string]*Manager{"its own": m, "a shorter file": p.under(Days{TTL: time.Hour}), "no file": p.under(Days{})} {
			for way, got := range p.expiries(reader, feature) {
				if !got.Equal(e.Expires) {
					t.Errorf("%v: %s of %s says %v, want %v", d, way, name, got, e.Expires)
				}
			}
		}
		want := latest(e.Created.Add(d.TTL), e.Updated.Add(d.Least))
		if d.FromDeploy {
			want = e.Updated.Add(d.TTL)
		}
		if got := e.Expires; got.Sub(want).Abs() > time.Minute {
			t.Errorf("%v: it expires at %v, want %v", d, got, want)
		}
	}
}

// No URL is handed out that the next sweep removes.
func TestAnUnchangedUpLeavesTheLeast(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	m := p.under(fiveDays)
	first := p.redeployed(m, deployment("x", "one"), Created)
	unchanged := func() (e Environment, calls, writes int) {
		before := len(p.cloud.Calls())
		e = p.redeployed(m, deployment("x", "one"), Unchanged)
		made := p.cloud.Calls()[before:]
		for _, c := range made {
			if c.Action == "PutObject" {
				writes++
			}
		}
		return e, len(made), writes
	}
	e, calls, writes := unchanged()
	if !e.Expires.Equal(first.Expires) || writes != 1 { // the number of the request
		t.Errorf("with time left: it expires at %v, want %v; %d writes", e.Expires, first.Expires, writes)
	}
	t.Logf("an unchanged deploy makes %d calls", calls)
	for _, ahead := range []time.Duration{4*day + 12*time.Hour, day, 9 * day} {
		p.cloud.Advance(ahead)
		e, more, writes := unchanged()
		if left := e.Expires.Sub(p.now()); left.Round(time.Hour) != day || writes != 2 || more > calls+2 {
			t.Errorf("%v later: %v are left; %d calls, %d writes", ahead, left, more, writes)
		}
		for way, got := range p.expiries(p.under(Days{}), "x") {
			if !got.Equal(e.Expires) {
				t.Errorf("%v later: %s says %v, want %v", ahead, way, got, e.Expires)
			}
		}
	}
}

func TestALongerTTLCountsAtOnceAndAShorterOneWithTheNextDeploy(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.redeployed(p.under(fiveDays), deployment("x", "one"), Created)
	for _, tt := range []struct {
		days             Days
		content, outcome string
		want             time.Duration
	}{
		{Days{TTL: 9 * day, Least: day}, "one", Unchanged, 9 * day},
		{fiveDays, "one", Unchanged, 9 * day},
		{oneDay, "one", Unchanged, 9 * day},
		{Days{TTL: 2 * day, Least: day}, "two", Deployed, 2 * day},
		{Days{}, "two", Unchanged, 2 * day},
	} {
		now := p.redeployed(p.under(tt.days), deployment("x", tt.content), tt.outcome)
		if got := now.Expires.Sub(e.Created); got != tt.want {
			t.Errorf("%s with %v: it lives for %v, want %v", tt.outcome, tt.days, got, tt.want)
		}
	}
}

func TestARollbackAndARestoreKeepTheDays(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	five := p.under(fiveDays)
	p.redeployed(five, deployment("x", "one"), Created)
	e := p.redeployed(five, deployment("x", "two"), Deployed)
	none := p.under(Days{})
	read, err := none.Get(t.Context(), "shop", "x")
	if err != nil {
		t.Fatal(err)
	}
	r, err := none.Rollback(t.Context(), read, RollbackOptions{Check: HealthCheck{Off: true}})
	if err != nil || !r.Environment.Expires.Equal(e.Expires) || r.Environment.TTL != "5d" {
		t.Errorf("rolled back: %v, %v, want %v", r.Environment.Expires, err, e.Expires)
	}
	p.cloud.Advance(4 * day)
	p.removed("x", RemoveOptions{})
	gone, err := none.Restorable(t.Context(), "shop", "x")
	if err == nil {
		r, err = none.Restore(t.Context(), gone, unchecked)
	}
	if left := r.Environment.Expires.Sub(p.now()); err != nil || left.Round(time.Minute) != 5*day {
		t.Errorf("restored: %v are left, %v", left, err)
	}
}

func TestADeployIsWrittenDown(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	d := deployment("x", "one")
	d.Origin, d.Subject, d.Email, d.BuildURL = SourceBranch, "log \x1b[31min\n<!channel>", "kim@example.com", "https://ci.example.com/7"
	e := p.redeployed(p.under(fiveDays), d, Created)
	last := p.record(e.Name).LastDeploy
	want := store.LastDeploy{At: last.At, TTL: "5d", Subject: "log in <!channel>", Email: d.Email, Owner: "Kim", BuildURL: d.BuildURL}
	if last != want || last.At.Sub(p.now()).Abs() > time.Minute {
		t.Errorf("got %+v, want %+v", last, want)
	}
	read := p.get("x")
	if read.Source != SourceBranch || read.Tags[TagTTL] != "5d" {
		t.Errorf("source %q, tags %v", read.Source, read.Tags)
	}
}

// An environment whose days are unknown stays, and its tag may tell.
func TestWhatCarriesNoDaysNeverExpires(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	none := p.under(Days{})
	e := p.redeployed(none, deployment("x", "one"), Created)
	p.cloud.Advance(4000 * day)
	for way, got := range p.expiries(none, "x") {
		if !got.IsZero() {
			t.Errorf("%s says %v", way, got)
		}
	}
	if _, err := none.Extend(t.Context(), e, day, Options{}); err == nil {
		t.Error("what never expires is extended")
	}
	p.tag(e, TagTTL, "9d")
	if got := p.expiries(none, "x"); !got["Get"].Equal(latest(e.Created.Add(9*day))) && got["Get"].IsZero() {
		t.Errorf("with a tag: %v", got)
	}
}

// One sweep of all applications leaves nothing behind.
func TestAManagerOfAllApplicationsRemovesTheWholeFootprint(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	other := p.newManager(func(c *Config) { c.Application, c.Days = "web", fiveDays })
	p.redeployed(p.under(fiveDays), deployment("x", "one"), Created)
	p.redeployed(other, deployment("x", "one"), Created)
	p.cloud.Advance(6 * day)
	all := p.newManager(func(c *Config) {
		c.Application, c.Days, c.Repository = "", Days{RestoreFor: 3 * day}, Repository{Unused: true}
	})
	survey := func() Survey {
		v, err := all.Survey(context.Background(), nil)
		if err != nil || v.LeftoversErr != nil {
			t.Fatal(err, v.LeftoversErr)
		}
		return v
	}
	for _, c := range survey().Environments {
		if _, err := all.Expire(t.Context(), *c, isTime, Options{}); err != nil {
			t.Error(err)
		}
	}
	p.cloud.Advance(4 * day)
	v := survey()
	var names []string
	for _, l := range v.Leftovers {
		names = append(names, l.application)
		if _, err := all.RemoveLeftover(t.Context(), l, Options{}); err != nil || l.Reason != "" {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"shop", "web"}) || len(v.Environments) > 0 {
		t.Errorf("leftovers of %v, and %d environments", names, len(v.Environments))
	}
	for _, m := range []*Manager{p.manager, other} {
		if left, err := m.beanstalk.AllVersions(t.Context(), m.config.Application); err != nil || len(left) > 0 {
			t.Errorf("%s has versions: %v, %v", m.config.Application, left, err)
		}
	}
}
