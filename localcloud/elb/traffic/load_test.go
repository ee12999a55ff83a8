package traffic

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/localcloud/pipes"
	"beansprout/test/load"
)

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
		const lag, delay = 2 * time.Second, 6 * time.Second
		p := open(t, Config{Instances: &fleet, Speed: 20, Lag: lag})
		g := Group{ID: "g", Check: quick, Targets: targets(olds...)}
		p.Apply(shop(g))
		synctest.Wait()
		entry := pipes.Listen()
		server := &http.Server{Handler: p.Router(http.NotFoundHandler())}
		go func() { _ = server.Serve(entry) }()
		defer server.Close()
		clients := load.Start(entry.Dial, load.Kind{Clients: 12, URL: "http://shop.localhost/5ms"}, load.Kind{Clients: 4, URL: "http://shop.localhost/3s"})
		time.Sleep(2 * time.Second)

		g.Targets = append(targets(olds...), targets(news...)...)
		p.Apply(shop(g))
		for p.Healthy()["g"] < 8 {
			time.Sleep(100 * time.Millisecond)
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
		time.Sleep(4 * time.Second)
		got := clients.Stop()
		answered, failed, late = got.All(), got.Failed("old", "new"), got.Latest["old"].Sub(began)
		if late > lag {
			t.Errorf("an old instance answered a request that began %s after it was deregistered", late)
		}
		t.Log(got.Answers)
	})
	return answered, failed, late
}

func TestNoRequestIsLostWhenInstancesAreReplaced(t *testing.T) {
	answered, failed, late := move(t, true)
	if failed != 0 || answered < 1000 {
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
