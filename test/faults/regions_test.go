package faults

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs"
	"beansprout/envs/ecr"
	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// twoRegions is a lab in which two regions use one repository, of the first.
type twoRegions struct {
	*lab.Lab
	registry *ecr.Registry
}

const (
	otherRegion     = "eu-west-1"
	repositoryOfTwo = "123456789012.dkr.ecr." + lab.Region + ".amazonaws.com/hello"
)

func newTwoRegions(t *testing.T) twoRegions {
	t.Helper()
	lab.NeedEngine(t)
	l := lab.New(t, localcloud.Config{})
	two := twoRegions{l, ecr.New(awsecr.NewFromConfig(l.Config()))}
	two.configure("")
	return two
}

func (l twoRegions) configure(more string) {
	l.Helper()
	l.Edit("beansprout.yaml", "dockerrun:", "registry: {repository: "+repositoryOfTwo+"}\n"+more+"\ndockerrun:")
}

// there runs the binary in the other region.
func (l twoRegions) there(args []string) lab.Ended {
	l.Helper()
	return l.Must(append([]string{"--region", otherRegion}, args...)...)
}

func (l twoRegions) tags() map[string]string {
	l.Helper()
	tags, err := l.registry.Tags(context.Background(), lab.Application)
	must.Succeed(l, err)
	return tags
}

// live returns the live tags of login's environment in a region, "" for those without one.
func (l twoRegions) live(region string) []string {
	l.Helper()
	var live []string
	for tag := range l.tags() {
		if region == "" && envs.IsOldLiveTagOf(tag, l.Name("login")) || envs.IsLiveTagOf(tag, region, l.Name("login")) {
			live = append(live, tag)
		}
	}
	slices.Sort(live)
	return live
}

func (l twoRegions) wantLive(when, region string, n int) {
	l.Helper()
	if live := l.live(region); len(live) != n {
		l.Errorf("after %s %q has the tags %q, want %d", when, region, live, n)
	}
}

// age makes tags and record of a region those that were written before tags carried a region.
func (l twoRegions) age(region string) {
	l.Helper()
	tagger := l.registry.Changing(func(context.Context) error { return nil })
	old := func(tag string) string { return strings.Replace(tag, "live-"+region+"-", "live-", 1) }
	for tag, digest := range l.tags() {
		if old(tag) == tag {
			continue
		}
		must.Succeed(l, tagger.Tag(context.Background(), lab.Application, digest, old(tag)))
		_, err := tagger.Untag(context.Background(), lab.Application, []string{tag})
		must.Succeed(l, err)
	}
	api := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := api.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String("elasticbeanstalk-" + region + "-" + l.Account()), Key: aws.String("beansprout/ledger/" + l.Name("login") + ".json"),
		Body: bytes.NewReader(bytes.ReplaceAll(l.Record("login"), []byte("live-"+region+"-"), []byte("live-"))),
	})
	must.Succeed(l, err)
}

func TestTwoRegionsLeaveEachOthersImagesAlone(t *testing.T) {
	l := newTwoRegions(t)
	l.Must(l.Up()...)
	mine := l.live(lab.Region)
	if len(mine) != 1 {
		t.Fatalf("up made the tags %q of %v", mine, l.tags())
	}
	for _, page := range []string{"two", "three", "four"} {
		l.Edit("web/page", "one", page)
		l.there(l.Up())
	}
	l.wantLive("three deploys", otherRegion, 2)
	l.there([]string{"rollback", "login"})
	l.wantLive("a rollback", otherRegion, 2)
	l.there(l.Down())
	l.wantLive("a down", otherRegion, 0)
	l.Cloud.Advance(-6 * 24 * time.Hour)
	l.there(l.Up())
	l.Cloud.Advance(6 * 24 * time.Hour)
	l.there([]string{"sweep", "--live"})
	l.wantLive("a sweep", otherRegion, 1) // for a restore
	l.there([]string{"restore", "login"})
	l.there(l.Down())
	l.wantLive("a restore and a down", otherRegion, 0)
	if got := l.live(lab.Region); !slices.Equal(got, mine) {
		t.Errorf("%s has the tags %q, want %q as before", lab.Region, got, mine)
	}
}

func TestAnOldTagProtectsUntilItIsKnownWhose(t *testing.T) {
	l := newTwoRegions(t)
	l.Must(l.Up()...)
	l.Edit("web/page", "one", "two")
	l.Must(l.Up()...)
	l.age(lab.Region)
	l.wantLive("ageing", "", 2)
	stale := l.live("")

	// Elsewhere the feature runs neither of these images: nothing there removes them.
	l.Edit("web/page", "one", "three")
	if r := l.there(l.Up()); !strings.Contains(r.Stderr, "image tag "+repositoryOfTwo+":"+stale[0]+" stays: it names no region, and no tag of eu-west-1 is on its image") {
		t.Errorf("the old tags are not listed: %v", r)
	}
	l.wantLive("an up elsewhere", "", 2)
	l.there(l.Down())
	l.wantLive("a down elsewhere", "", 2)
	l.there(l.Up())

	// At home the record's images get tags of this region; the old ones stay while the feature
	// lives elsewhere, too.
	l.Edit("web/page", "one", "two")
	r := l.Must(l.Up("--json")...)
	if !strings.Contains(r.Stdout, `"outcome": "unchanged"`) || !strings.Contains(r.Stderr, "lives in eu-west-1, too") {
		t.Errorf("an unchanged up: %v", r)
	}
	l.wantLive("an unchanged up", lab.Region, 2)
	l.wantLive("an unchanged up", "", 2)
	l.there(l.Down())
	l.Must("rollback", "login")
	l.wantLive("a rollback", lab.Region, 2)
	l.wantLive("a rollback", "", 0)
	l.Must(l.Down()...)
	l.wantLive("a down", lab.Region, 0)
}

// TestARemovalUnderstandsOldTags removes and restores what was deployed before tags carried a
// region.
func TestARemovalUnderstandsOldTags(t *testing.T) {
	l := newTwoRegions(t)
	l.Cloud.Advance(-6 * 24 * time.Hour)
	l.Must(l.Up()...)
	l.Cloud.Advance(6 * 24 * time.Hour)
	l.age(lab.Region)
	if r := l.Must("sweep", "--live"); !strings.Contains(r.Stdout, "restore needs it") {
		t.Errorf("the image isn't kept for a restore: %v", r)
	}
	l.wantLive("a sweep", lab.Region, 1)
	l.wantLive("a sweep", "", 0)
	l.Must("restore", "login")
	l.age(lab.Region)
	if r := l.Must(l.Down()...); !strings.Contains(r.Stdout, "it names no region, and no tag of "+lab.Region) {
		t.Errorf("the old tag isn't listed: %v", r)
	}
	l.wantLive("a down", "", 1)
}

// TestEachPartitionServes goes through what reads ARNs in regions of other partitions.
func TestEachPartitionServes(t *testing.T) {
	l := lab.NewArtifact(t)
	for _, region := range []string{"cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isof-south-1"} {
		in := func(args ...string) lab.Ended { return l.Must(append([]string{"--region", region}, args...)...) }
		in(l.Up()...)
		in("keep", "login")
		if r := in("list", "--json"); !strings.Contains(r.Stdout, `"feature": "login"`) {
			t.Errorf("%s: %v", region, r)
		}
		in(l.Down("--force")...)
	}
}
