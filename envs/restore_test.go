package envs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
	"beansprout/localcloud/fault"
)

// unchecked are the options of a restore whose URL is not asked.
var unchecked = RestoreOptions{Check: HealthCheck{Off: true}}

// removed removes what there is of the feature.
func (p *plot) removed(feature string, o RemoveOptions) {
	p.Helper()
	e, err := p.manager.Find(p.Context(), "shop", feature)
	if err == nil {
		_, err = p.manager.Remove(p.Context(), e, o)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// restorable returns the feature's environment that can be restored.
func (p *plot) restorable(feature string) Environment {
	p.Helper()
	e, err := p.manager.Restorable(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	return e
}

// left tells what is left of a feature's environment.
func (p *plot) left(feature string) string {
	p.Helper()
	name, versions := p.name(feature), 0
	all, err := p.manager.beanstalk.AllVersions(p.Context(), "shop")
	if err != nil {
		p.Fatal(err)
	}
	for _, v := range all {
		if IsVersionOf(v.Label, name) {
			versions++
		}
	}
	bundles, err := p.store().Bundles(p.Context(), name, Versions(name))
	if err != nil {
		p.Fatal(err)
	}
	rec, err := p.store().Read(p.Context(), name)
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprintf("%d versions, %d bundles, a record: %v", versions, len(bundles), rec.Counter > 0)
}

func (p *plot) checkLeft(feature, want string) {
	p.Helper()
	if got := p.left(feature); got != want {
		p.Errorf("of %s there are %s; want %s", feature, got, want)
	}
}

// leftover returns what a survey says about what the feature's environment has left, and removes it
// where it may go.
func (p *plot) leftover(feature string) string {
	p.Helper()
	v, err := p.manager.Survey(p.Context(), nil)
	if err = errors.Join(err, v.LeftoversErr); err != nil {
		p.Fatal(err)
	}
	for _, l := range v.Leftovers {
		switch {
		case l.Name != p.name(feature):
		case l.Reason != "":
			return l.Reason
		default:
			if _, err := p.manager.RemoveLeftover(p.Context(), l, Options{}); err != nil {
				p.Error(err)
			}
			return "removed"
		}
	}
	return ""
}

func TestWhatARestoreNeedsStaysAfterARemoval(t *testing.T) {
	remove := func(o RemoveOptions) func(*plot) { return func(p *plot) { p.removed("x", o) } }
	wait, noWait := remove(RemoveOptions{}), remove(RemoveOptions{NoWait: true})
	expire := func(p *plot) {
		p.cloud.Advance(6 * day)
		if _, err := p.manager.Expire(p.Context(), p.candidate("x"), isTime, Options{}); err != nil {
			p.Error(err)
		}
	}
	for name, removals := range map[string][]func(*plot){
		"removed": {wait}, "removed twice": {wait, wait}, "without waiting": {noWait}, "without waiting, and again": {noWait, wait}, "expired": {expire},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlot(t, localcloud.Config{}, nil)
			p.deployed(deployment("x", "zero"), Created)
			e := p.deployed(deployment("x", "one"), Deployed)
			takeDown := func() {
				for _, remove := range removals {
					remove(p)
				}
				if _, err := p.manager.beanstalk.Settle(t.Context(), e.Env); !errors.Is(err, ErrNotFound) {
					t.Fatalf("it stays: %v", err)
				}
			}
			takeDown()
			if name == "expired" {
				p.checkLeft("x", "1 versions, 1 bundles, a record: true")
			}
			p.cloud.Advance(2 * day)
			if got := p.leftover("x"); !strings.HasPrefix(got, "can be restored until ") {
				t.Errorf("what is left: %q", got)
			}
			p.checkRestored(e)
			takeDown()
			p.cloud.Advance(3*day + time.Minute)
			if got := p.leftover("x"); got != "removed" {
				t.Errorf("past its restore: %q", got)
			}
			p.checkLeft("x", "0 versions, 0 bundles, a record: false")
			if got := p.leftover("x"); got != "" {
				t.Errorf("when nothing is left: %q", got)
			}
		})
	}
}

// checkRestored restores what was removed, and checks that it is as it was, with new time.
func (p *plot) checkRestored(e Environment) {
	p.Helper()
	gone := p.restorable("x")
	if r, err := p.manager.Restore(p.Context(), gone, RestoreOptions{Options: Options{DryRun: true}}); err != nil || r.Version.Label != e.Version || p.lives("x") != "" {
		p.Errorf("a dry run: %+v, %v, and %q lives", r, err, p.lives("x"))
	}
	r, err := p.manager.Restore(p.Context(), gone, unchecked)
	if err != nil || r.Outcome != Restored {
		p.Fatalf("Restore: %+v, %v", r, err)
	}
	now, err := p.manager.Get(p.Context(), "shop", "x")
	if err != nil || now.ID != e.ID || now.Version != e.Version || now.Commit != e.Commit || now.URL() != e.URL() {
		p.Errorf("it came back as %+v, %v", now, err)
	}
	v, err := p.manager.Survey(p.Context(), nil)
	if err != nil {
		p.Fatal(err)
	}
	if until := v.Now.Add(5 * day); now.Expires.Sub(until).Abs() > time.Minute {
		p.Errorf("it lives until %v, want %v", now.Expires, until)
	}
	rec := now.Own()
	if rec.Outcome == nil || rec.Outcome.Verb != "restore" || rec.Outcome.Result != Restored || rec.Restorable != nil || rec.Lease != nil || len(rec.Settings) != len(e.Own().Settings) {
		p.Errorf("the record says %+v", rec)
	}
	if _, err := p.manager.Restore(p.Context(), now, unchecked); !errors.Is(err, ErrAlive) {
		p.Errorf("once more: %v", err)
	}
}

func TestARestoreThatWasInterruptedIsFinished(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	if _, err := p.anyChange().beanstalk.Rebuild(t.Context(), e.Env); err != nil {
		t.Fatal(err)
	}
	r, err := p.manager.Restore(t.Context(), p.restorable("x"), unchecked)
	if err != nil || r.Environment.ID != e.ID || r.Environment.URL() != e.URL() {
		t.Errorf("Restore: %+v, %v", r, err)
	}
	if now, err := p.manager.Get(t.Context(), "shop", "x"); err != nil || now.Own().Extended.IsZero() {
		t.Errorf("it has no new time: %+v, %v", now, err)
	}
}

func TestWhatCannotBeRestoredIsAnError(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("purged", "one"), Created)
	p.removed("purged", RemoveOptions{Purge: true})
	p.checkLeft("purged", "0 versions, 0 bundles, a record: true")
	p.deployed(deployment("over", "one"), Created)
	p.removed("over", RemoveOptions{})
	p.cloud.Advance(3*day + time.Minute)
	if got := p.leftover("over"); got != "removed" {
		t.Fatalf("past its restore: %q", got)
	}
	for feature, want := range map[string]error{"never": ErrNotFound, "purged": ErrPurged, "over": ErrVersionExpired} {
		_, err := p.manager.Restorable(t.Context(), "shop", feature)
		if said, ok := errors.AsType[*UnrestorableError](err); !ok || !errors.Is(err, want) || said.Feature != feature {
			t.Errorf("%s: %v, want %v", feature, err, want)
		}
	}
}

