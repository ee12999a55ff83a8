package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/janitor"
)

// attic is what our application's environments have left that have gone.
type attic struct{ *session }

// Traces lists the versions by their labels, and the ledger's records of features of ours. A
// record alone must prove whose it is: all applications' lie in one bucket.
func (a attic) Traces(ctx context.Context, lives func(string) bool) ([]janitor.Trace, error) {
	versions, err := a.beanstalk.AllVersions(ctx, a.cfg.Application)
	if err != nil {
		return nil, err
	}
	var traces []janitor.Trace
	known := map[string]bool{}
	for _, v := range versions {
		if name, ok := envs.VersionOf(v.Label); ok && !lives(name) {
			traces = append(traces, janitor.Trace{Name: name, Version: v.Label, Written: v.Created})
			known[name] = true
		}
	}
	notes, err := a.notes(ctx, lives, known)
	return append(traces, notes...), err
}

// notes are the ledger's records of environments that don't live. What else is known of need
// not be read.
func (a attic) notes(ctx context.Context, lives func(string) bool, known map[string]bool) ([]janitor.Trace, error) {
	l, err := a.clients.ledger(ctx, a.cfg.Ledger.Bucket)
	if err != nil {
		return nil, err
	}
	entries, err := l.Names(ctx)
	if err != nil {
		return nil, err
	}
	ours := make([]bool, len(entries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, e := range entries {
		switch {
		case lives(e.Name):
		case known[e.Name]:
			ours[i] = true
		case strings.HasPrefix(e.Name, envs.Prefix(a.cfg.Application)):
			g.Go(func() (err error) { ours[i], err = a.owns(ctx, l, e.Name); return err })
		}
	}
	err = g.Wait()
	var traces []janitor.Trace
	for i, e := range entries {
		if ours[i] {
			traces = append(traces, janitor.Trace{Name: e.Name, Written: e.Modified})
		}
	}
	return traces, err
}

// owns says whether a record names the feature that its name was computed from.
func (a attic) owns(ctx context.Context, l *ledger.Ledger, name string) (bool, error) {
	r, err := l.Read(ctx, name)
	if errors.Is(err, ledger.ErrGarbage) {
		return false, nil
	}
	return err == nil && r.Feature != "" && envs.Name(a.account, a.cfg.Application, r.Feature) == name, err
}

func (a attic) Terminated(ctx context.Context, since time.Time) ([]envs.Env, error) {
	return a.beanstalk.Terminated(ctx, a.cfg.Application, since)
}

// Clear takes away the versions, bundles and image tags that are named after an environment,
// and its ledger record. It holds the lease, and has made sure that the name is nobody's.
func (a attic) Clear(ctx context.Context, name string) (envs.Receipt, error) {
	e := envs.Env{Name: name, Application: a.cfg.Application}
	l, err := a.clients.ledger(ctx, a.cfg.Ledger.Bucket)
	if err != nil {
		return newRemoval(a.session, e, nil).receipt, err
	}
	held, turn, err := a.take(ctx, l, name, ledger.Claim{Verb: "janitor", Impatient: true}, nil)
	if err != nil {
		return newRemoval(a.session, e, l).receipt, err
	}
	m := newRemoval(turn.session, e, l)
	if err := m.clear(held); err != nil {
		turn.end(ctx, nil)
		return m.receipt, err
	}
	turn.stop()
	if m.shared {
		return m.receipt, turn.lease.Release(ctx, nil)
	}
	if err = turn.lease.Drop(ctx); err == nil {
		m.receipt.Remove("ledger record of " + name)
	}
	return m.receipt, err
}

func (m *removal) clear(ctx context.Context) error {
	switch now, err := m.beanstalk.Find(ctx, m.env.Name); {
	case err == nil:
		return fmt.Errorf("environment %s: %w: it is %s again", m.env.Name, envs.ErrNotReady, now.State)
	case !errors.Is(err, envs.ErrNotFound):
		return err
	}
	if err := m.removeVersions(ctx); err != nil {
		return err
	}
	return m.removeImages(ctx)
}
