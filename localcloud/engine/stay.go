package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// compare finds the containers of the generation that serves, and decides which of them stay.
func (e *Engine) compare(ctx context.Context, s *site, g *generation) error {
	now, serving := s.current()
	if !serving || now == "" {
		return nil
	}
	g.predecessor = now
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelEnvironment, g.Environment)})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for _, c := range list {
		if slices.Contains(e.generations(c), now) {
			g.before = append(g.before, c)
		}
	}
	same := unchanged(g.units, g.before)
	g.stays = map[string]bool{}
	for _, u := range g.units {
		c, found := g.earlier(u.name)
		well := c.State == container.StateRunning && !strings.Contains(c.Status, "("+container.Unhealthy+")")
		g.stays[u.name] = found && same[u.name] && well && len(u.networks) > 0
	}
	return nil
}

// earlier returns the container that a unit has in the generation before, a running one if possible.
func (g *generation) earlier(name string) (found container.Summary, ok bool) {
	for _, c := range g.before {
		if c.Labels[labelContainer] == name && (!ok || c.State == container.StateRunning) {
			found, ok = c, true
		}
	}
	return found, ok
}

// unchanged returns which units are as they were. A unit that only follows another one that changes
// counts as changed.
func unchanged(units []unit, before []container.Summary) map[string]bool {
	g := generation{before: before}
	same := map[string]bool{}
	for _, u := range units {
		c, found := g.earlier(u.name)
		same[u.name] = found && u.hash != "" && c.Labels[labelHash] == u.hash
	}
	for _, u := range units {
		if u.shares != "" { // two of them cannot use one network interface
			same[u.name], same[u.shares] = false, false
		}
	}
	for again := true; again; {
		again = false
		for _, u := range units {
			if same[u.name] && u.follows(units, same) {
				same[u.name], again = false, true
			}
		}
	}
	return same
}

// follows reports whether a unit is replaced because others are. It finds those that it links to by
// their old containers' names. What it depends on gets another address; a unit with a volume, which
// could not be replaced without interruption, has to look that up. The front is replaced with
// whatever is, so that each request meets containers of one generation only.
func (u unit) follows(units []unit, same map[string]bool) bool {
	if slices.ContainsFunc(u.peers(), func(name string) bool { return !same[name] }) {
		return true
	}
	for _, n := range u.after {
		i := slices.IndexFunc(units, func(other unit) bool { return other.name == n.unit })
		if i >= 0 && !same[n.unit] && (n.restart || len(units[i].owns)+len(u.owns) == 0) {
			return true
		}
	}
	doubled := func(other unit) bool { return !same[other.name] && len(other.owns) == 0 }
	return u.isFront() && len(u.owns) == 0 && slices.ContainsFunc(units, doubled)
}

// rejoin connects a container that stays to the networks of the next generation, too.
func (e *Engine) rejoin(ctx context.Context, g *generation, u unit) error {
	c, _ := g.earlier(u.name)
	g.names[u.name] = strings.TrimPrefix(c.Names[0], "/") // a link to an ID is not found
	if u.isFront() {
		g.port, _ = strconv.Atoi(c.Labels[labelFront])
	}
	return e.connect(ctx, g, u, c.ID, u.networks)
}

// makeWay stops the containers of the generation before that write to a volume of u, which is about
// to start. What still runs of that generation finds u in their place.
func (e *Engine) makeWay(ctx context.Context, s *site, g *generation, u unit) error {
	for _, c := range g.before {
		if c.State != container.StateRunning || g.stays[c.Labels[labelContainer]] || !sharesVolume(c, u.owns) || g.hasStopped(c.ID) {
			continue
		}
		g.stopped = append(g.stopped, c)
		if c.Labels[labelFront] != "" {
			const why = "The next version is being started; the one before was stopped, because both use one volume."
			if old := s.swap(nil, why); old != nil {
				defer old.cut()
			}
			s.explain(why, true)
			g.interrupts = true
		} else if err := e.standIn(ctx, g, u, c); err != nil {
			return err
		}
		if err := e.streams.ContainerStop(ctx, c.ID, container.StopOptions{}); err != nil {
			return fmt.Errorf("stop %s: %w", c.Labels[labelContainer], err)
		}
	}
	return nil
}

// standIn connects a new container to the networks of the one that makes way for it.
func (e *Engine) standIn(ctx context.Context, g *generation, u unit, old container.Summary) error {
	if old.NetworkSettings == nil || len(u.networks) == 0 {
		return nil
	}
	for name := range old.NetworkSettings.Networks {
		if from := e.generationOf(name, g.Environment); from != g.predecessor && !g.lasts(from) {
			continue // it is about to go
		}
		if err := e.docker.NetworkConnect(ctx, name, g.names[u.name], &network.EndpointSettings{Aliases: u.networks[0].aliases}); err != nil {
			return fmt.Errorf("connect %s to a network: %w", u.name, err)
		}
	}
	return nil
}

// lasts reports whether the networks of a generation stay, because a container that was made for it
// does. That container looks for others there first, and its connections must not be cut.
func (g *generation) lasts(generation string) bool {
	return slices.ContainsFunc(g.before, func(c container.Summary) bool {
		return g.stays[c.Labels[labelContainer]] && c.Labels[labelGeneration] == generation
	})
}

func sharesVolume(c container.Summary, volumes []string) bool {
	return slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool { return m.RW && slices.Contains(volumes, m.Name) })
}

func (g *generation) hasStopped(id string) bool {
	return slices.ContainsFunc(g.stopped, func(c container.Summary) bool { return c.ID == id })
}

// undo removes a generation that does not come up, and starts again what had to make way for it. It
// does so even if ctx has ended.
func (e *Engine) undo(ctx context.Context, s *site, g *generation) {
	if g.serves {
		if failed := s.swap(nil, "The version before is being started again."); failed != nil {
			failed.cut()
		}
	}
	e.stopWriters(ctx, e.mine(labelEnvironment, g.Environment, labelGeneration, g.id))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.timeout)
	defer cancel()
	own := func(labels map[string]string) bool { return labels[labelGeneration] == g.id }
	if err := e.removeKind(ctx, e.containers, e.mine(labelEnvironment, g.Environment), own); err != nil {
		e.Log.Warn("containers not removed", "environment", g.Environment, "generation", g.id, "error", err)
	}
	e.drop(ctx, s, g.Environment, g.id)
	for _, c := range g.stopped {
		if e.over.Err() != nil {
			return // Close removes all
		}
		if err := e.docker.ContainerStart(ctx, c.ID, container.StartOptions{}); err != nil {
			e.Log.Warn("container not started again", "environment", g.Environment, "container", c.Labels[labelContainer], "error", err)
			continue
		}
		if c.Labels[labelFront] != "" {
			e.putBack(ctx, s, g.predecessor, c)
		}
	}
}

// putBack has a front that runs again answer the URL, as soon as it answers itself.
func (e *Engine) putBack(ctx context.Context, s *site, generation string, c container.Summary) {
	f := found{}.with(c)
	for f.ask(ctx) != nil && ctx.Err() == nil {
		time.Sleep(longPause)
	}
	s.swap(newProxy(ctx, generation, f.port), "")
}
