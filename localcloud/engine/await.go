package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// front is the address at which a generation is checked.
type front struct {
	port       int
	host, path string
}

const (
	firstPause = 2 * time.Millisecond
	longPause  = 100 * time.Millisecond
	askTimeout = 5 * time.Second // that of a load balancer
	errorsTime = 5 * time.Second // after which an application without a health path may answer 5xx
)

var (
	errSilent = errors.New("it took the connection and sent no answer")
	errAnswer = errors.New("it answered")
)

// ask sends one check and wants an answer below 500. A single instance on AWS has no HTTP check, so
// a page may be missing or forbidden; but an application that answers 5xx is still starting, or
// waits for another container.
func (f front) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/%s", f.port, strings.TrimPrefix(f.path, "/")), nil)
	if err != nil {
		return err
	}
	request.Host = f.host
	request.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	transport := newTransport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return errSilent
	}
	if err != nil {
		return fmt.Errorf("%w (does it listen on 0.0.0.0, not only on 127.0.0.1?)", err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 500 {
		return fmt.Errorf("%w %s", errAnswer, response.Status)
	}
	return nil
}

// await returns when the front answers, when a container that must run does not, or when the time
// is over. Without a health path, as on a single instance of AWS, the application may answer 5xx
// for good.
func (e *Engine) await(ctx context.Context, g *generation) error {
	patience := cmp.Or(g.Deadline, e.Deadline)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := errSilent
	var failing time.Time // when its answers began to be errors
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := g.health().ask(limited)
		if stopped := e.stands(ctx, g); stopped != nil || err == nil {
			return stopped
		}
		if limited.Err() == nil {
			last = err
		}
		switch {
		case !errors.Is(err, errAnswer):
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		case g.HealthPath == "" && time.Since(failing) > errorsTime:
			return nil
		}
		select {
		case <-limited.Done():
			return g.silent(patience, last)
		case <-time.After(pause):
		}
	}
}

// stands returns an error if a container that must run does not.
func (e *Engine) stands(ctx context.Context, g *generation) error {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelGeneration, g.id)})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	if f := group(list)[g.id]; f.missing > 0 {
		return &Failure{cause: "ECS task stopped due to: a container was removed."}
	} else if len(f.down) > 0 {
		return e.post(ctx, e.name(g.Environment, g.id, f.down[0]), f.down[0])
	}
	return nil
}

// post returns how a container ended: its exit code and the end of its log.
func (e *Engine) post(ctx context.Context, name, shortName string) error {
	found, err := e.docker.ContainerInspect(ctx, name)
	if err != nil {
		return fmt.Errorf("inspect container %s: %w", shortName, err)
	}
	how := fmt.Sprintf("exit code %d", found.State.ExitCode)
	if found.State.OOMKilled {
		how = "OutOfMemoryError: Container killed due to memory usage"
	}
	text, err := e.logs(ctx, name, 3)
	if err != nil {
		e.Log.Warn("log not read", "container", name, "error", err)
	}
	if text = oneLine(text, 300); text != "" {
		how += ": " + text
	}
	return &Failure{cause: fmt.Sprintf("ECS task stopped due to: Essential container in task exited. (%s: %s)", shortName, how)}
}

// silent returns the failure of a front that did not answer in time.
func (g *generation) silent(patience time.Duration, last error) error {
	c := g.containers[slices.IndexFunc(g.containers, definition.isFront)]
	return &Failure{cause: fmt.Sprintf("Container %s did not answer GET %s on its port %d within %s: %s",
		c.name, oneLine(g.health().path, 100), c.front, patience, oneLine(last.Error(), 200))}
}
