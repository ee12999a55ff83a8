// Package traffic is the part of the load balancers that requests pass through: it chooses a rule
// and a healthy target for each request, asks the targets for their health, and drains those that
// were deregistered. It knows no protocol of AWS. A [Table] says what there is, and is replaced as a
// whole.
package traffic

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// ErrNotRunning is reported by [Instances] for an instance that does not run.
var ErrNotRunning = errors.New("the instance does not run")

// Instances reaches the instances behind targets.
type Instances interface {
	// Dial connects to a port of an instance. It returns ErrNotRunning if the instance does not run.
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
}

// Config configures a Plane.
type Config struct {
	Instances Instances
	Now       func() time.Time
	Sleep     func(ctx context.Context, d time.Duration) error // of Now's time
	Speed     int                                              // divides the intervals of health checks; 0 = 1
	Lag       time.Duration                                    // how long a deregistered target still gets new requests
	Patience  time.Duration                                    // how long a target may take to answer; 0 = a minute
}

// Table is what a Plane serves.
type Table struct {
	Balancers []Balancer
	Groups    []Group
}

// Balancer is a load balancer. It answers at Host.localhost and at all names under that.
type Balancer struct {
	Host      string
	Listeners []Listener
}

// Listener is a port of a load balancer. The first rule that matches decides; the last one matches
// all requests.
type Listener struct {
	Port  int
	Rules []Rule
}

// Rule says what happens to the requests whose host and path match one of the patterns each. No
// pattern matches everything. A rule without an Answer forwards.
type Rule struct {
	Hosts, Paths []string
	Forward      []Share
	Answer       *Answer
}

// Share is a group and its share of the requests.
type Share struct {
	Group  string
	Weight int
}

// Answer is given without asking a target.
type Answer struct {
	Status     int
	Type, Body string
}

// Group is a target group.
type Group struct {
	ID               string
	Check            Check
	LeastOutstanding bool // choose the target with the fewest open requests
	Targets          []Target
}

// Target is a port of an instance.
type Target struct {
	Instance string
	Address  string // shown to the application in the Host of health checks
	Port     int
	// Deregistered and Until are zero for a registered target. Otherwise the target is draining:
	// its open requests are cut and it is forgotten at Until.
	Deregistered, Until time.Time
}

// Plane serves a table. [New] returns one.
type Plane struct {
	Config
	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wait   sync.WaitGroup // for all goroutines of the plane

	mu        sync.Mutex
	balancers map[string]Balancer // by host; replaced and never changed
	groups    map[string]*group   // by id; what is in them is guarded by mu as well
}

// New returns a plane with an empty table. [Plane.Close] ends its health checks.
func New(c Config) *Plane {
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	p := &Plane{Config: c, groups: map[string]*group{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Close ends the health checks and cuts the open requests.
func (p *Plane) Close() {
	p.cancel()
	p.Apply(Table{})
	p.wait.Wait()
}

// Apply replaces the table. A target that was there keeps its health, and its open requests go on.
func (p *Plane) Apply(table Table) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.balancers = map[string]Balancer{}
	for _, b := range table.Balancers {
		p.balancers[b.Host] = b
	}
	used, before := table.used(), p.groups
	p.groups = map[string]*group{}
	for _, wanted := range table.Groups {
		g := before[wanted.ID]
		if g == nil {
			g = &group{plane: p}
		}
		g.become(wanted, used[wanted.ID])
		p.groups[wanted.ID] = g
		delete(before, wanted.ID)
	}
	for _, g := range before {
		g.become(Group{}, false)
	}
}

// used returns the groups that rules name, even with weight 0.
func (t Table) used() map[string]bool {
	used := map[string]bool{}
	for _, b := range t.Balancers {
		for _, l := range b.Listeners {
			for _, r := range l.Rules {
				for _, s := range r.Forward {
					used[s.Group] = true
				}
			}
		}
	}
	return used
}

// Health returns the health of the group's targets, in their order.
func (p *Plane) Health(id string) (all []Health) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[id]
	if g == nil {
		return nil
	}
	for _, t := range g.targets {
		all = append(all, Health{Instance: t.Instance, Port: t.Port, Status: g.shown(t)})
	}
	return all
}

// Health is the health of one target.
type Health struct {
	Instance string
	Port     int
	Status
}

// Healthy returns how many healthy targets each group has, by id.
func (p *Plane) Healthy() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := map[string]int{}
	for id, g := range p.groups {
		count[id] = 0
		for _, t := range g.targets {
			if g.shown(t).State == Healthy {
				count[id]++
			}
		}
	}
	return count
}
