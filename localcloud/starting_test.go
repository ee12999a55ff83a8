package localcloud

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/engine"
)

// visit gets the environment's URL once.
func (c *Cloud) visit(t *testing.T) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.urls.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop-login.localhost"
	return exchange(t, r)
}

func TestURLSaysThatItsEnvironmentIsStartingAfterARestart(t *testing.T) {
	first := start(t, Config{})
	deploy(t, first, "127.0.0.1:1/shop:1")
	awaitPage(t, first, "shop-login")
	stop(t, first)
	for _, tt := range []struct {
		outcome error
		status  int
		says    string
	}{
		{nil, http.StatusOK, "runs version one"},
		{engine.Fail("no database"), http.StatusServiceUnavailable, "did not come up. no database"},
	} {
		outcome, began := make(chan error), make(chan struct{})
		c := start(t, Config{Dir: first.cfg.Dir, Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error {
			close(began)
			return <-outcome
		}}})
		<-began
		resp, page := c.visit(t)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "2" || !strings.Contains(page, "is being started") {
			t.Errorf("the URL answers %s, %q, Retry-After %q", resp.Status, page, resp.Header.Get("Retry-After"))
		}
		outcome <- tt.outcome
		for end := time.Now().Add(5 * time.Minute); resp.StatusCode != tt.status || !strings.Contains(page, tt.says); resp, page = c.visit(t) {
			if time.Now().After(end) {
				t.Fatalf("the URL answers %s, %q, want %q", resp.Status, page, tt.says)
			}
		}
		if resp.Header.Get("Retry-After") != "" {
			t.Error("what has started, or has failed, asks to be asked again")
		}
		stop(t, c)
	}
}
