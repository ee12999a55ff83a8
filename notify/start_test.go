package notify

import (
	"testing"
	"time"

	"beansprout/notify/notifytest"
)

// start returns a fake Slack and a client of it that posts to #qa, as fast as it can.
func start(t *testing.T) (*notifytest.Server, *Slack) {
	t.Helper()
	server := notifytest.New()
	t.Cleanup(server.Close)
	s := New(notifytest.Token+"\n", server.URL, "#qa", nil)
	s.limiter.posts, s.limiter.updates, s.Limit = rate{}, rate{}, time.Minute
	return server, s
}

// timed is start in a bubble of testing/synctest, where time passes only while all wait.
func timed(t *testing.T) (*notifytest.Server, *Slack) {
	t.Helper()
	server, client := notifytest.NewInMemory()
	t.Cleanup(server.Close)
	t.Cleanup(client.CloseIdleConnections)
	s := New(notifytest.Token, server.URL, "#qa", client)
	s.limiter.posts, s.limiter.updates = rate{}, rate{}
	return server, s
}

// announce announces and fails the test on an error.
func announce(t *testing.T, s *Slack, ref Ref, p Post) Ref {
	t.Helper()
	ref, err := s.Announce(t.Context(), ref, p)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
