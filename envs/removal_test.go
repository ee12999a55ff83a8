package envs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
)

// removalOf is a removal of the environment that has gone already.
func (p *plot) removalOf(e Environment) *removal {
	return p.manager.newRemoval(p.store(), e.Env, Options{})
}

func TestWhatIsNamedLikeAnHeirStays(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	heir := p.deployed(deployment("x", "one"), Created)
	former := heir
	former.ID = "e-former"
	r := p.removalOf(former)
	if err := r.removeVersions(t.Context()); err != nil || len(r.receipt.Removed) > 0 || len(r.receipt.Retained) != 1 || !strings.Contains(r.receipt.Retained[0].Reason, heir.ID) {
		t.Errorf("%+v, %v", r.receipt, err)
	}
	if tag := LiveTag(testRegion, heir.Name, "web", digestOf("")); r.needs(tag) == "" {
		t.Error("its images go")
	}
	r = p.removalOf(former)
	r.users = map[string]string{} // there was none when they were read first
	if err := r.readUsers(t.Context()); err == nil || !strings.Contains(err.Error(), heir.ID+" has been launched under the name") {
		t.Errorf("launched before an attempt is repeated: %v", err)
	}
}

func TestWhatAnotherEnvironmentRunsStays(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("shop-clone"), VersionLabel: &e.Version})
	r := p.removalOf(e)
	if err := r.removeVersions(t.Context()); err != nil || len(r.receipt.Removed) > 0 || len(r.receipt.Retained) != 1 || r.receipt.Retained[0].Reason != "environment shop-clone runs it" {
		t.Errorf("%+v, %v", r.receipt, err)
	}
	if r.needs(LiveTag(testRegion, e.Name, "web", digestOf(""))) == "" {
		t.Error("its images go")
	}
}

// A version without its bundle can't be launched any more, so what can't be listed keeps the bundles.
func TestVersionsThatAreNotKnownKeepTheirBundlesAndImages(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	r := p.removalOf(p.deployed(deployment("x", "one"), Created))
	p.before(1, "DescribeApplicationVersions", func() string { return "AccessDenied" })
	if err := r.removeVersions(t.Context()); err == nil || len(r.receipt.Removed) > 0 {
		t.Errorf("%+v, %v", r.receipt, err)
	}
}

func TestVersionsThatCannotBeDeletedKeepTheirImages(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	e, _ := p.removedWithImage()
	tags := p.liveTags(e.Name)
	p.before(1, "DeleteApplicationVersion", func() string { return "AccessDenied" })
	gone, err := p.manager.Find(t.Context(), "shop", "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.manager.Remove(t.Context(), gone, RemoveOptions{Purge: true}); err == nil || len(tags) == 0 || !slices.Equal(p.liveTags(e.Name), tags) {
		t.Errorf("%v, and of the live tags %q stay %q", err, tags, p.liveTags(e.Name))
	}
}

func TestARestoreNeedsTheImagesThatItsOwnRecordNames(t *testing.T) {
	name := "shop-x-abcdefghij"
	label := labelOf(name, "one")
	tag := LiveTag(testRegion, name, "web", digestOf("one"))
	e := Env{ID: "e-1", Name: name, Version: label}
	last := store.Record{Environment: "e-1", Version: label, Commit: "1a2b3c4", Images: []string{"live-one"}, OwnedSettings: store.OwnedSettings{Settings: []string{"a:b"}}}
	with := func(change func(*store.Record)) store.Record {
		rec := last
		change(&rec)
		return rec
	}
	for _, tt := range []struct {
		name             string
		env              Env
		rec              store.Record
		images, settings int
		none             bool
	}{
		{"its own record", e, last, 1, 1, false},
		{"a record of another environment", e, with(func(r *store.Record) { r.Environment = "e-0" }), 0, 0, false},
		{"a record of another version", e, with(func(r *store.Record) { r.Version = labelOf(name, "two") }), 0, 1, false},
		{"a version of another name", Env{ID: "e-1", Name: name, Version: "v1"}, last, 0, 0, true},
	} {
		m := &Manager{region: testRegion, config: Config{Days: Days{RestoreFor: day}}}
		r := &removal{manager: m, env: tt.env, keepRestorable: true}
		r.noteRestorable(tt.rec)
		switch got := r.restorable; {
		case tt.none:
			if got != nil {
				t.Errorf("%s: %+v is to be restored", tt.name, got)
			}
		case got == nil || len(got.Images) != tt.images || len(got.Settings) != tt.settings:
			t.Errorf("%s: %+v", tt.name, got)
		case (r.needs(tag) != "") != (tt.images == 0): // of what is not known, all stay
			t.Errorf("%s: another image stays because %q", tt.name, r.needs(tag))
		}
	}
}

