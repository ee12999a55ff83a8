package board

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
)

// read returns how often the cloud was read.
func (c *cloud) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

func TestNothingIsReadWhileNoOneLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		time.Sleep(time.Hour)
		if n := p.read(); n != 0 {
			t.Errorf("%d readings, and no one has looked", n)
		}
		p.get(t, "/")
		if n := p.read(); n != 1 {
			t.Errorf("%d readings for the first page", n)
		}
		time.Sleep(interval - time.Second)
		p.get(t, "/")
		if n := p.read(); n != 1 {
			t.Errorf("%d readings for a page soon after the first one", n)
		}
		time.Sleep(time.Hour)
		after := p.read()
		if after > 2 {
			t.Errorf("%d readings after the last look", after-1)
		}
		if p.get(t, "/"); p.read() != after+1 {
			t.Errorf("a page an hour later made %d readings", p.read()-after)
		}
	})
}

func TestAStreamHasTheSourceReadEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		var all []*listener
		for range 50 {
			all = append(all, p.listen(t, "/changes"))
		}
		time.Sleep(10*interval + time.Second)
		if n := p.read(); n != 11 {
			t.Errorf("%d readings in ten intervals, for fifty streams", n)
		}
		for _, l := range all {
			l.stop()
		}
		before := p.read()
		time.Sleep(time.Hour)
		if n := p.read() - before; n > 1 {
			t.Errorf("%d readings after the last stream", n)
		}
	})
}

func TestPagesThatWaitShareAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.set(func(c *cloud) { c.takes = 2 * time.Second })
		began := time.Now()
		var waiting sync.WaitGroup
		for range 50 {
			waiting.Go(func() {
				if text := p.get(t, "/").Body.String(); !strings.Contains(text, "login") {
					t.Errorf("a page was made before there was something to show: %s", text)
				}
			})
		}
		waiting.Wait()
		if n, took := p.read(), time.Since(began); n != 1 || took != 2*time.Second {
			t.Errorf("%d readings and %v for 50 pages at once", n, took)
		}
	})
}

func TestWhatHasBeenDoneIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.board.Changed()
		time.Sleep(time.Minute)
		if n := p.read(); n != 0 {
			t.Errorf("%d readings, and no one has looked", n)
		}
		p.get(t, "/")
		l := p.listen(t, "/changes")
		time.Sleep(time.Second)
		p.set(func(c *cloud) { c.snapshot.Environments[0].Owner, c.takes = "Ann", time.Second })
		p.board.Changed()
		if text := p.get(t, "/").Body.String(); !strings.Contains(text, "Ann") {
			t.Errorf("the page shows what was: %s", text)
		}
		if synctest.Wait(); !strings.Contains(l.text(), "Ann") {
			t.Errorf("the open page is not told: %s", l.text())
		}
		before := p.read()
		p.set(func(c *cloud) { c.takes = 0 })
		for range 100 {
			p.board.Changed()
			time.Sleep(100 * time.Millisecond)
		}
		if n := p.read() - before; n < 9 || n > 11 {
			t.Errorf("%d readings for a hundred deeds in ten seconds", n)
		}
		before = p.read()
		p.set(func(c *cloud) { c.err, c.takes = errors.New("Throttling"), 0 })
		for range 100 {
			p.board.Changed()
			time.Sleep(100 * time.Millisecond)
		}
		if n := p.read() - before; n > 3 {
			t.Errorf("%d readings in ten seconds while AWS can't be read", n)
		}
	})
}

func TestAPageDoesNotWaitLongForAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.get(t, "/")
		time.Sleep(time.Minute)
		p.set(func(c *cloud) { c.takes = 20 * time.Second })
		began := time.Now()
		if text := p.get(t, "/").Body.String(); !strings.Contains(text, "login") || time.Since(began) != staleTime {
			t.Errorf("after %v the page is %s", time.Since(began), text)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.set(func(c *cloud) { c.takes = time.Hour })
		began := time.Now()
		if w := p.get(t, "/"); w.Code != http.StatusOK || time.Since(began) != firstTime {
			t.Errorf("after %v the first page answers %d", time.Since(began), w.Code)
		}
		time.Sleep(readTime)
		if text := p.get(t, "/").Body.String(); !strings.Contains(text, "it took longer than 45s") {
			t.Errorf("a reading that never ends is told as %s", text)
		}
	})
}

