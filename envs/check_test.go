package envs

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failing answers the first request with status 500, and no other.
type failing struct{ requests int }

// RoundTrip implements http.RoundTripper.
func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.requests++; f.requests > 1 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: 500, Status: "500 Internal Server Error", Body: http.NoBody, Request: r}, nil
}

func TestACheckThatIsOverTellsTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Manager{http: &http.Client{Transport: &failing{}}}
		err := m.askURL(t.Context(), "http://shop.test", HealthCheck{Path: "/", Timeout: 5 * time.Second}, Options{})
		if err == nil || !strings.Contains(err.Error(), "after that it answers 500 Internal Server Error") {
			t.Errorf("got %v", err)
		}
	})
}
