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
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
)

func TestLeftoversGoWhenNothingCanNeedThem(t *testing.T) {
	noon := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	version := func(age time.Duration) leftoverPart {
		return leftoverPart{name: "a", version: "a-v", written: noon.Add(-age)}
	}
	record := func(age time.Duration) leftoverPart { return leftoverPart{name: "a", written: noon.Add(-age)} }
	gone := func(ago time.Duration) Env { return Env{Name: "a", State: Terminated, Updated: noon.Add(-ago)} }
	for _, tt := range []struct {
		name  string
		parts []leftoverPart
		rows  []tenant
		gone  []Env
		want  string // the beginning of the reason; "" goes, "nothing" is none
	}{
		{"never launched", []leftoverPart{version(2 * day)}, nil, nil, ""},
		{"a day old at this very instant", []leftoverPart{version(day)}, nil, nil, ""},
		{"about to be launched", []leftoverPart{version(day - time.Second)}, nil, nil, "what is left of it is not a day old"},
		{"about to be launched again", []leftoverPart{version(9 * day), version(time.Hour)}, nil, nil, "what is left of it is not a day old"},
		{"about to be launched again, by its record", []leftoverPart{version(9 * day), record(time.Hour)}, nil, nil, "what is left of it is not a day old"},
		{"without a date", []leftoverPart{version(9 * day), {name: "a", version: "a-w"}}, nil, nil, "AWS names no date"},
		{"without a proof whose it is", []leftoverPart{{name: "a", version: "a-v", written: noon.Add(-9 * day), unproved: "nothing tells"}}, nil, nil, "isn't known to be ours: nothing tells"},
		{"it lives", []leftoverPart{version(9 * day)}, []tenant{{name: "a"}}, nil, "nothing"},
		{"it lives again", []leftoverPart{version(9 * day)}, []tenant{{name: "a"}}, []Env{gone(9 * day)}, "nothing"},
		{"another environment runs it", []leftoverPart{version(9 * day)}, []tenant{{name: "clone", version: "a-v"}}, nil, "environment clone runs its version"},
		{"to be restored", []leftoverPart{version(9 * day)}, nil, []Env{gone(3*day - time.Second)}, "can be restored until 2025-06-01T12:00:01Z"},
		{"to be restored, removed twice", []leftoverPart{version(9 * day)}, nil, []Env{gone(9 * day), gone(day)}, "can be restored until 2025-06-03T12:00:00Z"},
		{"past its restore", []leftoverPart{version(9 * day)}, nil, []Env{gone(3 * day)}, ""},
		{"a record alone", []leftoverPart{record(2 * day)}, nil, nil, ""},
		{"a young record", []leftoverPart{record(time.Hour)}, nil, nil, "what is left of it is not a day old"},
		{"a record to be restored by", []leftoverPart{record(2 * day)}, nil, []Env{gone(2 * day)}, "can be restored until"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := "nothing"
			all := gather(tt.parts, tt.rows, tt.gone)
			for _, g := range all {
				got = g.stays(3*day, noon)
			}
			if len(all) > 1 || !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnAbsenceInDoubtIsAReasonToRemoveNothing(t *testing.T) {
	for _, absent := range []*beanstalk.MissingError{{Name: "x", AddressFree: true, Certain: true}, {Name: "x", JustTerminated: true, Certain: true}, {Name: "x"}, {Name: "x", JustTerminated: true}} {
		if err := certainlyGone(absent); (err == nil) != absent.Certain {
			t.Errorf("%+v: %v", absent, err)
		}
	}
}

// register makes a version with a bundle of this content under the key.
func (p *plot) register(application, label, description, key, content string) {
	p.Helper()
	p.plant(key, content)
	change := p.anyChange().beanstalk
	err := change.CreateApplication(p.Context(), application)
	if err == nil {
		_, err = change.Register(p.Context(), beanstalk.Version{Application: application, Label: label, Description: description, Bucket: p.store().Bucket(), Key: key})
	}
	if err != nil {
		p.Fatal(err)
	}
}

// registerIn makes a version with the bundle of that key in another bucket.
func (p *plot) registerIn(bucket, application, label, key string) {
	p.Helper()
	_, err := p.manager.s3.api.CreateBucket(p.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	if err == nil {
		_, err = p.manager.s3.api.PutObject(p.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
	}
	if err == nil {
		_, err = p.anyChange().beanstalk.Register(p.Context(), beanstalk.Version{Application: application, Label: label, Bucket: bucket, Key: key})
	}
	if err != nil {
		p.Fatal(err)
	}
}

func TestOnlyVersionsThatAreProvedToBeOursAreLeftovers(t *testing.T) {
	t.Parallel()
	const digits = "-abcdefabcdefabcdef01"
	p := newPlot(t, localcloud.Config{}, nil)
	ours := func(label string) string { return store.BundleKey(label, "zip") }
	described, weighed, noted, forged := labelOf(p.name("described"), "1"), labelOf(p.name("weighed"), "2"), p.name("noted")+digits, p.name("forged")+digits
	p.register("shop", "web-deployment"+digits, "", "elsewhere.zip", "x")
	p.register("shop", p.name("foreign")+digits, "foreign @ abc by kim", "elsewhere.zip", "x")
	p.register("shop", described, "described @ abc by kim", ours(described), "anything")
	p.register("shop", weighed, "", ours(weighed), "2")
	p.register("shop", noted, "", ours(noted), "anything")
	p.register("shop", forged, "another @ abc by kim", ours(forged), "of another digest")
	// A bundle that lies elsewhere proves nothing about the others of its name, nor does another application's.
	odd, far, others := labelOf(p.name("odd"), "3"), labelOf(p.name("far"), "4"), labelOf("other-application-abcdefghij", "5")
	for label, about := range map[string]string{p.name("half") + digits: "half @ abc by kim", odd: ""} {
		p.register("shop", label, about, label+".zip", "3")
	}
	for _, feature := range []string{"half", "odd"} {
		label := p.name(feature) + "-abcdefabcdefabcdef02"
		p.register("shop", label, "", ours(label), "of another digest")
	}
	p.register("shop", others, "", ours(others), "5")
	p.plant(ours(far), "4")
	p.registerIn("elsewhere", "shop", far, ours(far))
	p.note("noted", func(r *store.Record) { r.Feature = "noted" })
	p.note("forged", func(r *store.Record) { r.Feature = "another" })
	p.cloud.Advance(2 * day)
	for feature, want := range map[string]string{
		"described": "removed", "weighed": "removed", "noted": "removed",
		"foreign": "isn't known to be ours: the bundle of version ", "forged": "isn't known to be ours: nothing tells",
		"half": "isn't known to be ours", "odd": "isn't known to be ours", "far": "isn't known to be ours",
	} {
		if got := p.leftover(feature); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", feature, got, want)
		}
	}
	if left, err := p.manager.beanstalk.AllVersions(t.Context(), "shop"); err != nil || len(left) != 9 {
		t.Errorf("%+v is left, %v; want what is not proved to be ours", left, err)
	}
	v, err := p.manager.Survey(t.Context(), nil)
	if i := slices.IndexFunc(v.Leftovers, func(l Leftover) bool { return l.Name == "other-application-abcdefghij" }); err != nil || i < 0 || v.Leftovers[i].Reason == "" {
		t.Errorf("another application's version may go: %+v, %v", v.Leftovers, err)
	}
	p.checkLeft("forged", "1 versions, 1 bundles, a record: true")
}

// The labels of another application's versions may be the same, and all bundles and records lie in
// one bucket.
func TestASweepLeavesAloneWhatIsAnotherApplications(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("living", "one"), Created)
	gone := labelOf(p.name("gone"), bundleOf(t, "gone"))
	p.register("shop", gone, "gone @ abc by kim", store.BundleKey(gone, "zip"), bundleOf(t, "gone"))
	for _, label := range []string{e.Version, gone} {
		for application, description := range map[string]string{"Shop": "", "shop!": "gone @ abc by kim"} {
			p.register(application, label, description, store.BundleKey(label, "zip"), bundleOf(t, map[bool]string{true: "gone", false: "one"}[label == gone]))
		}
	}
	p.note("gone", func(r *store.Record) { r.Feature = "gone" })
	p.cloud.Advance(4*day + time.Minute)
	for _, application := range []string{"Shop", "shop!"} {
		v, err := p.newManager(func(c *Config) { c.Application = application }).Survey(t.Context(), pickDue)
		if err != nil || v.LeftoversErr != nil || len(v.Leftovers) != 2 {
			t.Errorf("%s: %+v, %v", application, v, err)
		}
		for _, l := range v.Leftovers {
			if !strings.HasPrefix(l.Reason, "isn't known to be ours") {
				t.Errorf("%s: %+v", application, l)
			}
		}
	}
	if got := p.leftover("gone"); got != "removed" {
		t.Errorf("in its own application: %q", got)
	}
	p.checkLeft("living", "1 versions, 1 bundles, a record: true")
}

func TestWhatAnInterruptedDeployLeftGoes(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("living", "one"), Created)
	p.deployed(deployment("purged", "one"), Created)
	p.removed("purged", RemoveOptions{Purge: true})
	for _, feature := range []string{"launching", "cloned"} {
		label := labelOf(p.name(feature), bundleOf(t, "one"))
		p.register("shop", label, feature+" @ abc by kim", store.BundleKey(label, "zip"), bundleOf(t, "one"))
	}
	cloned := labelOf(p.name("cloned"), bundleOf(t, "one"))
	p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("shop-clone"), VersionLabel: &cloned})
	const other = "other-application-abcdefghij"
	if _, err := p.store().Change(t.Context(), other, func(r *store.Record) { r.Feature = "x" }); err != nil {
		t.Fatal(err)
	}
	const young = "what is left of it is not a day old"
	check := func(when string, want map[string]string) {
		t.Helper()
		for feature, want := range want {
			if got := p.leftover(feature); !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s, %s: %q, want %q", when, feature, got, want)
			}
		}
	}
	clone := "environment shop-clone runs its version"
	check("at once", map[string]string{"launching": young, "cloned": clone, "living": "", "purged": "can be restored until "})
	p.cloud.Advance(day)
	if _, _, err := p.store().Take(t.Context(), p.name("launching"), store.LeaseRequest{Verb: "up"}, nil); err != nil {
		t.Fatal(err)
	}
	check("under a lease", map[string]string{"launching": young})
	p.cloud.Advance(3 * day)
	check("later", map[string]string{"launching": "removed", "cloned": clone, "living": "", "purged": "removed"})
	p.checkLeft("launching", "0 versions, 0 bundles, a record: false")
	p.checkLeft("cloned", "1 versions, 1 bundles, a record: false")
	p.checkLeft("purged", "0 versions, 0 bundles, a record: false")
	p.checkLeft("living", "1 versions, 1 bundles, a record: true")
	if rec, err := p.store().Read(t.Context(), other); err != nil || rec.Counter == 0 {
		t.Errorf("another application's record has gone: %+v, %v", rec, err)
	}
}

