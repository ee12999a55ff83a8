package engine

import (
	"context"
	"fmt"
	"net/http"
)

// Pretend replaces an Engine where there is no Docker: each deployment succeeds, and its URL answers
// 200 with the environment and the version. The zero value is ready to use.
type Pretend struct {
	sites
	// Outcome, if set, returns the result of Deploy: a *Failure made by Fail, or nil.
	Outcome func(Deployment) error
	// Answer, if set, returns the handler of a deployment's URL.
	Answer func(Deployment) http.Handler
}

// Fail returns the failure of a deployment for this reason.
func Fail(reason string) *Failure { return &Failure{cause: oneLine(reason, 1000)} }

// Deploy puts a page behind the environment's URL.
func (p *Pretend) Deploy(ctx context.Context, d Deployment) error {
	if p.Outcome != nil {
		if err := p.Outcome(d); err != nil {
			p.site(d.Environment).explain("The last deployment did not come up. "+err.Error(), false)
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

// Terminate removes the page.
func (p *Pretend) Terminate(_ context.Context, id string) error {
	if old := p.site(id).swap(nil, "This environment was terminated."); old != nil {
		old.cut()
	}
	return nil
}

// Tail returns empty logs.
func (p *Pretend) Tail(context.Context, string, int) (running, failed string, err error) {
	return "", "", nil
}

// Close does nothing.
func (p *Pretend) Close(context.Context) error { return nil }

// Reset does nothing.
func (p *Pretend) Reset(context.Context) error { return nil }
