package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
	cloudbeanstalk "beansprout/localcloud/beanstalk"
)

func TestVersionsOfEnvironmentsThatAreGoneMakeRoom(t *testing.T) {
	cloud := emptyCloud(t, localcloud.Config{Quotas: cloudbeanstalk.Quotas{Versions: 2}})
	d := toCloud(t, cloud, nil)
	var err error
	if d.ledger, err = d.clients.ledger(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	register := func(feature, digest string) (string, error) {
		label := envs.VersionLabel(envs.Name(d.account, "shop", feature), digest+"0123456789abcdef0123456789abcdef")
		file, err := os.Create(filepath.Join(t.TempDir(), "bundle.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		return label, d.register(t.Context(), &bundle{file: file, label: label, key: ledger.BundleKey(label, "zip")}, nil)
	}
	for _, feature := range []string{"gone", "gone too"} {
		if _, err := register(feature, "aa"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := register("new", "bb"); !errors.Is(err, envs.ErrQuota) {
		t.Fatalf("versions of a minute ago made room: %v", err)
	}
	cloud.Advance(25 * time.Hour)
	label, err := register("new", "bb")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := d.beanstalk.AllVersions(t.Context(), "shop")
	if err != nil || len(versions) != 1 || versions[0].Label != label {
		t.Errorf("versions = %v, %v, want only %s", versions, err, label)
	}
	if bundles, err := d.ledger.Bundles(t.Context(), envs.Name(d.account, "shop", "gone")); err != nil || len(bundles) != 0 {
		t.Errorf("bundles = %v, %v, want none", bundles, err)
	}
}
