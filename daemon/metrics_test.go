package daemon

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
)

func TestMetricsCountWhatIsDueAndRed(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	environment := func(health string) *envs.Env { return &envs.Env{Health: health} }
	m := NewMetrics()
	m.swept("shop", janitor.Report{Now: now, Decisions: []janitor.Decision{
		{Env: environment("Green"), Action: janitor.Keep, Expiry: now.Add(25 * time.Hour)},
		{Env: environment("Red"), Action: janitor.Keep, Expiry: now.Add(23 * time.Hour)},
		{Env: environment("Green"), Action: janitor.Wait, Expiry: now.Add(-time.Hour)},
		{Env: environment("Red"), Action: janitor.Removed, Expiry: now.Add(-time.Hour)},
		{Env: environment("Green"), Action: janitor.Keep},
	}}, nil)
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`beansprout_environments_due{application="shop"} 2`, `beansprout_environments_red{application="shop"} 1`} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}
