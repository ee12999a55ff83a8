package traffic

import (
	"context"
	"math/rand/v2"
	"net/http/httputil"
	"slices"
	"time"
)

// group is a target group at work. Its plane's mutex guards it, and its targets.
type group struct {
	plane *Plane
	Group
	used    bool // whether a rule names it
	targets []*target
	turn    int // counts the choices, so that the targets take turns
}

// target is a target at work.
type target struct {
	Target
	verdict Status // of the health checks
	good    int    // consecutive successes
	bad     int    // consecutive failures
	open    int    // requests that wait for an answer or read it

	proxy *httputil.ReverseProxy
	until context.Context // ends the open requests
	cut   context.CancelFunc
	stop  context.CancelFunc // ends its health checks or its draining; nil if there are none
}

type key struct {
	instance string
	port     int
}

func (t Target) key() key { return key{t.Instance, t.Port} }

func (t Target) draining() bool { return !t.Until.IsZero() }

// become makes the group what the table says.
func (g *group) become(wanted Group, used bool) {
	before := map[key]*target{}
	for _, t := range g.targets {
		before[t.key()] = t
	}
	checked := g.used && used && g.Check == wanted.Check
	g.Group, g.used, g.targets = wanted, used, nil
	for _, w := range wanted.Targets {
		t := before[w.key()]
		if t == nil {
			t = g.plane.newTarget(w)
		}
		g.change(t, w, checked)
		g.targets = append(g.targets, t)
		delete(before, w.key())
	}
	for _, t := range before {
		t.end()
	}
}

// change makes the target what the table says. checked reports whether its health checks may go on.
func (g *group) change(t *target, wanted Target, checked bool) {
	same := t.stop != nil && t.Target == wanted
	if same && (checked || wanted.draining()) {
		return
	}
	t.Target = wanted
	t.halt()
	switch {
	case wanted.draining():
		t.stop = g.plane.start(func(ctx context.Context) { g.drain(ctx, t, wanted.Until) })
	case g.used:
		t.verdict, t.good, t.bad = registering, 0, 0
		check := g.Check
		t.stop = g.plane.start(func(ctx context.Context) { g.watch(ctx, t, wanted, check) })
	default:
		t.verdict = unproved
	}
}

// start runs f until it is stopped.
func (p *Plane) start(f func(context.Context)) (stop context.CancelFunc) {
	ctx, stop := context.WithCancel(p.ctx)
	p.wait.Go(func() {
		defer stop()
		f(ctx)
	})
	return stop
}

func (t *target) halt() {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

// end stops all that the target does and cuts its open requests.
func (t *target) end() {
	t.halt()
	t.cut()
}

// drain waits for the end of the draining and forgets the target.
func (g *group) drain(ctx context.Context, t *target, until time.Time) {
	if g.plane.Sleep(ctx, until.Sub(g.plane.Now())) != nil {
		return
	}
	g.plane.mu.Lock()
	defer g.plane.mu.Unlock()
	if ctx.Err() != nil { // registered again meanwhile
		return
	}
	t.cut()
	g.targets = slices.DeleteFunc(g.targets, func(other *target) bool { return other == t })
}

// acquire chooses the target for a request, to be released after it. It returns nil if the rule's
// group has none.
func (p *Plane) acquire(shares []Share) *target {
	id := choose(shares)
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[id]
	if g == nil {
		return nil
	}
	t := g.choose(p.Now())
	if t != nil {
		t.open++
	}
	return t
}

func (p *Plane) release(t *target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.open--
}

// choose returns a group by weight, and "" if all weights are 0.
func choose(shares []Share) string {
	sum := 0
	for _, s := range shares {
		sum += s.Weight
	}
	if sum == 0 {
		return ""
	}
	n := rand.IntN(sum)
	for _, s := range shares {
		if n -= s.Weight; n < 0 {
			return s.Group
		}
	}
	return ""
}

// choose returns the target whose turn it is, or the one with the fewest open requests.
func (g *group) choose(now time.Time) *target {
	able := g.able(now)
	if len(able) == 0 {
		return nil
	}
	first := g.turn % len(able)
	g.turn++
	chosen := able[first]
	if !g.LeastOutstanding {
		return chosen
	}
	for i := range able {
		if t := able[(first+i)%len(able)]; t.open < chosen.open {
			chosen = t
		}
	}
	return chosen
}

// able returns the healthy targets. If none is healthy, it returns all: the load balancer fails
// open.
func (g *group) able(now time.Time) []*target {
	var healthy, all []*target
	for _, t := range g.targets {
		if t.draining() && !now.Before(t.Deregistered.Add(g.plane.Lag)) || t.verdict.State == Unused {
			continue
		}
		all = append(all, t)
		if t.verdict.State == Healthy {
			healthy = append(healthy, t)
		}
	}
	if healthy == nil {
		return all
	}
	return healthy
}
