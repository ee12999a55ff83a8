package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/test/must"
)

const day = 24 * time.Hour

func TestRollbackRestoreAndDownSayWhatComesOfThem(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.refused(1, []string{`feature "x" has nothing that could be restored`, "no environment of it"}, "restore", "x")
	p.deploys(corretto, "one")
	p.ok("up", "--feature", "x", filepath.Dir(p.config))
	one := p.status("x")
	p.deploys(corretto, "two")
	p.ok("up", "--feature", "x", filepath.Dir(p.config))

	p.refused(1, []string{`version "nonsense"`, "not found", one.Version}, "rollback", "x", "--to", "nonsense")
	p.refused(2, []string{"label is empty"}, "rollback", "x", "--to=")
	if text := p.ok("rollback", "x"); text != one.URL+"\n" {
		t.Errorf("rollback prints %q", text)
	}
	var back struct {
		view
		Outcome string
	}
	if err := json.Unmarshal([]byte(p.ok("rollback", "--json", "x")), &back); err != nil || back.Outcome != envs.Deployed || back.Version == one.Version {
		t.Errorf("rollback prints %+v, %v", back, err)
	}
	p.put(store.BundleKey(one.Version, "zip"), "other bytes")
	p.refused(1, []string{"its bundle has been replaced", "run up on the commit"}, "rollback", "x")

	if text := p.ok("down", "x", "--no-wait"); !strings.Contains(text, "AWS is removing it") {
		t.Errorf("down prints %q", text)
	}
	p.ok("down", "x")
	p.refused(1, []string{"beansprout restore brings back"}, "status", "x")
	if text := p.ok("restore", "x", "--dry-run"); text != "would restore environment "+one.Name+" ("+one.ID+") with version "+back.Version+"\n" {
		t.Errorf("a dry run prints %q", text)
	}
	if text := p.ok("restore", "x"); text != one.URL+"\n" {
		t.Errorf("restore prints %q", text)
	}
	p.refused(1, []string{"it lives: there is nothing to be restored"}, "restore", "x")
	p.refused(2, []string{"contradict"}, "down", "x", "--purge", "--no-wait")
	p.put("elsewhere.zip", "x")
	_, err := p.beanstalk.Changing(allowed).Register(t.Context(), beanstalk.Version{
		Application: "shop", Label: one.Name + "-abcdefabcdefabcdef01", Bucket: p.store.Bucket(), Key: "elsewhere.zip",
	})
	must.Succeed(t, err)
	if text := p.ok("down", "x", "--purge"); !strings.Contains(text, `"elsewhere.zip", which is none of ours`) {
		t.Errorf("the receipt says %s", text)
	}
	p.refused(1, []string{"beansprout down --purge removed its environment"}, "restore", "x")
	for _, call := range p.cloud.Calls() { // an artifact has no images
		if call.Service == "ecr" {
			t.Errorf("ECR is asked for %s", call.Action)
		}
	}
}

func TestAVersionThatHasExpiredIsNotRestored(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("x")
	p.ok("down", "x")
	p.cloud.Advance(3*day + time.Minute)
	m, err := envs.New(t.Context(), p.aws, envs.Config{Application: "shop", Repository: envs.Repository{Unused: true}})
	if err == nil {
		_, err = m.RemoveLeftover(t.Context(), envs.Leftover{Name: e.Name}, envs.Options{}) // as a sweep does
	}
	must.Succeed(t, err)
	p.refused(1, []string{"expire.restore_for (3d) is over"}, "restore", "x")
}

// A swapped environment carries another one's address, and may be production by now.
func TestWhatHasLostItsAddressIsShown(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	a, b := p.sprout("swapped"), p.sprout("other")
	p.sprout("edited")
	_, err := p.bare().SwapEnvironmentCNAMEs(t.Context(), &elasticbeanstalk.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: &a.Name, DestinationEnvironmentName: &b.Name})
	must.Succeed(t, err)
	p.ready(a.ID)
	p.ready(b.ID)
	if text := p.ok("list"); strings.Count(text, "it has lost its address") != 2 {
		t.Errorf("the list says %s", text)
	}
	var views []view
	if err := json.Unmarshal([]byte(p.ok("list", "--json")), &views); err != nil || len(views) != 3 {
		t.Fatalf("%+v, %v", views, err)
	}
	for _, v := range views {
		if moved := v.Feature != "edited"; (v.Reason != "") != moved || moved && v.Expires != nil {
			t.Errorf("%+v", v)
		}
	}
	p.refused(1, []string{"lost its address"}, "down", "swapped")
}

func TestAnApplicationTakesThePlaceOfTheFile(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("x")
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	for _, args := range [][]string{
		{"list"}, {"list", "--removed"}, {"status", "x"}, {"versions", "x"}, {"events", "x"}, {"logs", "x"}, {"open", "x"},
		{"keep", "x"}, {"unkeep", "x"}, {"down", "x", "--yes"}, {"restore", "x"},
	} {
		if out := beansprout(t.Context(), t, p.dir, append(args, "--application", "shop")...); out.code != 0 {
			t.Errorf("%q ends with %d: %s", args, out.code, out.stderr)
		}
	}
	if now := p.status("x"); now.ID != e.ID {
		t.Errorf("%s is %s now", e.ID, now.ID)
	}
	if out := beansprout(t.Context(), t, p.dir, "status", "x"); out.code != 2 || !strings.Contains(out.stderr, "there is no beansprout.yaml") {
		t.Errorf("without either: %d, %s", out.code, out.stderr)
	}
}