func TestOneFaultKeepsNoEnvironmentFromComingBack(t *testing.T) {
	for _, kind := range fault.Kinds() {
		if kind == fault.Stale { // no read
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p := newPlot(t, localcloud.Config{}, nil)
			e := p.deployed(deployment("x", "one"), Created)
			p.removed("x", RemoveOptions{})
			rule := fault.Rule{Service: "elasticbeanstalk", Operation: "RebuildEnvironment", Kind: kind, Count: 1}
			if kind == fault.Slow || kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
				rule.For = 100 * time.Millisecond
			}
			if err := p.cloud.Inject(rule); err != nil {
				t.Fatal(err)
			}
			if r, err := p.manager.Restore(t.Context(), p.restorable("x"), unchecked); err != nil || r.Outcome != Restored || r.Environment.ID != e.ID {
				t.Errorf("Restore: %+v, %v", r, err)
			}
		})
	}
}

// A removal may be asked for again: with Purge, and after what was left has no use any more.
func TestARemovalWithPurgeLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	p.checkLeft("x", "1 versions, 1 bundles, a record: true")
	p.removed("x", RemoveOptions{Purge: true})
	p.checkLeft("x", "0 versions, 0 bundles, a record: true")
	p.deployed(deployment("y", "one"), Created)
	p.removed("y", RemoveOptions{})
	p.cloud.Advance(3*day + time.Minute)
	p.removed("y", RemoveOptions{})
	p.checkLeft("y", "0 versions, 0 bundles, a record: true")
}

// What lies under a bundle's key may be replaced after it was proved, too.
func TestOtherBytesAreNeitherRestoredNorRolledBackTo(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	one := p.deployed(deployment("x", "one"), Created)
	two := p.deployed(deployment("x", "two"), Deployed)
	ours, key := bundleOf(t, "one"), store.BundleKey(one.Version, "zip")
	evil := strings.Repeat("x", len(ours))
	p.before(1, "PUT ledger", func() string { p.plant(key, evil); return "" }) // the request number
	for _, o := range []RollbackOptions{{}, {}, {To: one.Version}, {Options: Options{DryRun: true}}} {
		if _, err := p.manager.Rollback(t.Context(), two, o); !errors.Is(err, ErrBundle) {
			t.Errorf("Rollback with %+v: %v", o, err)
		}
	}
	if now, err := p.manager.Get(t.Context(), "shop", "x"); err != nil || now.Version != two.Version {
		t.Errorf("it runs %s, %v", now.Version, err)
	}
	p.deployed(deployment("x", "one"), Deployed) // uploads the bundle again
	p.removed("x", RemoveOptions{})
	gone := p.restorable("x")
	p.plant(key, evil)
	if _, err := p.manager.Restore(t.Context(), gone, unchecked); !errors.Is(err, ErrBundle) || p.lives("x") != "" {
		t.Errorf("Restore: %v, and %q lives", err, p.lives("x"))
	}
	if _, err := p.manager.Restorable(t.Context(), "shop", "x"); !errors.Is(err, ErrBundle) {
		t.Errorf("Restorable: %v", err)
	}
	p.plant(key, ours)
	if _, err := p.manager.Restore(t.Context(), p.restorable("x"), unchecked); err != nil {
		t.Errorf("of our bytes: %v", err)
	}
}

