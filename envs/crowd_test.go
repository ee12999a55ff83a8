package envs

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// transition is how long the cloud takes for a change in these tests: others come meanwhile.
const transition = 200 * time.Millisecond

// TestTheLastRequestOfTwoManagersWins has two Managers of one process, which are two owners of leases,
// deploy several commits to one feature at once.
func TestTheLastRequestOfTwoManagersWins(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{CreateTime: transition, UpdateTime: transition}, nil)
	managers := []*Manager{p.manager, p.newManager(nil)}
	const n = 8
	results := make([]Result, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var err error
			results[i], err = managers[i%2].Deploy(t.Context(), deployment("x", fmt.Sprint("commit ", i)), Options{})
			if err != nil {
				t.Errorf("Deploy: %v", err)
			}
		})
	}
	all.Wait()
	e, err := p.manager.Get(t.Context(), "shop", "x")
	if err != nil {
		t.Fatal(err)
	}
	rec := e.Own()
	if rec.RequestNumber != n || rec.Deployed != n || rec.Commit != rec.Requested || rec.Lease != nil || rec.Version != e.Version {
		t.Errorf("the record says %+v", rec)
	}
	superseded := 0
	for i, r := range results {
		switch {
		case r.Outcome == Superseded:
			superseded++
		case r.Outcome != Created && r.Outcome != Deployed:
			t.Errorf("commit %d: %+v", i, r)
		}
		if last := fmt.Sprint("commit ", i) == rec.Requested; last && r.Outcome == Superseded {
			t.Errorf("commit %d was the last, and is superseded", i)
		}
	}
	if superseded == 0 {
		t.Error("no request is superseded")
	}
}

func TestManyOperationsOfOneManagerAtATime(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{CreateTime: transition, UpdateTime: transition, TerminateTime: transition}, nil)
	const features, operations = 5, 50
	feature := func(i int) string { return fmt.Sprint("feature-", i%features) }
	for i := range features {
		p.deployed(deployment(feature(i), "first"), Created)
	}
	var all sync.WaitGroup
	for i := range operations {
		all.Go(func() {
			if err := p.operate(i/features, feature(i)); !expected(err) {
				t.Errorf("operation %d on %s: %v", i/features, feature(i), err)
			}
		})
	}
	all.Wait()
	for i := range features {
		p.consistent(feature(i))
	}
	for i := range features {
		r, err := p.manager.Deploy(t.Context(), deployment(feature(i), "last"), Options{})
		if err != nil || r.Environment.Commit != "last" {
			t.Errorf("%s in the end: %+v, %v", feature(i), r, err)
			continue
		}
		if _, err := p.manager.Remove(t.Context(), r.Environment, RemoveOptions{Force: true, Purge: true}); err != nil {
			t.Errorf("%s is removed: %v", feature(i), err)
		}
		if left, err := p.store().Bundles(t.Context(), r.Environment.Name, Versions(r.Environment.Name)); err != nil || len(left) > 0 {
			t.Errorf("%s has left %v, %v", feature(i), left, err)
		}
	}
}

// operate does one of ten operations on a feature.
func (p *plot) operate(which int, feature string) error {
	ctx, options := p.Context(), Options{By: fmt.Sprint("operation ", which)}
	if which < 3 {
		_, err := p.manager.Deploy(ctx, deployment(feature, fmt.Sprint("commit ", which)), options)
		return err
	}
	if which == 3 {
		_, err := p.manager.List(ctx, Filter{})
		return err
	}
	e, err := p.manager.Get(ctx, "shop", feature)
	if err != nil {
		return err
	}
	switch which {
	case 4:
		_, err = p.manager.Extend(ctx, e, time.Hour, options)
	case 5:
		_, err = p.manager.Protect(ctx, e, "", options)
	case 6:
		_, err = p.manager.Unprotect(ctx, e, options)
	case 7:
		_, err = p.manager.Remove(ctx, e, RemoveOptions{Options: options})
	case 8:
		_, err = p.manager.Rollback(ctx, e, RollbackOptions{Options: options, Check: HealthCheck{Off: true}})
	case 9:
		_, err = p.manager.Versions(ctx, e)
	}
	return err
}

// expected reports whether an operation may end so where others are at work on the same feature.
func expected(err error) bool {
	for _, is := range []error{ErrNotFound, ErrReplaced, ErrNoVersion} {
		if errors.Is(err, is) {
			return true
		}
	}
	var going *GoingError
	var protected *ProtectedError
	var superseded *SupersededError
	return err == nil || errors.As(err, &going) || errors.As(err, &protected) || errors.As(err, &superseded)
}

// consistent checks that AWS and the record agree about a feature that no operation is at work on.
func (p *plot) consistent(feature string) {
	p.Helper()
	rows, _, err := p.manager.beanstalk.Environments(p.Context(), "shop")
	if err != nil {
		p.Fatal(err)
	}
	var living []Env
	for _, e := range rows {
		if e.Name == p.name(feature) && !e.State.Gone() {
			living = append(living, e)
		}
	}
	rec, err := p.store().Read(p.Context(), p.name(feature))
	if err != nil || rec.Lease != nil {
		p.Errorf("%s: the record says %+v, %v", feature, rec, err)
	}
	switch {
	case len(living) > 1:
		p.Errorf("%s has %d environments", feature, len(living))
	case len(living) == 1 && !agrees(rec, living[0]):
		p.Errorf("%s: the record says %+v, and AWS %+v", feature, rec, living[0])
	}
}

func agrees(rec store.Record, e Env) bool {
	return rec.Environment == e.ID && rec.Version == e.Version && e.State == Ready
}
