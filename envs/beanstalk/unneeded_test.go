package beanstalk

import (
	"testing"
	"time"

	"beansprout/envs"
)

func TestOnlyVersionsOfGoneEnvironmentsAreUnneeded(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const (
		name  = "shop-x-abcdefghij"
		label = name + "-0123456789abcdef0123"
		other = "shop-y-abcdefghij"
	)
	old := now.Add(-48 * time.Hour)
	ours := func(label string, created time.Time) Version {
		return Version{Label: label, Key: "beansprout/bundles/" + label + ".zip", Created: created}
	}
	for _, tt := range []struct {
		name       string
		version    Version
		living     []envs.Env
		terminated []envs.Env
		unneeded   bool
	}{
		{name: "its environment was never seen", version: ours(label, old), unneeded: true},
		{name: "it lives", version: ours(label, old), living: []envs.Env{{Name: name, Version: "another"}}},
		{name: "it is going away", version: ours(label, old), living: []envs.Env{{Name: name, State: envs.Terminating}}},
		{name: "it may be restored", version: ours(label, old), terminated: []envs.Env{{Name: name, Updated: now.Add(-71 * time.Hour)}}},
		{name: "it went long ago", version: ours(label, old), terminated: []envs.Env{{Name: name, Updated: now.Add(-73 * time.Hour)}}, unneeded: true},
		{name: "it went twice", version: ours(label, old), terminated: []envs.Env{{Name: name, Updated: now.Add(-73 * time.Hour)}, {Name: name, Updated: now.Add(-time.Hour)}}},
		{name: "a clone runs it", version: ours(label, old), living: []envs.Env{{Name: "clone", Version: label}}},
		{name: "a clone that may be restored ran it", version: ours(label, old), terminated: []envs.Env{{Name: "clone", Version: label, Updated: now.Add(-time.Hour)}}},
		{name: "others live", version: ours(label, old), living: []envs.Env{{Name: other, Version: other + "-0123456789abcdef0123"}}, unneeded: true},
		{name: "young", version: ours(label, now.Add(-23*time.Hour))},
		{name: "from the future", version: ours(label, now.Add(time.Hour))},
		{name: "of an unknown age", version: ours(label, time.Time{})},
		{name: "another's label", version: ours("release-7", old)},
		{name: "a label almost like ours", version: ours("shop-0123456789abcdef0123", old)},
		{name: "another's bundle", version: Version{Label: label, Key: "uploads/app.zip", Created: old}},
		{name: "the sample application", version: Version{Label: label, Created: old}},
	} {
		got := Unneeded([]Version{tt.version}, tt.living, tt.terminated, 72*time.Hour, now)
		if (len(got) == 1) != tt.unneeded {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.unneeded)
		}
	}
	older := ours(name+"-0123456789abcdef0124", old.Add(-time.Hour))
	if got := Unneeded([]Version{ours(label, old), older}, nil, nil, 0, now); len(got) != 2 || got[0] != older {
		t.Errorf("the oldest isn't first: %v", got)
	}
}
