package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
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

// await returns when the front answers and all units are ready, when a unit fails, or when the time
// is over. Without a health path, as on a single instance of AWS, the application may answer 5xx for
// good.
func (e *Engine) await(ctx context.Context, s *site, g *generation) error {
	patience := cmp.Or(g.Deadline, e.Deadline)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := errSilent
	var failing time.Time // when its answers began to be errors
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := g.health().ask(limited)
		pending, failed := e.stand(ctx, g)
		if failed != nil || err == nil && pending == nil {
			return failed
		}
		if err == nil && g.interrupts && !g.serves { // each moment more is one without an answer
			e.serve(ctx, s, g)
		}
		if limited.Err() == nil && err != nil {
			last = err
		}
		switch {
		case !errors.Is(err, errAnswer):
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		case g.HealthPath == "" && time.Since(failing) > errorsTime && pending == nil:
			return nil
		}
		select {
		case <-limited.Done():
			if pending != nil {
				return pending
			}
			return g.silent(patience, last)
		case <-time.After(pause):
		}
	}
}

// awaitNeeds returns when the units that u waits for are in the wanted conditions.
func (e *Engine) awaitNeeds(ctx context.Context, g *generation, u unit) error {
	patience := cmp.Or(g.Deadline, e.Deadline)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; len(u.after) > 0; pause = min(2*pause, longPause) {
		pending, err := e.met(ctx, g, u)
		if err != nil || pending == nil {
			return err
		}
		if _, err := e.stand(ctx, g); err != nil {
			if _, own := e.met(ctx, g, u); own != nil { // what u waits for has failed since
				return own
			}
			return err
		}
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &Failure{cause: pending.cause + " within " + patience.String()}
		case <-time.After(pause):
		}
	}
	return nil
}

// met returns what u still waits for, or the failure of a unit that u waits for.
func (e *Engine) met(ctx context.Context, g *generation, u unit) (pending *Failure, _ error) {
	for _, n := range u.after {
		other := g.unit(n.unit)
		state, err := e.state(ctx, g, other)
		if err != nil {
			return nil, err
		}
		waits := "service " + u.name + " waits for " + n.unit
		failed, isFailure := errors.AsType[*Failure](e.verdict(ctx, g, other, state))
		switch {
		case isFailure:
			return nil, &Failure{cause: failed.cause + " (" + waits + ")"}
		case n.condition == isHealthy && state.Health == nil:
			return nil, g.failure(waits + " to be healthy, which has no health check")
		case n.condition == isHealthy && !state.Running && state.Status == container.StateExited:
			return nil, g.failure(waits + " to be healthy, which has ended: " + e.lastWords(ctx, g, other))
		case n.condition == isHealthy && state.Health.Status != container.Healthy:
			pending = g.failure(waits + ", which did not become healthy" + e.lastCheck(state))
		case n.condition == isDone && state.Status != container.StateExited:
			pending = g.failure(waits + ", which did not end")
		}
	}
	return pending, nil
}
