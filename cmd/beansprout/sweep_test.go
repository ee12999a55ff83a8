package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs/ledger"
	"beansprout/janitor"
	"beansprout/localcloud"
)

// garden is a plot with a janitor whose clock is the cloud's.
type garden struct {
	*plot
	session *session
	ahead   time.Duration // of our clock
}

func newGarden(t *testing.T) *garden {
	t.Helper()
	p := newPlot(t, localcloud.Config{})
	cfg, err := config.Load(p.config)
	if err != nil {
		t.Fatal(err)
	}
	return &garden{plot: p, session: &session{clients: p.clients, cfg: cfg, account: p.account, talk: newProgress(io.Discard, nil), local: true}}
}

func (g *garden) pass(d time.Duration) {
	g.ahead += d
	g.cloud.Advance(d)
}

func (g *garden) janitor() *janitor.Janitor {
	j := g.session.janitor(0, nil)
	j.Now = func() time.Time { return time.Now().Add(g.ahead) }
	return j
}

// checkSaid looks for what the sweep says about a feature's environment: its action and the reason.
func (g *garden) checkSaid(r janitor.Report, feature, want string) {
	g.Helper()
	got := ""
	for _, d := range r.Decisions {
		if d.Env.Name == g.name(feature) {
			got = strings.TrimSpace(string(d.Action) + " " + d.Reason)
		}
	}
	if !strings.HasPrefix(got, want) || want == "" && got != "" {
		g.Errorf("%s: the sweep says %q, want %q", feature, got, want)
	}
}

func TestSweepHonoursTheLedger(t *testing.T) {
	g := newGarden(t)
	for _, feature := range []string{"old", "kept", "extended", "busy", "garbled"} {
		g.sprout(feature)
	}
	g.ok("keep", "kept")
	g.ok("extend", "extended", "--by", "1d")
	g.pass(5*day + time.Minute)
	if _, _, err := g.ledger.Take(t.Context(), g.name("busy"), ledger.Claim{Verb: "up", By: "build 7"}, nil); err != nil {
		t.Fatal(err)
	}
	putRecord(t, g.plot, g.name("garbled"), "<html>")
	for _, live := range []bool{false, true} {
		report, err := g.janitor().Sweep(t.Context(), live)
		if err == nil || !strings.Contains(err.Error(), "not a ledger record") {
			t.Errorf("the sweep ends with %v", err)
		}
		g.checkSaid(report, "old", map[bool]string{false: "remove", true: "removed"}[live])
		g.checkSaid(report, "kept", "kept beansprout keep said so")
		g.checkSaid(report, "extended", "kept its days were extended to")
		g.checkSaid(report, "busy", "kept up by build 7 is at work on it: next sweep")
		g.checkSaid(report, "garbled", "kept what is known about it can't be read")
	}
	rows, _, err := g.clients.beanstalk.Environments(t.Context(), "shop")
	var left []string
	for _, e := range rows {
		left = append(left, e.Name)
	}
	if err != nil || len(left) != 4 || slices.Contains(left, g.name("old")) {
		t.Errorf("there are %q, %v", left, err)
	}
	g.pass(day)
	if report, _ := g.janitor().Sweep(t.Context(), false); report.Ours != 4 {
		t.Errorf("a day later: %+v", report)
	} else {
		g.checkSaid(report, "extended", "remove")
	}
}
