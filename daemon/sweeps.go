package daemon

import (
	"context"
	"errors"
	"time"

	"beansprout/envs/store"
	"beansprout/janitor"
)

// watch sweeps an application on its schedule until ctx ends.
func (d *Daemon) watch(ctx context.Context, s *service) {
	d.sayNext(s)
	if err := s.Janitor.Run(ctx, s.Schedule, d.config.Live); err != nil {
		d.log.Error("no more sweeps", "application", s.name, "error", err.Error())
	}
}

func (d *Daemon) sayNext(s *service) {
	d.log.Info("waiting", "application", s.name, "next", s.table.Next(time.Now().UTC()))
}

// swept tells of a sweep that has ended.
func (d *Daemon) swept(s *service, r janitor.Report, err error) {
	if errors.Is(err, context.Canceled) { // the daemon ends
		return
	}
	s.health.swept(time.Now(), err)
	d.metrics.swept(s.name, r, err)
	if d.board != nil {
		d.board.Swept(s.Manager.Application(), s.Manager.Region(), r)
	}
	d.tell(s, r, err)
	d.sayNext(s)
}

// beat tells every minute, until ctx ends, that a janitor serves the application: only then do messages
// have buttons.
func (d *Daemon) beat(ctx context.Context, s *service) {
	h := store.Heartbeat{Live: d.config.Live, Presses: d.takesPresses() && s.Slack != nil}
	for {
		if err := s.Manager.Beat(ctx, h); err != nil && ctx.Err() == nil {
			d.log.Warn("heartbeat", "application", s.name, "error", err.Error())
		}
		if pause(ctx, store.HeartbeatInterval) != nil {
			return
		}
	}
}

// pause returns nil after some time, or the error of ctx when that ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
