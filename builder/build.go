package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/build"
)

// label marks the images that Beansprout made, so that only these are pruned. Its value is
// Source.Name.
const label = "beansprout.image"

// build makes the image in the engine, under its local tag. It returns the image's id and the number
// of bytes sent to the engine.
func (w *work) build(ctx context.Context, s Source, to *destination) (id string, sent int64, err error) {
	inner, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	secrets, err := readSecrets(ctx, s.Secrets)
	if err != nil {
		return "", 0, &BuildError{Image: s.Name, Err: err}
	}
	share, err := newSession(inner, s, secrets, authProvider{credentials: to.credentials}, broken)
	if err != nil {
		return "", 0, &BuildError{Image: s.Name, Err: err}
	}
	stop := w.engine.serve(inner, share, broken)
	o := w.engine.buildOptions(s, localTag(s, to.Repository), share.ID())
	steps := newTrace(w.log.of(s.Name, stepBuild), withArgs(withSecrets(w.mask, secrets), o.BuildArgs))
	id, err = w.engine.solve(inner, o, steps)
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
		return "", 0, w.engine.addEngineVersion(w.engine.explainMissingSource(ctx, s, steps.explain(s.Name, refused.message)))
	}
	return "", 0, fmt.Errorf("build image %q: %w", s.Name, w.engine.engineError(err))
}

// solve runs the build in the engine and passes what it reports to steps. When ctx ends, the
// connection closes and the engine stops.
func (b *Builder) solve(ctx context.Context, o build.ImageBuildOptions, steps *trace) (id string, err error) {
	response, err := b.docker.ImageBuild(ctx, nil, o)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	err = readStream(response.Body, func(m message) {
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

// buildOptions returns the options of a build. The proxies of docker's configuration become build
// arguments, which are no part of the fingerprint.
func (b *Builder) buildOptions(s Source, tag, sessionID string) build.ImageBuildOptions {
	args := make(map[string]*string, len(s.Args))
	for name, value := range b.config.ParseProxyConfig(b.docker.DaemonHost(), nil) {
		if !given(s.Args, name) {
			args[name] = value
		}
	}
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
		Dockerfile:    filepath.ToSlash(s.inputs("").DockerfileName()),
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

// given reports whether there is an argument of that name. Case does not matter: for BuildKit,
// HTTP_PROXY and http_proxy are the same.
func given(args map[string]string, name string) bool {
	for other := range args {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}
