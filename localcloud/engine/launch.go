package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// mostPorts is how many ports are tried for the front: another process may take one that was free.
const mostPorts = 3

// launch creates and starts the container of a unit.
func (e *Engine) launch(ctx context.Context, s *site, g *generation, u unit) error {
	name := e.name(g.Environment, g.id, u.name)
	for attempt := 1; ; attempt++ {
		if u.isFront() {
			var err error
			if g.port, err = e.port(); err != nil {
				return err
			}
		}
		if err := e.create(ctx, g, u, name); err != nil {
			return g.cannot("CannotCreateContainerError", u, err)
		}
		g.names[u.name] = name
		if err := e.makeWay(ctx, s, g, u); err != nil {
			return err
		}
		err := e.docker.ContainerStart(ctx, name, container.StartOptions{})
		if err == nil {
			return nil
		}
		if !u.isFront() || !portTaken(err) || attempt == mostPorts {
			return g.cannot("CannotStartContainerError", u, err)
		}
		if err := e.docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			return fmt.Errorf("remove container %s: %w", name, err)
		}
	}
}

// create creates a container on all its networks. It pulls the image again if that was removed from
// the engine since supply.
func (e *Engine) create(ctx context.Context, g *generation, u unit, name string) error {
	config, host, net := e.spec(g, u)
	_, err := e.docker.ContainerCreate(ctx, config, host, net, nil, name)
	if errdefs.IsNotFound(err) && e.supply(ctx, &u) == nil {
		_, err = e.docker.ContainerCreate(ctx, config, host, net, nil, name)
	}
	if err != nil || len(u.networks) < 2 {
		return err
	}
	return e.connect(ctx, g, u, name, u.networks[1:])
}

func (e *Engine) connect(ctx context.Context, g *generation, u unit, container string, to []attachment) error {
	for _, a := range to {
		if err := e.docker.NetworkConnect(ctx, e.network(g, a.network), container, endpoint(g, u, a)); err != nil {
			return fmt.Errorf("connect %s to a network: %w", u.name, err)
		}
	}
	return nil
}

func portTaken(err error) bool {
	return strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), "port is already allocated")
}
