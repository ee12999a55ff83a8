package main

import (
	"encoding/json"
	"strings"
	"testing"

	"beansprout/cmd/internal/failure"
	"beansprout/localcloud"
)

// TestAnEnvironmentKeepsTheNameOfAnOlderVersion has an environment whose name leaves the feature's
// script out: it is ours in every way until it is gone, and nothing is made beside it.
func TestAnEnvironmentKeepsTheNameOfAnOlderVersion(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	const feature = "기능/로그인"
	p.former = true
	old := p.sprout(feature)
	p.former = false
	if strings.Contains(old.Name, "rogeuin") || !strings.Contains(p.name(feature), "gineung-rogeuin") {
		t.Fatalf("the names are %s and %s", old.Name, p.name(feature))
	}
	var listed []view
	if err := json.Unmarshal([]byte(p.ok("list", "--json")), &listed); err != nil || len(listed) != 1 || listed[0].Feature != feature || listed[0].Name != old.Name {
		t.Errorf("listed: %+v, %v", listed, err)
	}
	if v := p.status(feature); v.ID != old.ID {
		t.Errorf("status shows %s %s", v.Name, v.ID)
	}
	p.deploys("  platform: ECS running on 64bit Amazon Linux 2023\n", "")
	if out := p.up(feature); out.code != 0 || !strings.Contains(out.stdout, old.Name) {
		t.Errorf("up: %+v", out)
	}
	p.ok("keep", feature)
	p.refused(failure.ExitFailed, []string{"is kept"}, "down", feature)
	p.ok("unkeep", feature)
	if out := p.ok("down", feature); !strings.Contains(out, "removed environment "+old.Name) {
		t.Errorf("down: %s", out)
	}
	if out := p.ok("up", "--dry-run", "--feature", feature, strings.TrimSuffix(p.config, "/beansprout.yaml")); !strings.Contains(out, p.name(feature)) {
		t.Errorf("the next up: %s", out)
	}
}
