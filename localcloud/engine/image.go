package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
)

const pullTimeout = 10 * time.Minute

// supply pulls a unit's image unless the engine has it. A unit whose image has changed under its
// name has another hash.
func (e *Engine) supply(ctx context.Context, u *unit) error {
	found, err := e.docker.ImageInspect(ctx, u.config.Image)
	if errdefs.IsNotFound(err) {
		if err := e.pull(ctx, u.config.Image); err != nil {
			return err
		}
		found, err = e.docker.ImageInspect(ctx, u.config.Image)
	}
	if err == nil && u.hash != "" {
		u.hash = hashOf(u.hash, found.ID)
	}
	return err
}

func (e *Engine) pull(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	auth, err := e.auth(ref)
	if err != nil {
		return err
	}
	progress, err := e.streams.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer progress.Close()
	return pulled(progress)
}

func (e *Engine) auth(ref string) (string, error) {
	if e.Token == nil || !e.own(ref) {
		return "", nil
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: "AWS", Password: e.Token(), ServerAddress: e.Registry})
}

// own reports whether an image comes from this cloud's registry.
func (e *Engine) own(ref string) bool {
	return e.Registry != "" && strings.HasPrefix(ref, e.Registry+"/")
}

// pulled reads the progress of a pull to its end. The engine answers 200 even if the pull fails, and
// puts the error into the progress.
func pulled(progress io.Reader) error {
	for messages := json.NewDecoder(progress); ; {
		var m struct{ Error string }
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the pull's progress: %w", err)
		}
		if m.Error != "" {
			return errors.New(m.Error)
		}
	}
}
