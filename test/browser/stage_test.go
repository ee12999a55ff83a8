//go:build !race

package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/daemon/board"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/janitor"
	"beansprout/test/must"
)

// stage is a board whose environments are what a test says.
type stage struct {
	testing.TB
	url    string
	server *httptest.Server

	mu       sync.Mutex
	snapshot envs.Snapshot
	ahead    time.Duration // of AWS's clock
	down     bool          // no request is answered
	err      error         // of readings
	events   []string      // of AWS, of each environment
	reads    int
	readAt   time.Time         // when the first reading since a change ended
	streams  int               // that are open
	sent     map[string]string // the form that was sent to /act
}

// newStage opens a board for these environments.
func newStage(t testing.TB, s envs.Snapshot) *stage {
	t.Helper()
	st := &stage{TB: t, snapshot: s}
	b := board.New(board.Config{
		Live: true, Viewer: func(*http.Request) string { return "Kim" },
		Sources: []board.Source{{Application: "shop", Region: "us-east-1", Read: st.read, Judge: judge, Events: st.happened, Versions: versions, Logs: logs}},
	})
	mux := http.NewServeMux()
	b.Routes(mux)
	mux.HandleFunc("POST /act", st.act)
	st.server = httptest.NewServer(st.count(mux))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; st.server.Close() })
	st.url = st.server.URL
	return st
}

// count counts the streams that are open.
func (s *stage) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		down := s.down
		s.mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/changes" {
			s.change(func() { s.streams++ })
			defer s.change(func() { s.streams-- })
		}
		next.ServeHTTP(w, r)
	})
}

// change changes what the stage shows or does from now on.
func (s *stage) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// open returns how many streams are open.
func (s *stage) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

func (s *stage) read(context.Context) (envs.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	now := s.snapshot
	now.Now = time.Now().UTC().Add(s.ahead)
	now.Environments, now.Removed = slices.Clone(now.Environments), slices.Clone(now.Removed)
	if s.readAt.IsZero() {
		s.readAt = time.Now()
	}
	return now, s.err
}

func (s *stage) happened(context.Context, envs.Environment, time.Time) (all []beanstalk.Event, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, text := range s.events {
		severity, message, _ := strings.Cut(text, " ")
		all = append(all, beanstalk.Event{Time: time.Now().Add(-time.Duration(i) * time.Minute), Severity: severity, Message: message})
	}
	return all, nil
}

// act notes a form, and answers as the daemon does: with the page of the feature.
func (s *stage) act(w http.ResponseWriter, r *http.Request) {
	fields := map[string]string{}
	if err := r.ParseForm(); err != nil {
		s.Error(err)
	}
	for name := range r.PostForm {
		fields[name] = r.PostForm.Get(name)
	}
	s.change(func() { s.sent = fields })
	http.Redirect(w, r, board.Address(fields["application"], fields["feature"], fields["name"]), http.StatusSeeOther)
}

// asking waits for a form, and returns it.
func (s *stage) asking() (fields map[string]string) {
	s.Helper()
	must.Wait(s, "a form is sent", func() bool {
		s.change(func() { fields = s.sent })
		return fields != nil
	})
	return fields
}

// judge says what a sweep would say, by the clock alone.
func judge(e envs.Environment, now time.Time) janitor.Decision {
	d := janitor.Decision{Env: &e.Env, Action: janitor.Keep, Reason: "expires " + envs.Until(e.Expires, now), Expiry: e.Expires}
	switch by := e.Protection(); {
	case by != "":
		d.Reason = by
	case e.Expires.Before(now):
		d.Action, d.Reason = janitor.Remove, "its days are over"
	}
	return d
}

func logs(context.Context, envs.Environment) (string, error) {
	return strings.Join(hostile, "\n") + "\n" + strings.Repeat("panic: no database; ", 100), nil
}

func versions(_ context.Context, e envs.Environment) ([]envs.Version, error) {
	return []envs.Version{
		{Label: e.Version, Commit: e.Commit, State: envs.VersionRunning, Created: e.Created, Owner: e.Owner},
		{Label: e.Name + "-before", Commit: strings.Repeat("b", 40), State: envs.VersionRestorable, Created: e.Created, Owner: e.Owner},
	}, nil
}
