package envs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// watched is a plot that an Inventory reads.
type watched struct {
	*plot
	inventory *Inventory
}

func newWatched(t *testing.T, change func(*Config)) *watched {
	t.Helper()
	p := newPlot(t, localcloud.Config{}, change)
	return &watched{p, p.manager.Inventory()}
}

// read reads once, and returns the snapshot and the calls that it took.
func (w *watched) read() (Snapshot, string) {
	w.Helper()
	before := len(w.cloud.Calls())
	s, err := w.inventory.Read(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	counts := map[string]int{}
	for _, call := range w.cloud.Calls()[before:] {
		counts[call.Action]++
	}
	var calls []string
	for action, n := range counts {
		calls = append(calls, fmt.Sprint(n, " ", action))
	}
	slices.Sort(calls)
	return s, strings.Join(calls, ", ")
}

// calm reads until nothing is left to be read, and returns the last snapshot.
func (w *watched) calm() Snapshot {
	w.Helper()
	for range 20 {
		if s, calls := w.read(); calls == nothingNew {
			return s
		}
	}
	w.Fatal("it finds something to read each time")
	return Snapshot{}
}

// nothingNew are the calls of a Read when nothing has changed.
const nothingNew = "1 DescribeEnvironments, 1 ListObjectsV2"

// refuse has the next such call refused.
func (w *watched) refuse(call string) { w.before(1, call, func() string { return "AccessDenied" }) }

// snapshot is what a new Inventory reads first.
func (p *plot) snapshot() Snapshot {
	p.Helper()
	s, err := p.manager.Inventory().Read(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// features names those of the environments, and behind a slash those that have none any more.
func (s Snapshot) features() string {
	var living, gone []string
	for _, e := range s.Environments {
		living = append(living, e.Feature)
	}
	for _, g := range s.Removed {
		gone = append(gone, g.Feature)
	}
	slices.Sort(living)
	slices.Sort(gone)
	return strings.Join(living, " ") + "/" + strings.Join(gone, " ")
}

func (s Snapshot) of(feature string) Environment {
	for _, e := range s.Environments {
		if e.Feature == feature {
			return e
		}
	}
	return Environment{}
}

func TestAnInventoryReadsWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	for i := range 14 {
		w.deployed(deployment(fmt.Sprint("f", i), "one"), Created)
	}
	first, calls := w.read()
	if want := "1 DescribeEnvironments, 1 ListObjectsV2, 14 GetObject"; calls != want {
		t.Errorf("the first reading makes %s; want %s", calls, want)
	}
	list, err := w.manager.List(t.Context(), Filter{})
	if err != nil || len(list.Environments) != len(first.Environments) || len(first.Warnings) > 0 {
		t.Fatalf("%d environments and %q; List has %d, %v", len(first.Environments), first.Warnings, len(list.Environments), err)
	}
	for n, e := range first.Environments {
		l := list.Environments[n]
		if e.Env != l.Env || !e.Expires.Equal(l.Expires) || e.Own().Counter != l.Own().Counter || e.Own().Counter == 0 {
			t.Errorf("%+v; List has %+v", e, l)
		}
	}
	second, calls := w.read()
	if calls != nothingNew {
		t.Errorf("a reading when nothing has changed makes %s", calls)
	}
	e, err := w.manager.Protect(t.Context(), second.of("f7"), "a demonstration", Options{By: "kim"})
	if err != nil {
		t.Fatal(err)
	}
	third, calls := w.read()
	if want := nothingNew[:len("1 DescribeEnvironments, 1 ")]; calls != want+"GetObject, 1 ListObjectsV2" || !third.of("f7").Protected() || third.of("f7").Own().Counter != e.Own().Counter {
		t.Errorf("after one change it makes %s, and finds %q", calls, third.of("f7").Protection())
	}
	if _, calls := w.read(); calls != nothingNew {
		t.Errorf("then %s", calls)
	}
}

func TestAnInventoryForgetsWhatHasGone(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	for i := range 5 {
		w.deployed(deployment(fmt.Sprint("f", i), "one"), Created)
	}
	w.calm()
	for i := range 5 {
		e, err := w.manager.Get(t.Context(), "shop", fmt.Sprint("f", i))
		if err == nil {
			_, err = w.manager.Remove(t.Context(), e, RemoveOptions{Options: Options{By: "kim"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := w.calm()
	if got := s.features(); got != "/f0 f1 f2 f3 f4" || len(w.inventory.tags.readings) > 0 || len(w.inventory.features) > 0 {
		t.Errorf("it has %s, %d tags, %d features", got, len(w.inventory.tags.readings), len(w.inventory.features))
	}
	for _, g := range s.Removed {
		last := g.Record.History[len(g.Record.History)-1]
		if g.Environment().ID == "" || g.Owner != "Kim" || g.Commit != "one" || last.What != happenedRemoved || last.By != "kim" {
			t.Errorf("%+v", g)
		}
		if !g.Until.Equal(g.Removed.Add(3*day)) || s.Now.Sub(g.Removed) > time.Minute {
			t.Errorf("%s was removed at %v and can be restored until %v", g.Feature, g.Removed, g.Until)
		}
	}
	w.cloud.Advance(5 * day)
	for i := range 5 {
		w.leftover(fmt.Sprint("f", i))
	}
	if s, calls := w.read(); s.features() != "/" || calls != nothingNew {
		t.Errorf("when they can't be restored any more it has %s, by %s", s.features(), calls)
	}
}

func TestAnInventoryHasWhatIsOursAlone(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	w.deployed(deployment("x", "one"), Created)
	foreign := w.name("other")
	w.putRecord(foreign, `{"feature":"another","outcome":{"verb":"up"}}`)
	w.putRecord(w.name("empty"), `{"feature":"empty"}`)
	w.putRecord("production", `{"feature":"production","outcome":{"verb":"up"}}`)
	w.putRecord(w.name("failed"), `{"feature":"failed","asked":"1a2b","outcome":{"verb":"up","result":"failed","reason":"no Dockerfile"}}`)
	s := w.calm()
	if got := s.features(); got != "x/failed" || len(s.Warnings) > 0 {
		t.Fatalf("%s, %q", got, s.Warnings)
	}
	if g := s.Removed[0]; g.Environment().ID != "" || !g.Until.IsZero() || g.Commit != "1a2b" || g.Record.Outcome.Reason != "no Dockerfile" {
		t.Errorf("%+v", g)
	}
}

func TestAnInventoryOfAllApplicationsKnowsTheirFeatures(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	blog := w.newManager(func(c *Config) { c.Application = "blog" })
	w.deployed(deployment("x", "one"), Created)
	w.deployed(deployment("y", "one"), Created)
	w.removed("y", RemoveOptions{})
	if r, err := blog.Deploy(t.Context(), deployment("x", "two"), Options{}); err != nil {
		t.Fatal(err)
	} else if _, err := blog.Remove(t.Context(), r.Environment, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	w.putRecord(w.name("forged"), `{"feature":"another","application":"shop","outcome":{"verb":"up"}}`)
	all := &watched{w.plot, w.newManager(func(c *Config) { c.Application = "" }).Inventory()}
	s := all.calm()
	if got := s.features(); got != "x/x y" {
		t.Fatalf("%s, %q", got, s.Warnings)
	}
	for _, g := range s.Removed {
		if want := map[string]string{"x": "blog", "y": "shop"}[g.Feature]; g.Application != want {
			t.Errorf("%s is %s's, want %s's", g.Feature, g.Application, want)
		}
	}
	if s := w.calm(); s.features() != "x/y" {
		t.Errorf("that of shop alone has %s", s.features())
	}
}

func TestAnInventoryKeepsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	for _, feature := range []string{"x", "y", "z"} {
		w.deployed(deployment(feature, "one"), Created)
	}
	w.removed("z", RemoveOptions{})
	before := w.calm()
	check := func(what string, want ...string) Snapshot {
		t.Helper()
		s, _ := w.read()
		if s.features() != before.features() || s.of("x").Own().Commit != "one" || s.of("y").Own().Commit != "one" {
			t.Errorf("%s: it has %s, %+v", what, s.features(), s.of("x").Own())
		}
		if len(s.Warnings) != len(want) {
			t.Errorf("%s: it warns %q", what, s.Warnings)
		}
		for n := range min(len(want), len(s.Warnings)) {
			if !strings.Contains(s.Warnings[n], want[n]) {
				t.Errorf("%s: it warns %q, want %q", what, s.Warnings[n], want[n])
			}
		}
		return s
	}
	if _, err := w.store().Change(t.Context(), w.name("x"), func(r *store.Record) { r.Stuck = "changed" }); err != nil {
		t.Fatal(err)
	}
	w.refuse("GET ledger")
	if s := check("a record that can't be read", "not authorized"); s.of("x").Unread == nil || s.of("y").Unread != nil {
		t.Errorf("unread are %v and %v", s.of("x").Unread, s.of("y").Unread)
	}
	if s := check("then"); s.of("x").Own().Stuck != "changed" || s.of("x").Unread != nil {
		t.Errorf("then %+v, %v", s.of("x").Own(), s.of("x").Unread)
	}
	w.putRecord(w.name("y"), "<html>")
	w.putRecord(w.name("z"), "[")
	check("records that are garbage", "not a record", "not a record")
	if _, calls := w.read(); calls != nothingNew {
		t.Errorf("garbage is read again: %s", calls)
	}
	w.refuse("LIST ledger")
	check("records that can't be listed", "can't be listed", "not a record", "not a record")
	w.refuse("DescribeEnvironments")
	if _, err := w.inventory.Read(t.Context()); err == nil {
		t.Error("environments that can't be listed are no error")
	}
	check("in the end", "not a record", "not a record")
}

func TestAFirstReadingWithoutRecordsSaysSo(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	w.deployed(deployment("x", "one"), Created)
	w.refuse("LIST ledger")
	s, _ := w.read()
	if e := s.of("x"); e.Record != nil || e.Unread == nil || e.ProtectionKnown() || len(s.Warnings) == 0 {
		t.Errorf("%+v, %q", e, s.Warnings)
	}
}

// Of an application that has gone through thousands of features, the newest are shown.
func TestAnInventoryOfManyRecordsReadsThemPageByPage(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	w.deployed(deployment("x", "one"), Created)
	var g errgroup.Group
	g.SetLimit(16)
	for n := range removedLimit + 5 {
		g.Go(func() error {
			w.putRecord(w.name(fmt.Sprint("f", n)), fmt.Sprintf(`{"feature":"f%d","outcome":{"verb":"up"}}`, n))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	w.read()
	s, calls := w.read()
	if want := "1 DescribeEnvironments, 2 ListObjectsV2"; calls != want || len(s.Environments) != 1 || len(s.Removed) != removedLimit {
		t.Errorf("%s; %d environments, %d removed", calls, len(s.Environments), len(s.Removed))
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "5 features without an environment are left out") {
		t.Errorf("it warns %q", s.Warnings)
	}
}
