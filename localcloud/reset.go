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

// Reset removes all containers, networks, volumes, images and files of the cloud in dir, which
// must not be running. It removes only files that a cloud makes, and the directory if it is empty
// then. It succeeds if there is no cloud.
func Reset(ctx context.Context, dir string) error { return ResetOn(ctx, dir, "") }

// ResetOn is Reset with the Docker Engine at host. If host is "", it is that of DOCKER_HOST.
func ResetOn(ctx context.Context, dir, host string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	release, err := lock(dir)
	if err != nil {
		return err
	}
	err = errors.Join(reset(ctx, dir, host), release())
	if err != nil {
		return fmt.Errorf("reset the local cloud in %s: %w", dir, err)
	}
	_ = os.Remove(dir) // fails if others have files in it
	return nil
}

// reset removes the identity last, because a second try needs it.
func reset(ctx context.Context, dir, host string) error {
	id, err := readIdentity(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, registry := range id.Registries {
		if err := resetDocker(ctx, dir, host, id.ID, registry); err != nil {
			return err
		}
	}
	for _, name := range []string{
		objectsFile, beanstalkFile, rolesFile, instancesFile, ec2File, scalingFile, balancersFile, registryDir, engineDir, requestFile, oldRequests,
		runningFile, runningFile + unfinished, identityFile + unfinished, identityFile, lockFile,
	} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func resetDocker(ctx context.Context, dir, host, cloud, registry string) error {
	e, err := engine.New(ctx, engine.Config{Host: host, Cloud: cloud, Registry: registry, Dir: filepath.Join(dir, engineDir)})
	if err != nil {
		return err
	}
	return e.Reset(ctx)
}

// removed removes one file, if it exists.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove file: %w", err)
	}
	return nil
}
