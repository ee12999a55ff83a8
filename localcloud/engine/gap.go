package engine

import "context"

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
		e.stop(ctx, id, old.generation)
		e.drop(ctx, s, id, old.generation)
	}
	old.cut()
}
