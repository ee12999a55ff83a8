package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/containerd/errdefs"
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

// clear removes the environment's generations that neither start, serve nor drain.
func (e *Engine) clear(ctx context.Context, s *site, id string) error {
	return e.remove(ctx, e.mine(labelEnvironment, id), func(labels map[string]string) bool {
		return labels[labelGeneration] != "" && s.leftover(labels[labelGeneration])
	})
}

// drop removes one generation, even if ctx has ended. What it cannot remove is left to clear.
func (e *Engine) drop(ctx context.Context, s *site, id, generation string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.timeout)
	defer cancel()
	err := e.remove(ctx, e.mine(labelEnvironment, id, labelGeneration, generation), everything)
	if err := errors.Join(err, os.RemoveAll(e.bundleDir(id, generation))); err != nil {
		e.Log.Warn("generation not removed", "environment", id, "generation", generation, "error", err)
	}
	s.mark(generation, false)
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
