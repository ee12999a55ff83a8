package traffic

import (
	"testing"
	"testing/synctest"
	"time"
)

// pair starts a plane with one group of two healthy targets, a and b.
func pair(t *testing.T, c Config) (*Plane, Group) {
	t.Helper()
	fleet := &fleet{}
	fleet.run(t, "a", says("a"))
	fleet.run(t, "b", says("b"))
	c.Instances = fleet
	p := open(t, c)
	g := Group{ID: "g", Check: quick, Targets: targets("a", "b")}
	p.Apply(shop(g))
	synctest.Wait()
	return p, g
}

func TestADrainingTargetEndsItsRequestsAndGetsNoNewOnes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{})
		busy := make(chan string)
		go func() { busy <- p.ask("/9s") }()
		synctest.Wait()
		g.Targets = append(left(targets("a"), 10*time.Second), targets("b")...)
		p.Apply(shop(g))
		for range 4 {
			same(t, "a new request", p.ask("/"), "200 b")
		}
		same(t, "the open request", <-busy, "200 a")
		same(t, "idle, before the delay is over", p.states("g"), "a:draining:Target.DeregistrationInProgress b:healthy")
		time.Sleep(time.Second + time.Millisecond)
		same(t, "after the delay", p.states("g"), "b:healthy")
	})
}

func TestRequestsAreCutAtTheEndOfTheDelay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{})
		busy := make(chan string)
		go func() { busy <- p.ask("/9s") }()
		synctest.Wait()
		g.Targets = append(left(targets("a"), 5*time.Second), targets("b")...)
		p.Apply(shop(g))
		before := time.Now()
		same(t, "the open request", <-busy, "502")
		same(t, "cut after", time.Since(before), 5*time.Second)
	})
}

func TestADrainingTargetThatIsRegisteredAgainKeepsItsRequests(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{})
		busy := make(chan string)
		go func() { busy <- p.ask("/9s") }()
		synctest.Wait()
		g.Targets = append(left(targets("a"), 5*time.Second), targets("b")...)
		p.Apply(shop(g))
		time.Sleep(time.Second)
		g.Targets = targets("a", "b")
		p.Apply(shop(g))
		synctest.Wait()
		same(t, "registered again", p.states("g"), "a:healthy b:healthy")
		same(t, "the open request", <-busy, "200 a")
	})
}

func TestWithALagADrainingTargetStillGetsNewRequests(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{Lag: 2 * time.Second})
		g.Targets = append(left(targets("a"), 10*time.Second), targets("b")...)
		p.Apply(shop(g))
		time.Sleep(2*time.Second - time.Millisecond)
		if first, second := p.ask("/"), p.ask("/"); first == second {
			t.Errorf("within the lag: %s, %s", first, second)
		}
		time.Sleep(time.Millisecond)
		for range 4 {
			same(t, "after the lag", p.ask("/"), "200 b")
		}
	})
}

func TestAllDraining(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{})
		g.Targets = left(targets("a", "b"), 10*time.Second)
		p.Apply(shop(g))
		same(t, "a new request", p.ask("/"), "503") // no fail open to those that leave
	})
}

// What other calls change leaves health and draining as they are.
func TestATableWithTheSameTargetsChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p, g := pair(t, Config{})
		g.Targets = append(left(targets("a"), 10*time.Second), targets("b")...)
		for range 12 {
			p.Apply(shop(g))
			same(t, "states", p.states("g"), "a:draining:Target.DeregistrationInProgress b:healthy")
			time.Sleep(time.Second / 2)
		}
		other := shop(g)
		other.Groups[0].LeastOutstanding = true
		p.Apply(other)
		same(t, "with another algorithm", p.states("g"), "a:draining:Target.DeregistrationInProgress b:healthy")
		other.Groups[0].Check.Path = "/0s"
		p.Apply(other)
		if got := p.Health("g")[1].State; got != Initial {
			t.Errorf("with another check: %s", got)
		}
	})
}
