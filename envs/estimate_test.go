package envs

import (
	"testing"
	"time"

	"beansprout/envs/store"
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
			p := newPlot(t, localcloud.Config{}, nil)
			account, err := p.manager.Account(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.store().Change(t.Context(), Name(account, tt.application, "other"), func(r *store.Record) {
				r.SetEnvironment("e-other")
				r.Durations = map[string]float64{"launch": tt.launch}
				r.MakeTombstone(nil) // it has gone since
			})
			if err != nil {
				t.Fatal(err)
			}
			rec := store.Record{Durations: p.newDeploy(nil).run.durationsOfPeers(t.Context())}
			if got := estimate(rec, "launch"); got != tt.want {
				t.Errorf("estimate = %s, want %s", got, tt.want)
			}
		})
	}
}
