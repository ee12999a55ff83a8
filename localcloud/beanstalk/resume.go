package beanstalk

import (
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/wire"
)

// place says which row of which region.
type place struct{ region, id string }

// resume continues the work that was running when the state was last open, and starts the ready
// environments.
func (s *Service) resume() error {
	var under, idle []place
	err := s.within(wire.Call{Now: s.Now()}, s.db.Update, func(st *state) error {
		environments.forget(st, func(e environment) bool { return !e.live() && st.Now.Sub(e.Updated) > keeps })
		events.forget(st, func(e event) bool { return st.Now.Sub(e.At) > keeps })
		for _, e := range environments.everywhere(st) {
			switch at := (place{e.Region, e.ID}); {
			case e.Work != nil:
				under = append(under, at)
			case e.Status == ready:
				idle = append(idle, at)
			}
		}
		for _, v := range versions.everywhere(st) {
			if v.Status == processing {
				s.wait.Go(func() { s.process(v) })
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, at := range under {
		s.goOn(at.region, at.id)
	}
	s.wait.Go(func() {
		var g errgroup.Group
		g.SetLimit(cap(s.slots))
		for _, at := range idle {
			g.Go(func() error { s.adopt(at); return nil })
		}
		_ = g.Wait() // adopt logs and records its failures
	})
	return nil
}

// forget removes the old records. AWS keeps rows and events for six weeks.
func (t table[T]) forget(st *state, old func(T) bool) {
	var keys []string
	for key, rec := range t.everywhere(st) {
		if old(rec) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		st.fail(st.tx.Bucket([]byte(t.bucket)).Delete([]byte(key)))
	}
}

// adopt deploys the setup of a ready environment, which the runner starts unless it runs already. It
// records a change of the environment's health.
func (s *Service) adopt(at place) {
	defer s.turn(at.id)()
	e, ok := s.row(at.region, at.id)
	if !ok || e.Work != nil || e.Status != ready {
		return
	}
	err := s.run(s.ctx, e.ID, e.Name, e.Setup)
	if s.ctx.Err() != nil || errors.Is(err, engine.ErrClosed) || e.Failed == (err != nil) {
		return
	}
	s.Log.Warn("environment found changed", "environment", e.Name, "id", e.ID, "error", err)
	call := wire.Call{Region: e.Region, Account: e.Account, Now: s.Now()}
	recorded := s.within(call, s.db.Update, func(st *state) error {
		before, ok := environments.get(st, e.ID)
		if after := before; ok && before.Work == nil {
			after.Failed = err != nil
			st.turnInto(before, after, nil)
		}
		return nil
	})
	if recorded != nil {
		s.Log.Error("record environment", "environment", e.Name, "id", e.ID, "error", recorded)
	}
}

// round truncates t to the resolution of AWS's dates.
func round(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
