//go:build !race

package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/test/must"
)

var screenshots = flag.String("screenshots", "", "write pictures of the pages into this directory")

// TestScreenshots writes a picture of each state in which the board is looked at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("make screenshots writes them")
	}
	must.Succeed(t, os.MkdirAll(*screenshots, 0o755))
	now := time.Now()
	s, hard, none, f := newStage(t, crowd(40, now)), newStage(t, rabble(now)), newStage(t, envs.Snapshot{}), newFarm(t)
	s.events = []string{"ERROR Failed to deploy application.", "WARN Environment health has transitioned from Ok to Severe.", "INFO Environment update is starting."}
	for _, shot := range []struct {
		name, address string
		width         int64
		dark          bool
	}{
		{"list", s.url, 1400, false},
		{"list-dark", s.url + "/?sort=expires", 1400, true},
		{"list-phone", s.url, 360, false},
		{"feature", s.url + "/features/shop/feature/0003-basket", 1400, false},
		{"feature-phone-dark", s.url + "/features/shop/feature/0011-basket", 360, true},
		{"hostile", hard.url, 1400, false},
		{"hostile-phone", hard.url, 360, false},
		{"empty", none.url, 1400, false},
		{"login", f.url + "/login", 1400, false},
	} {
		p := blank(t)
		p.Look(shot.width, shot.dark)
		p.Open(shot.address)
		p.Wait("the page", `document.querySelector("h1")`)
		must.Succeed(t, os.WriteFile(filepath.Join(*screenshots, shot.name+".png"), p.Screenshot(), 0o644))
	}
}
