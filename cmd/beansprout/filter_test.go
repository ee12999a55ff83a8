package main

import (
	"testing"
	"time"

	"beansprout/envs"
)

func TestAFilterLetsPassWhatIsAskedFor(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	e := envs.Env{State: envs.Updating, Health: "Red", Created: now.Add(-48 * time.Hour)}
	for _, tt := range []struct {
		name string
		f    filter
		want bool
	}{
		{"nothing", filter{}, true},
		{"its state", filter{states: []string{"updating"}}, true},
		{"its state among others", filter{states: []string{"Ready", "UPDATING"}}, true},
		{"another state", filter{states: []string{"ready"}}, false},
		{"its health", filter{health: []string{"red"}}, true},
		{"another health", filter{health: []string{"green", "yellow"}}, false},
		{"its age to the second", filter{older: 48 * time.Hour}, true},
		{"a greater age", filter{older: 48*time.Hour + time.Second}, false},
		{"state and another health", filter{states: []string{"updating"}, health: []string{"green"}}, false},
	} {
		if got := tt.f.admits(e, now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if (filter{older: time.Hour}).admits(envs.Env{}, now) {
		t.Error("one of which nobody knows how old it is passes for old")
	}
	for _, tt := range []struct {
		name   string
		f      filter
		expiry time.Time
		want   bool
	}{
		{"nothing", filter{}, time.Time{}, true},
		{"over", filter{expires: true}, now, true},
		{"over in a second", filter{expires: true}, now.Add(time.Second), false},
		{"over within a day", filter{expires: true, within: 24 * time.Hour}, now.Add(24 * time.Hour), true},
		{"over long ago", filter{expires: true, within: 24 * time.Hour}, now.Add(-240 * time.Hour), true},
		{"over later", filter{expires: true, within: 24 * time.Hour}, now.Add(25 * time.Hour), false},
		{"never over", filter{expires: true, within: 24 * time.Hour}, time.Time{}, false},
	} {
		if got := tt.f.ends(tt.expiry, now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for _, tt := range []struct {
		asked, owner string
		want         bool
	}{
		{"", "Kim", true},
		{"", "", true},
		{"kim", "Kim", true},
		{"Kim", "", false},
		{"Kim", "Kim Dev", false},
		{"김 개발", "김 개발", true},
		{"Kim Developer", "Kim Dev…", true},
		{"Kim Diver", "Kim Dev…", false},
		{"Kim", "Kim Dev…", false},
	} {
		if got := (filter{owner: tt.asked}).owns(tt.owner); got != tt.want {
			t.Errorf("%q asks for %q: %v, want %v", tt.asked, tt.owner, got, tt.want)
		}
	}
}
