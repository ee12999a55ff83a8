package envs

import (
	"testing"
	"time"
)

func TestAFilterLetsPassWhatIsAskedFor(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	e := Env{State: Updating, Health: "Red", Created: now.Add(-48 * time.Hour)}
	for _, tt := range []struct {
		name string
		f    Filter
		want bool
	}{
		{"nothing", Filter{}, true},
		{"its state", Filter{States: []string{"updating"}}, true},
		{"its state among others", Filter{States: []string{"Ready", "UPDATING"}}, true},
		{"another state", Filter{States: []string{"ready"}}, false},
		{"its health", Filter{Health: []string{"red"}}, true},
		{"another health", Filter{Health: []string{"green", "yellow"}}, false},
		{"its age to the second", Filter{Older: 48 * time.Hour}, true},
		{"a greater age", Filter{Older: 48*time.Hour + time.Second}, false},
		{"state and another health", Filter{States: []string{"updating"}, Health: []string{"green"}}, false},
	} {
		if got := tt.f.admits(e, now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if (Filter{Older: time.Hour}).admits(Env{}, now) {
		t.Error("an environment of unknown age passes for old")
	}
	for _, tt := range []struct {
		name   string
		f      Filter
		expiry time.Time
		want   bool
	}{
		{"nothing", Filter{}, time.Time{}, true},
		{"over", Filter{Expires: true}, now, true},
		{"over in a second", Filter{Expires: true}, now.Add(time.Second), false},
		{"over within a day", Filter{Expires: true, Within: 24 * time.Hour}, now.Add(24 * time.Hour), true},
		{"over long ago", Filter{Expires: true, Within: 24 * time.Hour}, now.Add(-240 * time.Hour), true},
		{"over later", Filter{Expires: true, Within: 24 * time.Hour}, now.Add(25 * time.Hour), false},
		{"never over", Filter{Expires: true, Within: 24 * time.Hour}, time.Time{}, false},
	} {
		if got := tt.f.ends(tt.expiry, now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for _, tt := range []struct {
		filter, owner string
		want          bool
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
		if got := (Filter{Owner: tt.filter}).owns(tt.owner); got != tt.want {
			t.Errorf("%q asks for %q: %v, want %v", tt.filter, tt.owner, got, tt.want)
		}
	}
}
func TestAnExtensionIsWorthItsTime(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 1, time.UTC)
	for _, tt := range []struct {
		name       string
		expiry     time.Duration
		by, want   time.Duration
		impossible bool
	}{
		{"of one that lives", day, day, 2 * day, false},
		{"of one whose days are over", -10 * day, day, day, false},
		{"to a year from now", 364 * day, day, 365 * day, false},
		{"beyond a year from now", 365 * day, day, 0, true},
	} {
		until := extended(now.Add(tt.expiry), now, tt.by)
		if want := now.Add(tt.want).Truncate(time.Second); until.After(now.Add(longestTTL)) != tt.impossible || !tt.impossible && !until.Equal(want) {
			t.Errorf("%s: %v; want %v", tt.name, until, want)
		}
	}
}