func TestALeftoverThatIsNeededOrInUseStays(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	label := labelOf(p.name("cloned"), bundleOf(t, "one"))
	p.register("shop", label, "cloned @ abc by kim", store.BundleKey(label, "zip"), bundleOf(t, "one"))
	p.note("cloned", func(r *store.Record) { r.Feature = "cloned" })
	left := Leftover{Name: p.name("cloned"), Versions: true}
	if r, err := p.manager.RemoveLeftover(t.Context(), left, Options{DryRun: true}); err != nil || len(r.Removed) > 0 {
		t.Errorf("a dry run: %+v, %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	held, _, err := p.store().Take(t.Context(), left.Name, store.LeaseRequest{Verb: "up"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.manager.RemoveLeftover(ctx, left, Options{}); !errors.Is(err, ErrNotReady) || len(r.Removed) > 0 {
		t.Errorf("under a lease: %+v, %v", r, err)
	}
	if err := held.Release(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("shop-clone"), VersionLabel: &label})
	if r, err := p.manager.RemoveLeftover(t.Context(), left, Options{}); err != nil || len(r.Removed) > 0 || len(r.Retained) != 1 {
		t.Errorf("run by a clone: %+v, %v", r, err)
	}
	p.checkLeft("cloned", "1 versions, 1 bundles, a record: true")
}
