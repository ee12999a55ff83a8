package engine

import "context"

// vacate stops what serves before its successor is started, as AWS's policy AllAtOnce does. New
// requests are answered 503 from here on; those in flight have the time that the containers take
// to end.
func (e *Engine) vacate(ctx context.Context, s *site, id string) {
	old := s.swap(nil, "The next version is being started; the one before was stopped.")
	if old == nil {
		return
	}
	if old.generation != "" {
		e.stop(ctx, id, old.generation)
		e.drop(ctx, s, id, old.generation)
	}
	old.cut()
}
