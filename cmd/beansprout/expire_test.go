package main

import (
	"strings"
	"testing"
	"time"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"beansprout/builder/ecr"
	"beansprout/localcloud"
)

// TestImagesOutliveTheirDaysWhereAnEnvironmentLivesOnThem lets two days pass by the cloud's
// clock after three deploys: the first image is neither what runs nor what ran before.
func TestImagesOutliveTheirDaysWhereAnEnvironmentLivesOnThem(t *testing.T) {
	needEngine(t)
	l := newLab(t, localcloud.Config{})
	registry := ecr.New(awsecr.NewFromConfig(l.config()))
	images := func() map[string]bool {
		t.Helper()
		tags, err := registry.Tags(t.Context(), labApplication)
		if err != nil {
			t.Fatal(err)
		}
		digests := map[string]bool{}
		for _, digest := range tags {
			digests[digest] = true
		}
		return digests
	}
	l.must(l.up()...)
	first := images()
	l.edit("web/page", "one", "two")
	l.must(l.up()...)
	l.edit("web/page", "one", "three")
	l.must(l.up()...)
	if got := images(); len(first) != 1 || len(got) != 3 {
		t.Fatalf("%d images, then %d, want 1 and 3", len(first), len(got))
	}
	l.cloud.Advance(49 * time.Hour)
	left := images()
	for digest := range first {
		if left[digest] || len(left) != 2 {
			t.Errorf("%d images are left, the first among them: %v; want the two others", len(left), left[digest])
		}
	}
	if r := l.must(l.up("--json")...); !strings.Contains(r.stdout, `"outcome": "unchanged"`) {
		t.Errorf("after two days: %s", r)
	}
	l.must(l.down()...)
	l.cloud.Advance(49 * time.Hour)
	if got := images(); len(got) != 0 {
		t.Errorf("%d images are left of an environment that has gone", len(got))
	}
}
