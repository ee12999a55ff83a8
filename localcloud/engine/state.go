package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

const (
	mostRestarts = 5                // after which a unit does not come up any more
	steadyTime   = time.Second      // after a restart, until which a unit may stop again
	calmTime     = 10 * time.Second // after which earlier restarts do not count
)

// state is what the Docker Engine knows about a container.
type state struct {
	container.State
	restarts int
	up       time.Duration // since the last start
}

func (g *generation) unit(name string) unit {
	return g.units[slices.IndexFunc(g.units, func(u unit) bool { return u.name == name })]
}

func (e *Engine) state(ctx context.Context, g *generation, u unit) (state, error) {
	found, err := e.docker.ContainerInspect(ctx, g.names[u.name])
	if errdefs.IsNotFound(err) {
		return state{}, g.failure("a container was removed.")
	}
	if err != nil {
		return state{}, fmt.Errorf("inspect container %s: %w", u.name, err)
	}
	started, _ := time.Parse(time.RFC3339Nano, found.State.StartedAt)
	return state{State: *found.State, restarts: found.RestartCount, up: time.Since(started)}, nil
}

// stand returns a failure if a unit that was started cannot come up any more, or else why the
// generation is not ready yet.
func (e *Engine) stand(ctx context.Context, g *generation) (pending *Failure, _ error) {
	for _, u := range g.units {
		if g.names[u.name] == "" {
			continue
		}
		s, err := e.state(ctx, g, u)
		if err == nil {
			err = e.verdict(ctx, g, u, s)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case s.Restarting || s.Running && s.restarts > 0 && s.up < steadyTime:
			pending = g.failure("service " + u.name + " was restarted and did not settle: " + e.lastWords(ctx, g, u))
		case u.probed && s.Running && s.Health != nil && s.Health.Status == container.Starting:
			pending = g.failure("service " + u.name + " did not become healthy" + e.lastCheck(s))
		}
	}
	return pending, nil
}

// verdict returns the failure of a unit in that state, or nil if it may still come up.
func (e *Engine) verdict(ctx context.Context, g *generation, u unit, s state) error {
	switch ended := s.Status == container.StateExited || s.Status == container.StateDead; {
	case ended && (u.must == mustRun || u.must == essential || u.must == mayEnd && s.ExitCode != 0):
		return g.ended(u, s, e.lastWords(ctx, g, u))
	case s.restarts >= mostRestarts && s.up < calmTime:
		return g.ended(u, s, e.lastWords(ctx, g, u))
	case u.probed && s.Running && s.Health != nil && s.Health.Status == container.Unhealthy:
		text := "service " + u.name + " is not healthy" + e.lastCheck(s)
		if words := e.lastWords(ctx, g, u); words != "" {
			text += "; it said: " + words
		}
		return g.failure(text)
	}
	return nil
}

// lastWords returns the end of a unit's log in one line.
func (e *Engine) lastWords(ctx context.Context, g *generation, u unit) string {
	text, err := e.logs(ctx, g.names[u.name], 3)
	if err != nil {
		e.Log.Warn("log not read", "container", g.names[u.name], "error", err)
	}
	return oneLine(text, 300)
}

// lastCheck returns what the last health check of a container said.
func (e *Engine) lastCheck(s state) string {
	if s.Health == nil || len(s.Health.Log) == 0 {
		return ""
	}
	last := s.Health.Log[len(s.Health.Log)-1]
	return fmt.Sprintf(" (its health check ended with exit code %d: %s)", last.ExitCode, oneLine(last.Output, 200))
}

// failure returns a failure in the words of the document's kind.
func (g *generation) failure(cause string) *Failure {
	if g.composed {
		return &Failure{cause: "Failed to run the services of " + composeName + ": " + cause}
	}
	return &Failure{cause: "ECS task stopped due to: " + cause}
}

// ended returns the failure of a container that has ended, with its exit code and the end of its log.
func (g *generation) ended(u unit, s state, words string) *Failure {
	how := fmt.Sprintf("exit code %d", s.ExitCode)
	if s.OOMKilled {
		how = "OutOfMemoryError: Container killed due to memory usage"
	}
	if words != "" {
		how += ": " + words
	}
	switch {
	case !g.composed:
		return g.failure(fmt.Sprintf("Essential container in task exited. (%s: %s)", u.name, how))
	case s.restarts > 0:
		return g.failure(fmt.Sprintf("service %s stops again and again, with %s", u.name, how))
	}
	return g.failure(fmt.Sprintf("service %s stopped with %s", u.name, how))
}

// cannot returns the failure of a container that does not start, in ECS's words.
func (g *generation) cannot(what string, u unit, err error) error {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	if g.composed {
		return g.failure(fmt.Sprintf("service %s: %s", u.name, said(err)))
	}
	return g.failure(fmt.Sprintf("Task failed to start. (%s: %s: %s)", u.name, what, said(err)))
}

// silent returns the failure of a front that did not answer in time.
func (g *generation) silent(patience time.Duration, last error) error {
	u := g.units[slices.IndexFunc(g.units, unit.isFront)]
	return &Failure{cause: fmt.Sprintf("Container %s did not answer GET %s on its port %d within %s: %s",
		u.name, oneLine(g.health().path, 100), u.front, patience, oneLine(last.Error(), 200))}
}
