package localcloud

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
)

// crowdSize is how many environments the test runs. The soak test runs 50.
func crowdSize() int {
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		return 50
	}
	return 12
}

func TestManyEnvironmentsStartAnswerAndStop(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	docker, n := newDocker(t), crowdSize()
	starts := &starts{}
	c := start(t, Config{Docker: true, Log: slog.New(starts)})
	t.Cleanup(func() { wipe(t, c, docker) })
	began := time.Now()
	deploy(t, c, docker.push(t, c))
	eb := crowdClient(t, c)
	for i := range n - 1 {
		launchOne(t, eb, fmt.Sprintf("load-%d", i), "one")
	}
	awaitStatus(t, eb, ebtypes.EnvironmentStatusReady, n)
	up := time.Since(began)
	if got := docker.containers(t, c); got != n {
		t.Errorf("%d containers run, want %d", got, n)
	}
	for i := range n - 1 {
		name := fmt.Sprintf("load-%d", i)
		if status, body := askURL(t, c, name); status != http.StatusOK || !strings.Contains(body, "version="+name+" ") {
			t.Errorf("%s answers %d %s", name, status, body)
		}
	}
	began = time.Now()
	for _, e := range describeAll(t, eb, 0) {
		if _, err := eb.TerminateEnvironment(t.Context(), &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId}); err != nil {
			t.Fatal(err)
		}
	}
	awaitStatus(t, eb, ebtypes.EnvironmentStatusTerminated, n)
	if containers, networks := docker.containers(t, c), docker.networks(t, c); containers+networks != 0 {
		t.Errorf("%d containers and %d networks are left", containers, networks)
	}
	t.Logf("%d environments: up in %s, away in %s, at most %d starting at once", n, up, time.Since(began), starts.most())
	if got, bound := starts.most(), 2*runtime.NumCPU(); len(starts.spans) != n || got > bound {
		t.Errorf("%d starts, %d at once; want %d, at most %d at once", len(starts.spans), got, n, bound)
	}
}

func (d dockerEngine) networks(t *testing.T, c *Cloud) int {
	t.Helper()
	found, err := d.NetworkList(context.Background(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "beansprout.local="+c.id.ID))})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// starts reads in the engine's log how long each generation took from its start to its answer.
type starts struct {
	mu    sync.Mutex
	spans []span
}

type span struct{ began, ended time.Time }

func (s *starts) Enabled(context.Context, slog.Level) bool { return true }
func (s *starts) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *starts) WithGroup(string) slog.Handler            { return s }

func (s *starts) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "generation answers" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "ms" {
			took := time.Duration(a.Value.Int64()) * time.Millisecond
			s.spans = append(s.spans, span{r.Time.Add(-took), r.Time})
		}
		return true
	})
	return nil
}

// most returns how many were starting at the same time.
func (s *starts) most() (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type step struct {
		at time.Time
		by int
	}
	var steps []step
	for _, one := range s.spans {
		steps = append(steps, step{one.began, 1}, step{one.ended, -1})
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), a.by-b.by) })
	now := 0
	for _, s := range steps {
		now += s.by
		most = max(most, now)
	}
	return most
}
