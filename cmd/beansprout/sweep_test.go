package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs/beanstalk"
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
	for _, d := range decisions(r) {
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
	t.Setenv("BUILD_TAG", "build 6")
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
		g.checkSaid(report, "kept", "kept build 6 keeps it")
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
	if last, err := g.ledger.LastSweep(t.Context(), "shop"); err != nil || last.Ours != 4 {
		t.Errorf("the sweep says that it left %d, %v", last.Ours, err)
	}
	if err := g.ledger.NoteSweep(t.Context(), "shop", ledger.Sweep{Ours: 40}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.janitor().Sweep(t.Context(), true); !errors.Is(err, janitor.ErrShrunk) {
		t.Errorf("of 40 there are 4, and the next sweep says %v", err)
	}
	g.pass(day)
	if report, _ := g.janitor().Sweep(t.Context(), false); report.Ours != 4 {
		t.Errorf("a day later: %+v", report)
	} else {
		g.checkSaid(report, "extended", "remove")
	}
}

// sweep makes a live pass that must not fail.
func (g *garden) sweep() janitor.Report {
	g.Helper()
	report, err := g.janitor().Sweep(g.Context(), true)
	if err != nil {
		g.Errorf("sweep: %v", err)
	}
	return report
}

// left says what is left of a feature's environment.
func (g *garden) left(feature string) string {
	g.Helper()
	versions, err := g.clients.beanstalk.Versions(g.Context(), "shop", g.name(feature))
	if err != nil {
		g.Fatal(err)
	}
	bundles, err := g.ledger.Bundles(g.Context(), g.name(feature))
	if err != nil {
		g.Fatal(err)
	}
	r, err := g.ledger.Read(g.Context(), g.name(feature))
	if err != nil {
		g.Fatal(err)
	}
	return fmt.Sprintf("%d versions, %d bundles, a record: %v", len(versions), len(bundles), r.Counter > 0)
}

func (g *garden) checkLeft(feature, want string) {
	g.Helper()
	if got := g.left(feature); got != want {
		g.Errorf("of %s there are %s; want %s", feature, got, want)
	}
}

func TestWhatARestoreNeedsStaysUntilItsTimeIsOver(t *testing.T) {
	g := newGarden(t)
	e := g.sprout("old")
	g.version("old", []byte("another bundle"))
	g.pass(5*day + time.Minute)
	report := g.sweep()
	g.checkSaid(report, "old", "removed")
	g.checkLeft("old", "1 versions, 1 bundles, a record: true")
	r, err := g.ledger.Read(t.Context(), g.name("old"))
	if err != nil || r.Removed == nil || r.Removed.ID != e.ID || r.Removed.Version != e.Version || r.Lease != nil || r.Environment != "" {
		t.Errorf("the record says %+v, %v", r, err)
	}
	g.pass(2 * day)
	g.checkSaid(g.sweep(), "old", "kept can be restored until")
	g.pass(day + time.Minute)
	dry, err := g.janitor().Sweep(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	g.checkSaid(dry, "old", "remove")
	g.checkLeft("old", "1 versions, 1 bundles, a record: true")
	g.checkSaid(g.sweep(), "old", "removed")
	g.checkLeft("old", "0 versions, 0 bundles, a record: false")
	g.checkSaid(g.sweep(), "old", "")
}

func TestWhatAnInterruptedRunLeftIsClearedOut(t *testing.T) {
	g := newGarden(t)
	g.version("launching", []byte("its environment comes later"))
	g.sprout("living")
	g.sprout("down")
	g.ok("down", "down")
	g.checkLeft("down", "0 versions, 0 bundles, a record: true")
	label := g.version("cloned", []byte("a clone runs it"))
	runVersion(t, g.plot, "shop-clone", label)
	if _, err := g.ledger.Change(t.Context(), "other-application-abcdefghij", func(r *ledger.Record) { r.Feature = "x" }); err != nil {
		t.Fatal(err)
	}

	report := g.sweep()
	g.checkSaid(report, "launching", "kept what is left of it is not a day old")
	g.checkSaid(report, "cloned", "kept environment shop-clone runs its version")
	g.checkSaid(report, "living", "")
	g.checkSaid(report, "down", "")
	g.pass(day)
	if _, _, err := g.ledger.Take(t.Context(), g.name("launching"), ledger.Claim{Verb: "up", By: "build 7"}, nil); err != nil {
		t.Fatal(err)
	}
	g.checkSaid(g.sweep(), "launching", "kept what is left of it is not a day old")
	g.pass(3 * day)
	report = g.sweep()
	g.checkSaid(report, "launching", "removed")
	g.checkSaid(report, "cloned", "kept environment shop-clone runs its version")
	g.checkSaid(report, "down", "removed")
	g.checkSaid(report, "living", "")
	g.checkLeft("launching", "0 versions, 0 bundles, a record: false")
	g.checkLeft("cloned", "1 versions, 1 bundles, a record: false")
	g.checkLeft("down", "0 versions, 0 bundles, a record: false")
	g.checkLeft("living", "1 versions, 1 bundles, a record: false")
	if r, err := g.ledger.Read(t.Context(), "other-application-abcdefghij"); err != nil || r.Counter == 0 {
		t.Errorf("another application's record has gone: %+v, %v", r, err)
	}
}

// runVersion has an environment of somebody else's run a version.
func runVersion(t *testing.T, p *plot, name, version string) {
	t.Helper()
	platform, err := p.clients.beanstalk.Platform(t.Context(), "ECS running on 64bit Amazon Linux 2023")
	if err != nil {
		t.Fatal(err)
	}
	wish := beanstalk.Wish{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	op, err := p.clients.beanstalk.Launch(t.Context(), beanstalk.Launch{
		Name: name, Application: "shop", Version: version, Base: beanstalk.Base{Platform: platform}, Settings: wish.Settings(),
	})
	if err == nil {
		_, err = p.clients.beanstalk.Wait(t.Context(), op, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}
