package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/docker/docker/api/types/build"
)

// label marks the images that Beansprout made, so that old ones can be told from other
// people's. Its value is Source.Name.
const label = "beansprout.image"

// build makes the image in the engine, where it takes the tag, and returns its id there and
// how many bytes had to be sent for it.
func (w *work) build(ctx context.Context, s Source, to *destination) (id string, sent int64, err error) {
	inner, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	share, err := newSession(inner, s, keys{of: to.credentials}, broken)
	if err != nil {
		return "", 0, &BuildError{Image: s.Name, Err: err}
	}
	stop := w.serve(inner, share, broken)
	steps := newTrace(w.log.of(s.Name, stepBuild), w.shown(s.Name), newMask(s.Secrets))
	id, err = w.solve(inner, buildOptions(s, localTag(s, to.Repository), share.ID()), steps)
	why := context.Cause(inner)
	sent = stop()
	steps.close()
	var refused refusal
	switch {
	case err == nil:
		return id, sent, nil
	case why != nil:
		return "", 0, &BuildError{Image: s.Name, Err: why}
	case errors.As(err, &refused):
		return "", 0, w.explainAbsence(ctx, s, steps.explain(s.Name, refused.message))
	}
	return "", 0, fmt.Errorf("build image %q: %w", s.Name, w.engineError(err))
}

// solve has the engine build over the session and follows what it says until the end.
// The engine stops building when the connection closes, as it does when ctx ends.
func (b *Builder) solve(ctx context.Context, o build.ImageBuildOptions, steps *trace) (id string, err error) {
	response, err := b.docker.ImageBuild(ctx, nil, o)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	err = read(response.Body, func(m message) {
		switch m.ID {
		case "moby.buildkit.trace":
			if status, err := decodeTrace(m.Aux); err == nil {
				steps.update(status)
			}
		case "moby.image.id":
			var result build.Result
			_ = json.Unmarshal(m.Aux, &result)
			id = result.ID
		}
	})
	if err == nil && !isDigest(id) {
		err = refusal{"the engine ended the build without naming the image"}
	}
	return id, err
}

func buildOptions(s Source, tag, sessionID string) build.ImageBuildOptions {
	args := make(map[string]*string, len(s.Args))
	for name, value := range s.Args {
		args[name] = &value
	}
	labels := map[string]string{}
	maps.Copy(labels, s.Labels)
	labels[label] = s.Name
	return build.ImageBuildOptions{
		Tags:          []string{tag},
		Version:       build.BuilderBuildKit,
		RemoteContext: "client-session",
		SessionID:     sessionID,
		Dockerfile:    filepath.ToSlash(dockerfile(s)),
		Target:        s.Target,
		BuildArgs:     args,
		Labels:        labels,
		Platform:      s.Platform,
		CacheFrom:     s.CacheFrom,
		NetworkMode:   s.Network,
		PullParent:    s.Pull,
		Remove:        true,
	}
}
