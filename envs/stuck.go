package envs

import (
	"context"
	"errors"
	"time"

	"beansprout/envs/store"
	"beansprout/visible"
)

// removalInterrupted is why a removal failed that did not come to its end.
const removalInterrupted = "it was interrupted"

// noteStuck writes into the record why what an environment has left is still there. The record itself is
// no reason to wait then.
func (r *removal) noteStuck(rec *store.Record, err error) {
	switch {
	case err == nil:
		rec.Stuck = ""
	case errors.Is(err, ErrNotReady), wasInterrupted(context.Background(), err):
	default:
		rec.Stuck = visible.Line(r.manager.config.Mask(visible.FirstLine(err.Error())), historyTextLimit)
	}
}

// failure returns why the last removal of what an environment has left failed, if nothing but the record,
// which that removal has written, is too young. A later request of a deploy takes it out of the record.
func (m *Manager) failure(ctx context.Context, g garbage, now time.Time) string {
	young := now.Add(-leftoverMinAge)
	if !g.noted.After(young) || g.newest.After(young) {
		return ""
	}
	s, err := m.store(ctx)
	if err != nil {
		return ""
	}
	rec, err := s.Read(ctx, g.name)
	if err != nil || rec.Lease != nil {
		return ""
	}
	return rec.Stuck
}
