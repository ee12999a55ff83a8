package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

// Terminate removes all containers, networks, volumes and files of an environment. It succeeds if
// there are none.
func (e *Engine) Terminate(ctx context.Context, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s := e.site(id)
	done, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	if old := s.swap(nil, "This environment was terminated."); old != nil {
		old.cut()
		s.mark(old.generation, false)
	}
	err = e.remove(ctx, e.mine(labelEnvironment, id), everything)
	if err := errors.Join(err, os.RemoveAll(e.environmentDir(id))); err != nil {
		return fmt.Errorf("terminate environment %s: %w", id, err)
	}
	e.Log.Info("environment removed", "environment", id)
	return nil
}

// Close ends all operations and removes this cloud's containers and networks. The environments'
// volumes stay for the next Engine.
func (e *Engine) Close(ctx context.Context) error {
	e.finish()
	e.sites.each(func(s *site) {
		if old := s.swap(nil, "The local cloud is stopped."); old != nil {
			old.cut()
		}
	})
	e.stopWriters(ctx, e.mine())
	err := e.remove(ctx, e.mine(), func(labels map[string]string) bool { return labels[labelGeneration] != "" })
	if err := errors.Join(err, e.docker.Close(), e.streams.Close()); err != nil {
		return fmt.Errorf("close the local engine: %w", err)
	}
	return nil
}

// Reset closes the engine and also removes the volumes, the files, and the images of this cloud's
// registry.
func (e *Engine) Reset(ctx context.Context) error {
	err := errors.Join(e.Close(ctx), e.remove(ctx, e.mine(), everything), e.removeImages(ctx), os.RemoveAll(e.Dir), e.docker.Close())
	if err != nil {
		return fmt.Errorf("reset the local engine: %w", err)
	}
	return nil
}

// clear removes what belongs to generations that neither start, serve nor drain. A container of such
// a generation stays if a living one uses it, and so do the networks and files of its birth.
func (e *Engine) clear(ctx context.Context, s *site, id string) error {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelEnvironment, id)})
	if err != nil {
		return err
	}
	stays, births := map[string]bool{}, map[string]bool{}
	for _, c := range list {
		if slices.ContainsFunc(e.generations(c), func(g string) bool { return !s.leftover(g) }) {
			stays[c.ID], births[c.Labels[labelGeneration]] = true, true
		}
	}
	gone := func(g string) bool { return g != "" && s.leftover(g) && !births[g] }
	var things []thing
	for _, c := range list {
		if !stays[c.ID] {
			things = append(things, e.container(ctx, c))
		}
	}
	unwanted := func(labels map[string]string) bool { return gone(labels[labelGeneration]) }
	err = errors.Join(removeAll(ctx, things, everything), e.part(ctx, list, stays, id, gone))
	for _, kind := range []lister{e.networks, e.volumes} {
		err = errors.Join(err, e.removeKind(ctx, kind, e.mine(labelEnvironment, id), unwanted))
	}
	return errors.Join(err, e.clearFiles(id, gone))
}

// part disconnects the containers that stay from the networks that go.
func (e *Engine) part(ctx context.Context, list []container.Summary, stays map[string]bool, id string, gone func(string) bool) error {
	var failed []error
	for _, c := range list {
		if !stays[c.ID] || c.NetworkSettings == nil {
			continue
		}
		for name := range c.NetworkSettings.Networks {
			if !gone(e.generationOf(name, id)) {
				continue
			}
			err := e.docker.NetworkDisconnect(ctx, name, c.ID, true)
			if err != nil && !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "is not connected to") {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// clearFiles removes the unpacked bundles of generations that are gone.
func (e *Engine) clearFiles(id string, gone func(string) bool) error {
	entries, err := os.ReadDir(e.environmentDir(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var failed []error
	for _, entry := range entries {
		if entry.IsDir() && gone(entry.Name()) {
			failed = append(failed, os.RemoveAll(e.bundleDir(id, entry.Name())))
		}
	}
	return errors.Join(failed...)
}

// drop ends a generation and removes what no other one uses, even if ctx has ended. What it cannot
// remove is left to clear.
func (e *Engine) drop(ctx context.Context, s *site, id, generation string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.timeout)
	defer cancel()
	s.mark(generation, false)
	if err := e.clear(ctx, s, id); err != nil {
		e.Log.Warn("generation not removed", "environment", id, "generation", generation, "error", err)
	}
}

func everything(map[string]string) bool { return true }

// removeImages removes this cloud's names from images, and the images that have no other name.
func (e *Engine) removeImages(ctx context.Context) error {
	images, err := e.docker.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return err
	}
	var failed []error
	for _, i := range images {
		for _, ref := range slices.Concat(i.RepoTags, i.RepoDigests) {
			if !e.own(ref) {
				continue
			}
			if _, err := e.docker.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true}); err != nil && !errdefs.IsNotFound(err) {
				failed = append(failed, fmt.Errorf("remove image %s: %w", ref, err))
			}
		}
	}
	return errors.Join(failed...)
}