func TestTheLastOfANameIsWhatCanBeRestored(t *testing.T) {
	noon := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	const name = "shop-x-abcdefghij"
	row := func(id, name, label string, ago time.Duration) Env {
		return Env{ID: id, Name: name, Version: label, Updated: noon.Add(-ago)}
	}
	one, two := labelOf(name, "one"), labelOf(name, "two")
	rows := []Env{
		row("e-1", name, one, 3*time.Hour), row("e-2", name, two, 2*time.Hour),
		row("e-3", name, "v1", time.Hour), row("e-5", "shop-clone", one, time.Minute), row("e-4", "shop-y-abcdefghij", labelOf("shop-y-abcdefghij", "one"), time.Minute),
	}
	for range 2 { // in whichever order AWS lists them
		for id, images := range map[string]int{"e-2": 1, "e-1": 0} {
			got := lastOf(rows, name, &store.Restorable{ID: id, Version: two, Images: []string{"live-two"}})
			if got == nil || got.ID != "e-2" || got.Version != two || len(got.Images) != images || !got.At.Equal(noon.Add(-2*time.Hour)) {
				t.Errorf("where the record speaks of %s: %+v", id, got)
			}
		}
		slices.Reverse(rows)
	}
	if got := lastOf(rows, "shop-z-abcdefghij", nil); got != nil {
		t.Errorf("where none went: %+v", got)
	}
}

func TestWhatCannotBeListedIsNotPurged(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	r := p.removalOf(Environment{Env: Env{Name: p.name("x"), Application: "shop"}})
	r.keepRestorable = true
	p.before(1, "DescribeEnvironments", func() string { return "AccessDenied" })
	if err := r.keepLast(t.Context()); err == nil {
		t.Error("it is not known which went last, and the removal goes on")
	}
}

// Another process may have mended or protected it since this one read it.
func TestALaunchThatHasNotFailedIsNotRemoved(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	err := p.manager.withLease(t.Context(), e.Name, request{verb: "up"}, Options{}, func(ctx context.Context, l *lease) error {
		return p.manager.terminateBroken(ctx, l, e.Env, Options{}, func(context.Context, beanstalk.Operation) error { return nil })
	})
	if err == nil || !strings.Contains(err.Error(), "it is healthy now") || p.lives("x") != e.ID {
		t.Errorf("%v, and %q lives", err, p.lives("x"))
	}
}

// A sweep does not wait for what AWS is at work on.
func TestExpireYieldsToAnOperationOfAWS(t *testing.T) {
	p := newPlot(t, localcloud.Config{UpdateTime: time.Hour}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	c := p.candidate("x")
	p.before(1, "TerminateEnvironment", func() string {
		if _, err := p.anyChange().beanstalk.Deploy(t.Context(), e.Env, e.Version, e.Description); err != nil {
			t.Error(err)
		}
		return ""
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := p.manager.Expire(ctx, c, isTime, Options{}); !errors.Is(err, ErrNotReady) || p.lives("x") != e.ID {
		t.Errorf("%v, and %q lives", err, p.lives("x"))
	}
}

func TestOneChangeBetweenTwoReadingsIsSeen(t *testing.T) {
	was := Env{ID: "e-1", Version: "one", Updated: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)}
	for name, now := range map[string]Env{
		"a version": {ID: "e-1", Version: "two", Updated: was.Updated},
		"a date":    {ID: "e-1", Version: "one", Updated: was.Updated.Add(time.Millisecond)},
	} {
		if !changed(was, now) || changed(now, now) {
			t.Errorf("%s: %+v, %+v", name, was, now)
		}
	}
}
