package main

import (
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
)

func TestANewFeatureLearnsFromOthersHowLongALaunchTakes(t *testing.T) {
	for _, tt := range []struct {
		name        string
		application string // of the other
		launch      float64
		want        time.Duration
	}{
		{"another feature's", "shop", 243.5, 243500 * time.Millisecond},
		{"nothing that can be believed", "shop", 1e12, 0},
		{"less than nothing", "shop", -3, 0},
		{"another application's", "forum", 12, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := toCloud(t, emptyCloud(t, localcloud.Config{}), nil)
			var err error
			if d.ledger, err = d.clients.ledger(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			_, err = d.ledger.Change(t.Context(), envs.Name(d.account, tt.application, "other"), func(r *ledger.Record) {
				r.SpeakOf("e-other")
				r.Durations = map[string]float64{"launch": tt.launch}
				r.Shrink(nil) // it has gone since
			})
			if err != nil {
				t.Fatal(err)
			}
			if d.compareNotes(t.Context()); d.usual("launch") != tt.want {
				t.Errorf("usual = %s, want %s", d.usual("launch"), tt.want)
			}
		})
	}
}