// removedWithImage removes an environment that runs an image, and returns it and the image's digest.
func (p *plot) removedWithImage() (Environment, string) {
	p.Helper()
	request := deployment("x", "")
	request.Base, request.Source = Base{Platform: testECS}, pushed{archive{"one"}}
	r, err := p.manager.Deploy(p.Context(), request, Options{})
	if err != nil {
		p.Fatal(err)
	}
	p.removed("x", RemoveOptions{})
	return r.Environment, r.Images[0].Digest
}

func TestARestoreShieldsItsImages(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, withImages)
	e, digest := p.removedWithImage()
	tag := LiveTag(testRegion, e.Name, "web", digest)
	if got := p.liveTags(e.Name); !slices.Equal(got, []string{tag}) {
		t.Fatalf("after the removal: %q", got)
	}
	l := p.anyChange()
	if _, err := l.images.Untag(t.Context(), "shop", []string{tag}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.manager.Restore(t.Context(), p.restorable("x"), unchecked); err != nil {
		t.Fatal(err)
	}
	if got := p.liveTags(e.Name); !slices.Equal(got, []string{tag}) {
		t.Errorf("after the restore: %q", got)
	}
	if rec := p.get("x").Own(); !slices.Equal(rec.Digests, []string{digest}) || !slices.Equal(rec.Images, []string{tag}) {
		t.Errorf("the record knows %q, %q", rec.Images, rec.Digests)
	}
}

// What the record says of another version is not what this one needs.
func TestARestoreBelievesTheRecordOfItsVersionAlone(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, withImages)
	e, _ := p.removedWithImage()
	p.note("x", func(r *store.Record) {
		kept := *r.Restorable
		kept.Version, kept.Images, kept.Digests = labelOf(e.Name, "another"), []string{LiveTag(testRegion, e.Name, "web", digestOf("another"))}, nil
		r.Restorable = &kept
	})
	if _, err := p.manager.Restore(t.Context(), p.restorable("x"), unchecked); err != nil || p.lives("x") != e.ID {
		t.Errorf("%v, and %q lives", err, p.lives("x"))
	}
}

func TestARestoreNamesTheImageThatHasGone(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, withImages)
	e, digest := p.removedWithImage()
	all, err := p.manager.images.Tags(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for tag := range all {
		tags = append(tags, tag)
	}
	l := p.anyChange()
	if _, err := l.images.Untag(t.Context(), "shop", tags); err != nil {
		t.Fatal(err)
	}
	before := len(p.cloud.Calls())
	_, err = p.manager.Restore(t.Context(), p.restorable("x"), unchecked)
	gone, ok := errors.AsType[*VersionError](err)
	if !ok || !errors.Is(err, ecr.ErrNoImage) || gone.Label != e.Version || !strings.Contains(err.Error(), LiveTag(testRegion, e.Name, "web", digest)) {
		t.Errorf("Restore: %v", err)
	}
	if sent := p.changesSince(before); len(sent) > 0 {
		t.Errorf("AWS is asked for %q", sent)
	}
	if rec := p.record(e.Name); rec.Restorable == nil || rec.Environment != "" {
		t.Errorf("the tombstone: %+v", rec)
	}
}

// It shows the logs as a failed deploy does: who restores, a janitor for a person in Slack, needs the right.
func TestARestoreThatFailsShowsTheLogs(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	p := newPlot(t, localcloud.Config{Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error {
		if broken.Load() {
			return engine.Fail("no")
		}
		return nil
	}}}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	broken.Store(true)
	before := len(p.cloud.Calls())
	var said told
	_, err := p.manager.Restore(t.Context(), p.restorable("x"), RestoreOptions{Options: said.options(), Check: HealthCheck{Off: true}})
	if _, failed := errors.AsType[*beanstalk.Failure](err); !failed {
		t.Errorf("Restore: %v", err)
	}
	used := map[string]bool{}
	for _, call := range p.cloud.Calls()[before:] {
		used[call.Right()] = true
	}
	for _, right := range []string{"elasticbeanstalk:RequestEnvironmentInfo", "elasticbeanstalk:RetrieveEnvironmentInfo"} {
		if !used[right] {
			t.Errorf("nothing needed %s; said: %s", right, said.String())
		}
	}
}
