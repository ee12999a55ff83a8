package background

import (
	"slices"
	"testing"
)

func TestTheBrowserIsWhatTheDesktopSays(t *testing.T) {
	const url = "http://shop-login.example"
	for _, tt := range []struct {
		name, system string
		env          map[string]string
		want         []string
	}{
		{"no screen", "linux", nil, nil},
		{"X", "linux", map[string]string{"DISPLAY": ":0"}, []string{"xdg-open", url}},
		{"Wayland", "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, []string{"xdg-open", url}},
		{"macOS", "darwin", nil, []string{"open", url}},
		{"$BROWSER", "linux", map[string]string{"BROWSER": "firefox"}, []string{"firefox", url}},
		{"$BROWSER on macOS", "darwin", map[string]string{"BROWSER": "firefox -P qa"}, []string{"firefox", "-P", "qa", url}},
		{"$BROWSER with a place", "linux", map[string]string{"BROWSER": "chromium --app=%s:w3m"}, []string{"chromium", "--app=" + url}},
		{"$BROWSER that a shell would run", "linux", map[string]string{"BROWSER": "sh;$(x) `y`"}, []string{"sh;$(x)", "`y`", url}},
		{"a blank $BROWSER", "linux", map[string]string{"BROWSER": " "}, nil},
	} {
		getenv := func(name string) string { return tt.env[name] }
		if got := Browser(tt.system, getenv, url); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
