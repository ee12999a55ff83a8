package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// generation is one deployment as containers on a network.
type generation struct {
	Deployment
	bundle
	id, key string
	port    int    // on the loopback, where the front answers
	dir     string // of the unpacked bundle
}

func newGeneration(d Deployment, b bundle, key string) *generation {
	return &generation{Deployment: d, bundle: b, key: key, id: strings.ToLower(rand.Text()[:8])}
}

var errPortTaken = errors.New("the chosen port was taken meanwhile")

// start starts a generation and returns when it answers. It removes a generation that fails and
// keeps its logs for Tail.
func (e *Engine) start(ctx context.Context, s *site, d Deployment, b bundle, key string) (*generation, error) {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for attempt := 1; ; attempt++ {
		g := newGeneration(d, b, key)
		began := time.Now()
		err := e.raise(ctx, s, g)
		if err == nil {
			e.Log.Info("generation answers", "environment", d.Environment, "generation", g.id, "version", d.Version, "ms", time.Since(began).Milliseconds())
			return g, nil
		}
		again := errors.Is(err, errPortTaken) && attempt < 3
		if !again && ctx.Err() == nil {
			e.keepLogs(ctx, g)
		}
		e.drop(ctx, s, g.Environment, g.id)
		if !again {
			return nil, err
		}
	}
}

func (e *Engine) raise(ctx context.Context, s *site, g *generation) error {
	for _, c := range g.containers {
		if err := e.provide(ctx, c.image); err != nil {
			return cannot("CannotPullContainerError", c, err)
		}
	}
	var err error
	if g.port, err = e.port(); err != nil {
		return err
	}
	s.mark(g.id, true)
	if err := e.place(g); err != nil {
		return err
	}
	if err := e.makeNetwork(ctx, e.name(g.Environment, g.id), e.labels(g)); err != nil {
		return fmt.Errorf("make a network: %w", err)
	}
	for _, c := range g.containers {
		if err := e.launch(ctx, g, c); err != nil {
			return err
		}
	}
	if err := e.await(ctx, g); err != nil {
		return err
	}
	return e.settle(ctx, e.essentials(g))
}

// place unpacks the bundle if a container mounts a path of it. A path that the bundle does not have
// becomes an empty directory, as in Docker.
func (e *Engine) place(g *generation) error {
	paths := g.bundlePaths()
	if len(paths) == 0 {
		return nil
	}
	g.dir = e.bundleDir(g.Environment, g.id)
	if err := unpack(g.files, g.dir); err != nil {
		return err
	}
	for _, p := range paths {
		if _, err := os.Stat(filepath.Join(g.dir, p)); errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(filepath.Join(g.dir, p), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// launch creates and starts a container. It cannot be interrupted: the engine would continue and
// leave a container that this process does not know.
func (e *Engine) launch(ctx context.Context, g *generation, c definition) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	name := e.name(g.Environment, g.id, c.name)
	if err := e.create(ctx, g, c, name); err != nil {
		return cannot("CannotCreateContainerError", c, err)
	}
	err := e.docker.ContainerStart(ctx, name, container.StartOptions{})
	if err != nil && portTaken(err) {
		return errPortTaken
	}
	if err != nil {
		return cannot("CannotStartContainerError", c, err)
	}
	return nil
}

// create creates a container. It pulls the image again if that was removed from the engine since
// provide.
func (e *Engine) create(ctx context.Context, g *generation, c definition, name string) error {
	config, host, net := e.spec(g, c)
	_, err := e.docker.ContainerCreate(ctx, config, host, net, nil, name)
	if errdefs.IsNotFound(err) && e.provide(ctx, c.image) == nil {
		_, err = e.docker.ContainerCreate(ctx, config, host, net, nil, name)
	}
	return err
}

func portTaken(err error) bool {
	return strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), "port is already allocated")
}

// cannot returns the failure of a container that does not start, in ECS's words.
func cannot(what string, c definition, err error) error {
	return &Failure{cause: fmt.Sprintf("ECS task stopped due to: Task failed to start. (%s: %s: %s)", c.name, what, said(err))}
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

func (e *Engine) essentials(g *generation) []string {
	var names []string
	for _, c := range g.containers {
		if c.isEssential() {
			names = append(names, e.name(g.Environment, g.id, c.name))
		}
	}
	return names
}

func (g *generation) health() front {
	return front{port: g.port, host: g.Name + ".localhost", path: cmp.Or(g.HealthPath, "/")}
}
