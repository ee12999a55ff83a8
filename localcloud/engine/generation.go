package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// generation is one deployment as containers on networks.
type generation struct {
	Deployment
	id, key string
	port    int    // on the loopback, where the front answers
	dir     string // of the unpacked bundle

	composed bool // from a compose file, else from a Dockerrun document
	units    []unit
	networks []networkSpec

	predecessor string              // the id of the generation that serves meanwhile
	before      []container.Summary // what it consists of
	stays       map[string]bool     // the units whose containers of the predecessor are used
	names       map[string]string   // the containers on the engine that exist, by unit
	stopped     []container.Summary // the containers that had to make way for one of this generation
	interrupts  bool                // the front was one of them
	serves      bool                // it is behind the URL
}

// networkSpec is a network of a generation.
type networkSpec struct {
	name     string // "" is the only network of a Dockerrun document
	internal bool
}

// newGeneration returns an empty generation. Its id is later in the alphabet than those of earlier
// ones.
func newGeneration(d Deployment, key string) *generation {
	id := strconv.FormatInt(time.Now().UnixMilli(), 36) + strings.ToLower(rand.Text()[:4])
	return &generation{Deployment: d, key: key, id: id, names: map[string]string{}}
}

// place unpacks the bundle where its containers need it, and reads what they are.
func (e *Engine) place(ctx context.Context, g *generation, b bundle) error {
	g.dir = e.bundleDir(g.Environment, g.id)
	if b.compose != nil {
		return e.placeCompose(ctx, g, b)
	}
	paths := b.bundlePaths()
	if len(paths) > 0 {
		if err := unpack(b.files, g.dir); err != nil {
			return err
		}
	}
	g.networks, g.units = []networkSpec{{}}, e.task(g, b.document)
	return g.provide(paths)
}

// start starts a generation and returns when it answers. A generation that fails is removed, and
// what it has stopped runs again. Its logs stay for Tail.
func (e *Engine) start(ctx context.Context, s *site, g *generation) error {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	err := e.raise(ctx, s, g)
	if err == nil {
		e.Log.Info("generation answers", "environment", g.Environment, "generation", g.id, "version", g.Version, "ms", time.Since(began).Milliseconds())
		return nil
	}
	if ctx.Err() == nil {
		e.keepLogs(ctx, g)
	}
	e.undo(ctx, s, g)
	return err
}

func (e *Engine) raise(ctx context.Context, s *site, g *generation) error {
	for i := range g.units {
		if err := e.supply(ctx, &g.units[i]); err != nil {
			return g.cannot("CannotPullContainerError", g.units[i], err)
		}
	}
	if err := e.compare(ctx, s, g); err != nil {
		return err
	}
	size := len(g.units)
	if g.composed { // those that stand in for some of them may join
		size *= 2
	}
	for _, n := range g.networks {
		if err := e.makeNetwork(ctx, e.network(g, n.name), n.internal, subnetBits(size), e.labels(g)); err != nil {
			return fmt.Errorf("make a network: %w", err)
		}
	}
	for _, u := range g.units {
		if err := e.awaitNeeds(ctx, g, u); err != nil {
			return err
		}
		if err := e.bring(ctx, s, g, u); err != nil {
			return err
		}
	}
	if err := e.await(ctx, s, g); err != nil {
		return err
	}
	return e.settle(ctx, g.essentials())
}

// bring starts a unit, or connects the container that stays from the generation before. It cannot be
// interrupted: the engine would continue and leave a container that this process does not know.
func (e *Engine) bring(ctx context.Context, s *site, g *generation, u unit) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	if g.stays[u.name] {
		return e.rejoin(ctx, g, u)
	}
	return e.launch(ctx, s, g, u)
}

// settle has the engine restart essential containers that crash from now on, as ECS does. Before
// the generation answers, an exit is a failure.
func (e *Engine) settle(ctx context.Context, essentials []string) error {
	policy := container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways}}
	for _, name := range essentials {
		if _, err := e.docker.ContainerUpdate(ctx, name, policy); err != nil {
			return fmt.Errorf("set the restart policy of %s: %w", name, err)
		}
	}
	return nil
}

func (g *generation) essentials() []string {
	var names []string
	for _, u := range g.units {
		if u.must == essential {
			names = append(names, g.names[u.name])
		}
	}
	return names
}

func (g *generation) health() front {
	return front{port: g.port, host: g.Name + ".localhost", path: cmp.Or(g.HealthPath, "/")}
}
