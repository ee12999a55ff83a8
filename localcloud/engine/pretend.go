package engine

import (
	"context"
	"fmt"
	"net/http"
)

// Pretend stands in for an Engine without Docker: every deployment runs, and its URL answers 200
// with the environment and the version. The zero value is ready to use.
type Pretend struct {
	sites
	// Outcome, when set, is what Deploy returns for a deployment: a *Failure made by Fail, or nil.
	Outcome func(Deployment) error
	// Answer, when set, answers a deployment's URL.
	Answer func(Deployment) http.Handler
}

// Fail is the failure of a deployment for this reason.
func Fail(reason string) *Failure { return &Failure{cause: oneLine(reason, 1000)} }

// Deploy puts a page behind the environment's URL.
func (p *Pretend) Deploy(ctx context.Context, d Deployment) error {
	if p.Outcome != nil {
		if err := p.Outcome(d); err != nil {
			return err
		}
	}
	h := sample
	switch {
	case p.Answer != nil:
		h = p.Answer(d)
	case d.Size != 0:
		h = pageHandler(http.StatusOK, d.Name, fmt.Sprintf("Environment %s (%s) runs version %s.", d.Name, d.Environment, d.Version))
	}
	p.site(d.Environment).swap(newTarget(ctx, h), "")
	return nil
}

// Terminate takes the page away.
func (p *Pretend) Terminate(_ context.Context, id string) error {
	if old := p.site(id).swap(nil, "This environment was terminated."); old != nil {
		old.cut()
	}
	return nil
}

// Tail says that nothing was logged.
func (p *Pretend) Tail(context.Context, string, int) (string, error) {
	return "", nil
}

// Close has nothing to end.
func (p *Pretend) Close(context.Context) error { return nil }

// Reset has nothing to remove.
func (p *Pretend) Reset(context.Context) error { return nil }
