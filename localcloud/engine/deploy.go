package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Deploy runs d as the environment's next generation, puts it behind the URL when it answers, and
// then drains and removes the generation before; with Config.Gap that one is removed first. It
// starts nothing if the same deployment already runs and answers. An error that is not a *Failure
// means that ctx or the engine ended.
func (e *Engine) Deploy(ctx context.Context, d Deployment) error {
	if err := checkID(d.Environment); err != nil {
		return err
	}
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s := e.site(d.Environment)
	done, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	s.explain(startsUp, true)
	if err := e.deploy(ctx, s, d); err != nil {
		err = verdict(ctx, s, err)
		s.explain("The last deployment did not come up. "+err.Error(), false)
		return err
	}
	return nil
}

// verdict returns the failure or the interruption that err means, and for a failure whether the URL
// still has an answer.
func verdict(ctx context.Context, s *site, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("deployment interrupted: %w", context.Cause(ctx))
	}
	failure, ok := errors.AsType[*Failure](err)
	if !ok {
		failure = &Failure{cause: "The local engine cannot run the deployment: " + said(err)}
	}
	_, serving := s.current()
	failure.down = !serving
	return failure
}

// said returns the Docker Engine's message in one line.
func said(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "the Docker Engine did not answer in time"
	}
	return oneLine(err.Error(), 400)
}

func (e *Engine) deploy(ctx context.Context, s *site, d Deployment) error {
	_, known := s.current()
	b, err := open(d)
	if known || err != nil { // at its start a process keeps the failure that the one before recorded
		err = errors.Join(err, e.forgetFailure(d.Environment))
	}
	if err != nil {
		return err
	}
	if b.runnable {
		return e.run(ctx, s, d, b)
	}
	e.switchTo(ctx, s, d.Environment, newTarget(ctx, substitute(d)))
	return e.clear(ctx, s, d.Environment)
}

func (e *Engine) run(ctx context.Context, s *site, d Deployment, b bundle) error {
	key, err := d.key()
	if err != nil {
		return err
	}
	adopted, err := e.adopt(ctx, s, d.Environment, key)
	if adopted || err != nil {
		return err
	}
	if err := e.forgetFailure(d.Environment); err != nil {
		return err
	}
	g := newGeneration(d, key)
	s.mark(g.id, true)
	if err := e.place(ctx, g, b); err != nil {
		e.drop(ctx, s, d.Environment, g.id)
		return err
	}
	if err := e.pause(ctx, s, g); err != nil {
		e.drop(ctx, s, d.Environment, g.id)
		return err
	}
	if err := e.start(ctx, s, g); err != nil {
		return err
	}
	e.serve(ctx, s, g)
	if g.interrupts {
		e.background(ctx, func(ctx context.Context) { e.discard(ctx, s, d.Environment, g.predecessor) }, func() {})
	}
	return nil
}

// substitute returns the handler that answers for a deployment without containers.
func substitute(d Deployment) http.Handler {
	switch {
	case d.Size == 0:
		return sample
	case d.Foreign:
		return foreign
	case d.Compose:
		return hollow(composeName)
	}
	return hollow(documentName + " of version 2")
}

// switchTo puts t behind the URL and removes the target before in the background: its requests may
// take Config.Drain to end.
func (e *Engine) switchTo(ctx context.Context, s *site, id string, t *target) {
	old := s.swap(t, "")
	if old == nil {
		return
	}
	if old.generation == "" {
		old.cut()
		return
	}
	e.background(ctx, func(ctx context.Context) { e.retire(ctx, s, id, old) }, old.cut)
}

// serve puts a generation behind the URL.
func (e *Engine) serve(ctx context.Context, s *site, g *generation) {
	if !g.serves {
		e.switchTo(ctx, s, g.Environment, newProxy(ctx, g.id, g.port))
		g.serves = true
	}
}

// background runs work that ends with the engine, or closed if that is closed already. Close removes
// what the work leaves.
func (e *Engine) background(ctx context.Context, work func(context.Context), closed func()) {
	ctx, leave, err := e.enter(context.WithoutCancel(ctx))
	if err != nil {
		closed()
		return
	}
	go func() {
		defer leave()
		work(ctx)
	}()
}

// retire drains, stops and removes a generation.
func (e *Engine) retire(ctx context.Context, s *site, id string, old *target) {
	select {
	case <-old.idle:
	case <-ctx.Done():
	case <-time.After(e.Drain):
	}
	old.cut()
	e.discard(ctx, s, id, old.generation)
}

// discard stops and removes a generation that answers no requests.
func (e *Engine) discard(ctx context.Context, s *site, id, generation string) {
	e.stop(ctx, s, id, generation)
	e.drop(ctx, s, id, generation)
}

// checkID refuses an id that could match other labels or files than those of one environment.
func checkID(id string) error {
	if !nameRule.MatchString(id) {
		return fmt.Errorf("environment id %q is not valid", id)
	}
	return nil
}
