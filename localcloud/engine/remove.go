package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	dockervolume "github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"
)

// thing is a container, a network or a volume.
type thing struct {
	labels map[string]string
	remove func() error
}

// remove removes the things that args select and want confirms. It goes on after an error.
func (e *Engine) remove(ctx context.Context, args filters.Args, want func(labels map[string]string) bool) error {
	var failed []error
	// Containers come first, because they hold networks and volumes.
	for _, kind := range []lister{e.containers, e.networks, e.volumes} {
		failed = append(failed, e.removeKind(ctx, kind, args, want))
	}
	return errors.Join(failed...)
}

// lister lists the things of one kind.
type lister func(context.Context, filters.Args) ([]thing, error)

func (e *Engine) removeKind(ctx context.Context, kind lister, args filters.Args, want func(labels map[string]string) bool) error {
	things, err := kind(ctx, args)
	if err != nil {
		return err
	}
	return removeAll(ctx, things, want)
}

func (e *Engine) containers(ctx context.Context, args filters.Args) ([]thing, error) {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: args})
	var things []thing
	for _, c := range list {
		things = append(things, e.container(ctx, c))
	}
	return things, err
}

func (e *Engine) container(ctx context.Context, c container.Summary) thing {
	return thing{c.Labels, func() error {
		return e.docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
	}}
}

func (e *Engine) networks(ctx context.Context, args filters.Args) ([]thing, error) {
	list, err := e.docker.NetworkList(ctx, network.ListOptions{Filters: args})
	var things []thing
	for _, n := range list {
		things = append(things, thing{n.Labels, func() error { return e.docker.NetworkRemove(ctx, n.ID) }})
	}
	return things, err
}

func (e *Engine) volumes(ctx context.Context, args filters.Args) ([]thing, error) {
	list, err := e.docker.VolumeList(ctx, dockervolume.ListOptions{Filters: args})
	var things []thing
	for _, v := range list.Volumes {
		things = append(things, thing{v.Labels, func() error { return e.docker.VolumeRemove(ctx, v.Name, false) }})
	}
	return things, err
}

// removeAll removes the things that want confirms, a few at a time.
func removeAll(ctx context.Context, things []thing, want func(labels map[string]string) bool) error {
	var group errgroup.Group
	group.SetLimit(8)
	failed := make([]error, len(things))
	for i, t := range things {
		if want(t.labels) {
			group.Go(func() error {
				failed[i] = insist(ctx, t.remove)
				return nil
			})
		}
	}
	_ = group.Wait() // failed holds all errors
	return errors.Join(failed...)
}

// insist calls remove and takes not found for success. It tries again for a while if another removal
// or a stopping container still holds the thing.
func insist(ctx context.Context, remove func() error) error {
	var err error
	for range 50 {
		err = remove()
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if !errdefs.IsConflict(err) && !strings.Contains(err.Error(), "has active endpoints") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(longPause):
		}
	}
	return err
}

// stop asks a generation's containers to end, as ECS does before it kills them, but for those that
// another living generation uses. Those that do not end in time, or before the engine closes, are
// killed when they are removed.
func (e *Engine) stop(ctx context.Context, s *site, id, generation string) {
	if ctx.Err() != nil {
		return
	}
	e.stopAll(ctx, e.mine(labelEnvironment, id), func(c container.Summary) bool {
		all := e.generations(c)
		used := slices.ContainsFunc(all, func(g string) bool { return g != generation && !s.leftover(g) })
		return !used && slices.Contains(all, generation)
	})
}

// mostGrace limits how long containers get to end before they are removed.
const mostGrace = 30 * time.Second

// stopWriters has the selected containers end by themselves that may write to a volume which stays: a
// database that is killed may leave it broken.
func (e *Engine) stopWriters(ctx context.Context, args filters.Args) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mostGrace)
	defer cancel()
	e.stopAll(ctx, args, func(c container.Summary) bool {
		disk := e.name(c.Labels[labelEnvironment], "disk")
		return slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool { return m.RW && strings.HasPrefix(m.Name, disk) })
	})
}

// stopAll stops the running containers that args select and want confirms. Each gets its own time to
// end.
func (e *Engine) stopAll(ctx context.Context, args filters.Args, want func(container.Summary) bool) {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{Filters: args})
	if err != nil {
		e.Log.Warn("containers not stopped", "error", err)
	}
	var group errgroup.Group
	for _, c := range slices.DeleteFunc(list, func(c container.Summary) bool { return !want(c) }) {
		group.Go(func() error { return e.streams.ContainerStop(ctx, c.ID, container.StopOptions{}) })
	}
	if err := group.Wait(); err != nil {
		e.Log.Warn("containers not stopped", "error", err)
	}
}
