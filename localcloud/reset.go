package localcloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"beansprout/localcloud/engine"
)

// Reset removes everything of the cloud in dir, which must not be running: containers,
// networks, volumes, images and files. Of the directory it takes only what a cloud puts
// there, and the directory itself when nothing else is left. No cloud there is success.
func Reset(ctx context.Context, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	release, err := lock(dir)
	if err != nil {
		return err
	}
	err = errors.Join(reset(ctx, dir), release())
	if err != nil {
		return fmt.Errorf("reset the local cloud in %s: %w", dir, err)
	}
	_ = os.Remove(dir) // stays when it holds files of others
	return nil
}

// reset removes the identity last: it is what a second try needs.
func reset(ctx context.Context, dir string) error {
	id, err := readIdentity(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, registry := range id.Registries {
		if err := resetDocker(ctx, dir, id.ID, registry); err != nil {
			return err
		}
	}
	for _, name := range []string{
		objectsFile, beanstalkFile, registryDir, engineDir, requestFile, oldRequests,
		runningFile, runningFile + unfinished, identityFile + unfinished, identityFile, lockFile,
	} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func resetDocker(ctx context.Context, dir, cloud, registry string) error {
	e, err := engine.New(ctx, engine.Config{Cloud: cloud, Registry: registry, Dir: filepath.Join(dir, engineDir)})
	if err != nil {
		return err
	}
	return e.Reset(ctx)
}

// removed removes one file; a file that is not there is removed already.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove file: %w", err)
	}
	return nil
}
