package envs

import (
	"context"
	"strings"
	"testing"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// leftOf returns what a survey says about what the feature's environment has left.
func (p *plot) leftOf(feature string) (l Leftover, found bool) {
	p.Helper()
	v, err := p.manager.Survey(p.Context(), nil)
	if err != nil || v.LeftoversErr != nil {
		p.Fatal(err, v.LeftoversErr)
	}
	for _, l := range v.Leftovers {
		if l.Name == p.name(feature) {
			return l, true
		}
	}
	return Leftover{}, false
}

// The removal writes the record, which would make what is left look young.
func TestALeftoverWhoseRemovalFailedIsTriedAgainAndSaysWhy(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	label := labelOf(p.name("stuck"), bundleOf(t, "one"))
	p.register("shop", label, "stuck @ abc by kim", store.BundleKey(label, "zip"), bundleOf(t, "one"))
	p.cloud.Advance(2 * day)
	for range 2 {
		p.before(1, "DeleteApplicationVersion", func() string { return "AccessDenied" })
		l, found := p.leftOf("stuck")
		if !found || l.Reason != "" {
			t.Fatalf("it stays: %+v", l)
		}
		if _, err := p.manager.RemoveLeftover(t.Context(), l, Options{}); err == nil {
			t.Fatal("what AWS refuses is no error")
		}
	}
	l, _ := p.leftOf("stuck")
	if l.Reason != "" || !strings.Contains(l.Failure, "No. (AccessDenied)") {
		t.Errorf("after it failed: %+v", l)
	}
	change := func(alter func(*store.Record)) {
		t.Helper()
		if _, err := p.store().Change(t.Context(), p.name("stuck"), alter); err != nil {
			t.Fatal(err)
		}
	}
	if rec := p.record(p.name("stuck")); rec.Feature != "stuck" {
		t.Errorf("its record does not prove it: %+v", rec)
	}
	change(func(r *store.Record) { r.NumberRequest("abc") })
	if l, _ := p.leftOf("stuck"); l.Failure != "" || !strings.Contains(l.Reason, "not a day old") {
		t.Errorf("an up has begun: %+v", l)
	}
	change(func(r *store.Record) { r.Stuck = "no" })
	_, record, err := p.store().Take(t.Context(), p.name("stuck"), store.LeaseRequest{Verb: "up"}, nil)
	if err != nil || record.Stuck == "" {
		t.Fatal(record, err)
	}
	if l, _ := p.leftOf("stuck"); l.Failure != "" || l.Reason == "" {
		t.Errorf("an up is at work: %+v", l)
	}
}

// tagLive makes an image, unless there is one, and gives it a live tag of the feature's environment.
func (p *plot) tagLive(feature, content string) {
	p.Helper()
	uri := func() (string, error) { return p.manager.RepositoryURI(p.Context()) }
	target := Target{Registry: p.manager.registry(uri, func(context.Context) error { return nil }, p.name(feature), Options{}), Architecture: "amd64"}
	images, err := pushed{archive{content}}.Images(p.Context(), target)
	if err == nil {
		err = p.anyChange().images.Tag(p.Context(), "shop", images[0].Digest, p.manager.liveTag(p.name(feature), "web", images[0].Digest))
	}
	if err != nil {
		p.Fatal(err)
	}
}

func TestImageTagsWithoutVersionAndRecordAreLeftovers(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, withImages)
	request := deployment("living", "one")
	request.Base, request.Source = Base{Platform: testECS}, pushed{archive{"one"}}
	p.deployed(request, Created)
	request.Feature = "gone"
	p.deployed(request, Created)
	p.removed("gone", RemoveOptions{Purge: true})
	p.putRecord(p.name("gone"), "{}")
	for _, feature := range []string{"gone", "never", "begun"} {
		p.tagLive(feature, "one")
	}
	p.note("begun", func(r *store.Record) { r.Feature = "begun" })
	if l, _ := p.leftOf("gone"); !l.Images || !strings.Contains(l.Reason, "can be restored until") {
		t.Errorf("just removed: %+v", l)
	}
	if l, _ := p.leftOf("begun"); !l.Images || l.Reason != "what is left of it is not a day old" {
		t.Errorf("an up has begun: %+v", l)
	}
	p.cloud.Advance(4 * day)
	for feature, want := range map[string]string{
		"gone": "", "begun": "", "never": "isn't known to be ours: nothing tells which feature the images",
	} {
		l, found := p.leftOf(feature)
		if !found || !l.Images || l.Versions || !strings.HasPrefix(l.Reason, want) || want == "" && l.Reason != "" {
			t.Errorf("%s: %+v, %v", feature, l, found)
			continue
		}
		if want != "" {
			continue
		}
		if receipt, err := p.manager.RemoveLeftover(t.Context(), l, Options{}); err != nil || !strings.Contains(strings.Join(receipt.Removed, "\n"), "image tag shop:live-") {
			t.Errorf("%s: %+v, %v", feature, receipt, err)
		}
	}
	if _, found := p.leftOf("living"); found {
		t.Error("the tags of a living environment are left over")
	}
	for feature, want := range map[string]int{"gone": 0, "never": 1, "begun": 0, "living": 1} {
		if tags := p.liveTags(p.name(feature)); len(tags) != want {
			t.Errorf("%s has the live tags %q, want %d", feature, tags, want)
		}
	}
}
