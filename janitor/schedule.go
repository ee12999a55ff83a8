package janitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"beansprout/envs"
)

// Timetable says when the janitor sweeps.
type Timetable interface {
	// Next returns the first instant after t, or the zero time when there is none.
	Next(t time.Time) time.Time
}

// Schedule reads a schedule: five cron fields ("0 * * * *"), optionally in a time zone of
// their own ("CRON_TZ=Asia/Seoul 0 9 * * *") and in the machine's otherwise, or @hourly,
// @daily, @weekly, @monthly, @yearly, or "@every 90m" in whole seconds.
//
// On the day that daylight saving begins, a time of day that doesn't exist is skipped; on
// the day that it ends, one that is there twice is used twice. Neither harms: a sweep is
// only ever late or repeated.
func Schedule(expr string) (Timetable, error) {
	expr = strings.TrimSpace(expr)
	if err := checkSchedule(expr); err != nil {
		return nil, fmt.Errorf("read schedule %q: %w", expr, err)
	}
	table, err := cron.ParseStandard(expr)
	if err != nil {
		return nil, fmt.Errorf("read schedule %q: %w", expr, err)
	}
	// Any instant will do: what isn't found within five years of this one has no date at all.
	if table.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("read schedule %q: there is no such day", expr)
	}
	return table, nil
}

// CheckSchedule reports what is wrong with a schedule but for its time zone, of which only Run
// needs to know.
func CheckSchedule(expr string) error {
	expr = strings.TrimSpace(expr)
	if zone, ok := cutZone(expr); ok && checkSchedule(expr) == nil {
		_, expr, _ = strings.Cut(zone, " ")
	}
	_, err := Schedule(expr)
	return err
}

// checkSchedule refuses what the parser would panic at or read as something else.
func checkSchedule(expr string) error {
	if zone, ok := cutZone(expr); ok {
		name, rest, _ := strings.Cut(zone, " ")
		if name == "" || strings.TrimSpace(rest) == "" {
			return errors.New(`a time zone is written as in "CRON_TZ=Asia/Seoul 0 9 * * *"`)
		}
		expr = strings.TrimSpace(rest)
	}
	if every, ok := strings.CutPrefix(expr, "@every "); ok {
		d, err := time.ParseDuration(every)
		if err != nil {
			return err
		}
		if d < time.Second || d%time.Second != 0 {
			return fmt.Errorf("%q is not a whole number of seconds, one or more", every)
		}
	}
	return nil
}

func cutZone(expr string) (string, bool) {
	if zone, ok := strings.CutPrefix(expr, "CRON_TZ="); ok {
		return zone, true
	}
	return strings.CutPrefix(expr, "TZ=")
}

// Run sweeps whenever the schedule says so, until ctx ends; then it returns nil, as soon as the
// removals in progress are finished. It begins with a sweep if one was due since the last live one. A
// sweep that fails or panics is in the log and doesn't end the loop. A sweep that takes longer than the
// schedule's interval delays the next one.
func (j *Janitor) Run(ctx context.Context, schedule string, live bool) error {
	table, err := Schedule(schedule)
	if err != nil {
		return err
	}
	if j.missed(ctx, table) {
		_, _ = j.Sweep(ctx, live) // what it returns is in the log already
	}
	for {
		now := j.now().UTC()
		next := table.Next(now)
		if next.IsZero() {
			return fmt.Errorf("run: schedule %q has no instant after %v", schedule, now)
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		_, _ = j.Sweep(ctx, live)
	}
}

// missed reports whether a sweep was due since the last one. Where none was ever made, or it isn't
// known, none was.
func (j *Janitor) missed(ctx context.Context, table Timetable) bool {
	var last envs.LastSweep
	err := j.guard(func() (err error) {
		last, err = j.Environments.LastSweep(ctx)
		return err
	})
	if err != nil {
		j.logger().Warn("schedule", "error", fmt.Errorf("look whether a sweep was missed: %w", err))
		return false
	}
	return ctx.Err() == nil && !last.At.IsZero() && !table.Next(last.At.UTC()).After(j.now().UTC())
}
