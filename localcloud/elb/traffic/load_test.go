package traffic

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// load is clients that send one request after the other.
type load struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	answers map[string]int       // by text
	latest  map[string]time.Time // when a request began that got the answer
}

// begin starts twelve clients with requests of 5 ms, and four with requests of 3 s. Half of each keep
// their connections alive.
func begin(dial func(context.Context) (net.Conn, error)) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, answers: map[string]int{}, latest: map[string]time.Time{}}
	for i := range 16 {
		transport := &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableKeepAlives: i%2 == 0,
		}
		url := "http://shop.localhost/5ms"
		if i >= 12 {
			url = "http://shop.localhost/3s"
		}
		l.wait.Go(func() {
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				began := time.Now()
				l.note(began, get(transport, url))
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return l
}

// get is not tried again by the client: an idle connection that breaks counts as a failure.
func get(transport http.RoundTripper, url string) string {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode != http.StatusOK:
		return resp.Status
	}
	return string(body)
}

func (l *load) note(began time.Time, answer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[answer]++
	if began.After(l.latest[answer]) {
		l.latest[answer] = began
	}
}

// end returns how many requests were answered and failed, and when the last began that the old
// version answered.
func (l *load) end() (answered, failed int, lastOld time.Time) {
	l.cancel()
	l.wait.Wait()
	for answer, n := range l.answers {
		if answer != "old" && answer != "new" {
			failed += n
		}
		answered += n
	}
	return answered, failed, l.latest["old"]
}

// move replaces four old instances by four new ones under load. The old ones are stopped when they
// have drained, or as soon as they are deregistered.
func move(t *testing.T, drained bool) (answered, failed int, late time.Duration) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		var stops []func()
		olds, news := []string{"i-1", "i-2", "i-3", "i-4"}, []string{"i-5", "i-6", "i-7", "i-8"}
		for i, id := range slices.Concat(olds, news) {
			version := "old"
			if i >= len(olds) {
				version = "new"
			}
			stops = append(stops, fleet.run(t, id, says(version)))
		}
		const lag, delay = 2 * time.Second, 10 * time.Second
		p := open(t, Config{Instances: &fleet, Speed: 20, Lag: lag})
		g := Group{ID: "g", Check: quick, Targets: targets(olds...)}
		p.Apply(shop(g))
		synctest.Wait()
		entry := listen()
		server := &http.Server{Handler: p.Router(http.NotFoundHandler())}
		go func() { _ = server.Serve(entry) }()
		defer server.Close()
		clients := begin(entry.dial)
		time.Sleep(2 * time.Second)

		g.Targets = append(targets(olds...), targets(news...)...)
		p.Apply(shop(g))
		for healthy := 0; healthy < 8; {
			time.Sleep(100 * time.Millisecond)
			healthy = 0
			for _, h := range p.Health("g") {
				if h.State == Healthy {
					healthy++
				}
			}
		}
		began := time.Now()
		g.Targets = append(left(targets(olds...), delay), targets(news...)...)
		p.Apply(shop(g))
		if drained {
			time.Sleep(delay)
		}
		for _, stop := range stops[:len(olds)] {
			stop()
		}
		time.Sleep(5 * time.Second)
		var last time.Time
		answered, failed, last = clients.end()
		late = last.Sub(began)
		if late > lag {
			t.Errorf("an old instance answered a request that began %s after it was deregistered", late)
		}
		t.Log(slices.Sorted(maps.Keys(clients.answers)), fmt.Sprintf("%d answered, %d failed", answered, failed))
	})
	return answered, failed, late
}

func TestNoRequestIsLostWhenInstancesAreReplaced(t *testing.T) {
	answered, failed, late := move(t, true)
	if failed != 0 || answered < 5000 {
		t.Errorf("%d of %d requests failed", failed, answered)
	}
	if late <= 0 {
		t.Error("within the lag no old instance answered, so the lag shows nothing")
	}
}

// The same without waiting for the draining must lose requests; otherwise the load shows nothing.
func TestRequestsAreLostWhenInstancesStopBeforeTheyHaveDrained(t *testing.T) {
	if answered, failed, _ := move(t, false); failed == 0 {
		t.Errorf("none of %d requests failed", answered)
	}
}
