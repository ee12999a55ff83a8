package beanstalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/wire"
)

// goOn performs the work of an environment in its own goroutine.
func (s *Service) goOn(region, id string) { s.wait.Go(func() { s.carryOut(region, id) }) }

// carryOut performs the work of the environment and settles it. It begins again if an abort has
// changed the work meanwhile. If the service is closed, the work waits for the next start.
func (s *Service) carryOut(region, id string) {
	defer s.turn(id)()
	for {
		ctx, done := s.attempt(id)
		e, ok := s.row(region, id)
		if !ok || e.Work == nil {
			done()
			return
		}
		err := s.perform(ctx, e)
		interrupted := ctx.Err() != nil
		done()
		if s.ctx.Err() != nil || errors.Is(err, engine.ErrClosed) {
			return
		}
		if !interrupted && s.settle(e, err) {
			return
		}
	}
}

// attempt returns a context that ends with the service or when the work is aborted.
func (s *Service) attempt(id string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[id] = cancel
	return ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.attempts, id)
		cancel()
	}
}

// interrupt ends the running attempt for the environment, if there is one.
func (s *Service) interrupt(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.attempts[id]; cancel != nil {
		cancel()
	}
}

// turn waits until no other work runs for the environment. The caller calls end after its own work.
func (s *Service) turn(id string) (end func()) {
	s.mu.Lock()
	turn := s.turns[id]
	if turn == nil {
		turn = new(sync.Mutex)
		s.turns[id] = turn
	}
	s.mu.Unlock()
	turn.Lock()
	return turn.Unlock
}

func (s *Service) row(region, id string) (e environment, ok bool) {
	err := s.within(wire.Call{Region: region}, s.db.View, func(st *state) error {
		e, ok = environments.get(st, id)
		return nil
	})
	return e, ok && err == nil
}

// perform does the part of the work that is outside the state.
func (s *Service) perform(ctx context.Context, e environment) error {
	w := e.Work
	if w.Aborted {
		return s.run(ctx, e.ID, e.Name, e.Setup)
	}
	if err := e.flawed(); err != nil {
		return err
	}
	if err := s.Sleep(ctx, w.Until.Sub(s.Now())); err != nil {
		return err
	}
	switch w.Verb {
	case retag, swap:
		return nil
	case terminate:
		return s.Runner.Terminate(ctx, e.ID)
	case rebuild:
		if err := s.Runner.Terminate(ctx, e.ID); err != nil {
			return err
		}
	}
	return s.run(ctx, e.ID, e.Name, w.Wanted)
}

// run deploys a setup; a few deployments run at a time. A paused environment runs nothing.
func (s *Service) run(ctx context.Context, id, name string, set setup) error {
	if set.Options.paused() {
		return s.Runner.Terminate(ctx, id)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	bundle, err := s.bundle(set)
	if err != nil {
		return err
	}
	family := familyOf(set.Platform)
	return s.Runner.Deploy(ctx, engine.Deployment{
		Environment: id, Name: name, Version: set.Version,
		Bundle: bytes.NewReader(bundle), Size: int64(len(bundle)),
		Foreign: family != "" && family != "ECS" && family != "Docker", Compose: family == "Docker",
		Variables: set.Options.variables(), HealthPath: set.Options.healthPath(), Port: set.Options.port(), Deadline: set.Options.deadline(),
	})
}

// bundle returns the bundle of a setup, and nil for the sample application.
func (s *Service) bundle(set setup) ([]byte, error) {
	if set.Key == "" {
		return nil, nil
	}
	body, _, err := s.Objects.Get(set.Bucket, set.Key)
	if err != nil {
		return nil, fmt.Errorf("download bundle s3://%s/%s: %w", set.Bucket, set.Key, err)
	}
	defer body.Close()
	return io.ReadAll(body)
}

// settle records how the work of e ended. It returns false if the work has changed: the update was
// aborted just before it ended.
func (s *Service) settle(e environment, outcome error) (settled bool) {
	settled = true
	call := wire.Call{ID: e.Work.Request, Region: e.Region, Account: e.Account, Now: s.Now()}
	err := s.within(call, s.db.Update, func(st *state) error {
		now, _ := environments.get(st, e.ID)
		if now.Work == nil || now.Work.Aborted != e.Work.Aborted {
			settled = now.Work == nil
			return nil
		}
		after, notes := now.settle(outcome, round(st.Now))
		st.turnInto(now, after, notes)
		st.finishDeletion(after.Application)
		return nil
	})
	if err != nil { // the next start does it again
		s.Log.Error("settle environment", "environment", e.Name, "id", e.ID, "error", err)
		return true
	}
	s.Log.Info("environment settled", "environment", e.Name, "id", e.ID, "verb", e.Work.Verb, "error", outcome)
	return settled
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
