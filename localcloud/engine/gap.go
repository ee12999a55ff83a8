package engine

import (
	"context"
	"time"
)

// pause makes the gap between two versions, if there is to be one.
func (e *Engine) pause(ctx context.Context, s *site, g *generation) error {
	gap := time.Duration(0)
	if g.composed {
		gap = e.ComposeGap
	}
	if !e.Gap && gap == 0 {
		return nil
	}
	if _, serving := s.current(); !serving {
		gap = 0
	}
	e.vacate(ctx, s, g.Environment)
	select {
	case <-time.After(gap):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// vacate stops the running generation before its successor starts, as AWS's policy AllAtOnce does.
// From then on new requests are answered 503. Those in flight may end while the containers stop.
func (e *Engine) vacate(ctx context.Context, s *site, id string) {
	const why = "The next version is being started; the one before was stopped."
	old := s.swap(nil, why)
	s.explain(why, true)
	if old == nil {
		return
	}
	if old.generation != "" {
		e.discard(ctx, s, id, old.generation)
	}
	old.cut()
}
