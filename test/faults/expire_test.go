package faults

import (
	"strings"
	"testing"
	"time"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"beansprout/envs/ecr"
	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// TestImagesOutliveTheirDaysWhereAnEnvironmentLivesOnThem lets two days pass by the cloud's
// clock after three deploys: the first image is neither what runs nor what ran before.
func TestImagesOutliveTheirDaysWhereAnEnvironmentLivesOnThem(t *testing.T) {
	lab.NeedEngine(t)
	l := lab.New(t, localcloud.Config{})
	registry := ecr.New(awsecr.NewFromConfig(l.Config()))
	images := func() map[string]bool {
		t.Helper()
		tags, err := registry.Tags(t.Context(), lab.Application)
		must.Succeed(t, err)
		digests := map[string]bool{}
		for _, digest := range tags {
			digests[digest] = true
		}
		return digests
	}
	l.Must(l.Up()...)
	first := images()
	l.Edit("web/page", "one", "two")
	l.Must(l.Up()...)
	l.Edit("web/page", "one", "three")
	l.Must(l.Up()...)
	if got := images(); len(first) != 1 || len(got) != 3 {
		t.Fatalf("%d images, then %d, want 1 and 3", len(first), len(got))
	}
	l.Cloud.Advance(49 * time.Hour)
	left := images()
	for digest := range first {
		if left[digest] || len(left) != 2 {
			t.Errorf("%d images are left, the first among them: %v; want the two others", len(left), left[digest])
		}
	}
	if r := l.Must(l.Up("--json")...); !strings.Contains(r.Stdout, `"outcome": "unchanged"`) {
		t.Errorf("after two days: %s", r)
	}
	l.Must(l.Down()...)
	l.Cloud.Advance(49 * time.Hour)
	if got := images(); len(got) != 0 {
		t.Errorf("%d images are left of an environment that has gone", len(got))
	}
}
