package envs

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
)

func TestVersionsOfEnvironmentsThatAreGoneMakeRoom(t *testing.T) {
	p := newPlot(t, localcloud.Config{Quotas: cloudbeanstalk.Quotas{Versions: 3}}, nil)
	client := beanstalk.New(p.bare(), nil).Changing(func(context.Context) error { return nil })
	if err := client.CreateApplication(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	// It looks like one of ours, and nothing proves that it is.
	foreign := beanstalk.Version{Application: "shop", Label: p.name("foreign") + "-abcdefabcdefabcdef01", Description: "foreign @ abc by kim", Bucket: p.store().Bucket(), Key: "elsewhere.zip"}
	p.plant(foreign.Key, "bundle")
	if _, err := client.Register(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	register := func(feature string) (string, error) {
		d := p.newDeploy(func(d *Deployment) { d.Feature, d.Source = feature, archive{feature} })
		d.run.store = p.store()
		l := p.manager.changing(p.store(), func(context.Context) error { return nil })
		b, err := d.bundle(t.Context(), nil, "")
		if err != nil {
			t.Fatal(err)
		}
		return b.label, d.register(t.Context(), &l, b, nil)
	}
	for _, feature := range []string{"gone", "gone-too"} {
		if _, err := register(feature); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := register("new"); !errors.Is(err, ErrQuota) {
		t.Fatalf("versions of a minute ago made room: %v", err)
	}
	p.cloud.Advance(25 * time.Hour)
	label, err := register("new")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := p.manager.beanstalk.AllVersions(t.Context(), "shop")
	if err != nil || len(versions) != 2 || !slices.ContainsFunc(versions, func(v beanstalk.Version) bool { return v.Label == label }) {
		t.Errorf("versions = %v, %v, want %s and the foreign one", versions, err, label)
	}
	name := p.name("gone")
	if bundles, err := p.store().Bundles(t.Context(), name, Versions(name)); err != nil || len(bundles) != 0 {
		t.Errorf("bundles = %v, %v, want none", bundles, err)
	}
}