func TestWhatCannotBeReadIsShownAsItWasAndReadLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		l := p.listen(t, "/changes")
		time.Sleep(time.Second)
		p.set(func(c *cloud) { c.err = errors.New("Throttling: Rate exceeded\nat all") })
		before := p.read()
		time.Sleep(10 * time.Minute)
		if n := p.read() - before; n < 10 || n > 15 {
			t.Errorf("%d readings in ten minutes that all fail", n)
		}
		text := p.get(t, "/").Body.String()
		for _, want := range []string{"login", "Throttling: Rate exceeded at all", midnight.Add(interval).Format(time.RFC3339)} {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %q:\n%s", want, text)
			}
		}
		if !strings.Contains(l.text(), "Rate exceeded") {
			t.Errorf("open pages are not told: %s", l.text())
		}
		p.set(func(c *cloud) { c.err = nil })
		time.Sleep(slowest)
		if text := p.get(t, "/").Body.String(); strings.Contains(text, "Rate exceeded") {
			t.Errorf("the page says still that AWS can't be read:\n%s", text)
		}
		before = p.read()
		time.Sleep(10*interval + time.Second)
		if n := p.read() - before; n < 10 {
			t.Errorf("%d readings in ten intervals after a failure", n)
		}
	})
}

func TestAPanicOfASourceIsAFailureOfIts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.set(func(c *cloud) { c.panics = true })
		if text := p.get(t, "/").Body.String(); !strings.Contains(text, "panic: no cloud") {
			t.Errorf("the page is %s", text)
		}
	})
}

func TestOneSourceDoesNotHoldUpAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := &cloud{snapshot: envs.Snapshot{}, takes: time.Hour}
		source := other.source()
		source.Application = "forum"
		p := newPlot(t, Config{Sources: []Source{source}}, environment("login"))
		p.set(func(c *cloud) { c.takes = time.Second }) // it ends after the stream has begun
		l := p.listen(t, "/changes")
		time.Sleep(2 * time.Second)
		if !strings.Contains(l.text(), "login") {
			t.Errorf("what was read is not sent: %s", l.text())
		}
		time.Sleep(2 * readTime)
		if !strings.Contains(l.text(), "The environments of forum can") {
			t.Errorf("it is not told what can't be read: %s", l.text())
		}
	})
}

func TestAClockThatIsOffIsToldAndNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlot(t, Config{}, environment("login"))
		p.set(func(c *cloud) { c.ahead = 30 * time.Hour })
		text := p.get(t, "/").Body.String()
		for _, want := range []string{"is 30h off", "expires in 40h", midnight.Add(30 * time.Hour).Format(time.RFC3339), ">3d"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %q:\n%s", want, text)
			}
		}
	})
}

func TestTheLastSweepIsQuotedWhereItKnowsMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login, search := environment("login"), environment("search")
		p := newPlot(t, Config{}, login, search)
		p.board.Swept("shop", "us-east-1", janitor.Report{Now: midnight, Decisions: []janitor.Decision{
			{Env: &login.Env, Action: janitor.Failed, Err: errors.New("remove environment: denied\nat once")},
			{Env: &search.Env, Action: janitor.Keep, Reason: "expires in 4d"},
		}})
		text := p.get(t, "/").Body.String()
		if !strings.Contains(text, "by the last sweep at 2000-01-01T00:00:00Z: failed, remove environment: denied") || strings.Contains(text, "expires in 4d") {
			t.Errorf("the page is %s", text)
		}
	})
}

func TestManyChangesLeaveNoMemoryBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []envs.Environment
		for i := range 3 {
			all = append(all, environment(fmt.Sprintf("feature-%d", i)))
		}
		p := newPlot(t, Config{}, all...)
		h, f := p.board.hub, p.board.hub.feeds[0]
		for n := range departureLimit + 500 {
			one := environment(fmt.Sprintf("short-lived-%d", n))
			p.set(func(c *cloud) { c.snapshot.Environments = append(all[:len(all):len(all)], one) })
			h.read(context.Background(), f)
		}
		s, _ := h.current()
		if len(s.gone) != departureLimit || len(s.lines) != 4 || len(s.byKey) != 4 || len(s.subjects) != 4 || len(f.lines) != 4 {
			t.Errorf("%d departures, %d lines", len(s.gone), len(s.lines))
		}
		if _, _, ok := s.since(1); ok {
			t.Error("what has changed since the beginning is not known any more")
		}
		if changed, gone, ok := s.since(s.seq - 10); !ok || len(changed) != 1 || len(gone) != 10 {
			t.Errorf("of ten changes %d rows and %d departures are known: %v", len(changed), len(gone), ok)
		}
	})
}
