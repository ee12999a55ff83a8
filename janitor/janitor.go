// Package janitor takes environments away when their days are over. What goes in is a
// clock, the environments that exist and one function that removes an environment; what
// comes out is deletions, and a report that gives a reason for each one made and not made.
package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"beansprout/envs"
)

// Cloud is what a sweep asks.
type Cloud interface {
	// Environments lists every environment that isn't Terminated, and tells what time it
	// is by AWS's clock. An incomplete list is an error.
	Environments(ctx context.Context) (rows []envs.Env, now time.Time, err error)
	// Fresh reads one environment and its tags now, by id. The error wraps
	// envs.ErrNotFound when the environment is gone.
	Fresh(ctx context.Context, id string) (envs.Env, envs.Tags, error)
}

// Janitor holds what a sweep needs and where its brakes are.
type Janitor struct {
	Cloud    Cloud
	Account  string // AWS's account number, a part of every environment's name
	Lifetime envs.Lifetime

	// MaxDeletions is how many removals one sweep begins; 0 means none.
	MaxDeletions int
	// Max, when it is more than 0, is how many environments may be due at once, in place of the
	// larger of 10 and half of ours.
	Max int

	// Remove takes one environment away with all that belongs to it. An error that wraps
	// envs.ErrNotReady puts the environment back until the next sweep, one that wraps
	// envs.ErrNotOurs says that it was left alone: both are no failures.
	Remove func(ctx context.Context, e envs.Env) (envs.Receipt, error)
	// Kept returns the ledger's reason to keep an environment, "" when it has none.
	// An error keeps the environment too. A nil Kept knows no reason.
	Kept func(ctx context.Context, e envs.Env) (reason string, err error)

	// Last returns how many environments of ours the last live sweep left, 0 when there was
	// none, and Note writes it down. Both may be nil.
	Last func(ctx context.Context) (ours int, err error)
	Note func(ctx context.Context, ours int) error

	// Attic knows what environments have left that have gone; nil leaves that alone.
	Attic Attic
	// RestoreFor is how long that stays after the end of an environment.
	RestoreFor time.Duration

	Log *slog.Logger     // one line per decision and one per sweep; nil for none
	Now func() time.Time // our own clock; nil for time.Now
}

// Sweep makes one pass over all environments. Unless live, it only reports what it would
// do and why. The error joins what went wrong with single environments, or says why the
// whole sweep was refused; ErrTooMany and ErrShrunk are two of those reasons.
//
// When ctx ends, the removal in progress is finished and no other is begun.
func (j *Janitor) Sweep(ctx context.Context, live bool) (Report, error) {
	report, err := j.prepare(ctx)
	if err == nil && live {
		err = report.refusal
	}
	if err == nil {
		j.act(ctx, report, live)
		err = ctx.Err()
	}
	if err == nil && live && j.Note != nil {
		err = j.Note(ctx, report.Ours-report.count(Removed))
	}
	j.logSweep(ctx, report, live, err)
	return report, errors.Join(err, report.errs())
}

// check refuses to sweep by blank settings, which would make everything expired.
func (j *Janitor) check() error {
	switch {
	case j.Lifetime.TTL <= 0:
		return fmt.Errorf("sweep: the lifetime of environments is %v: it must be longer than nothing", j.Lifetime.TTL)
	case j.Account == "":
		return errors.New("sweep: the AWS account is unknown")
	}
	return nil
}

// guard turns a panic of f into an error, so that one environment can't end the daemon.
func (j *Janitor) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			j.logger().Error("panic", "cause", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

func (j *Janitor) now() time.Time {
	if j.Now == nil {
		return time.Now()
	}
	return j.Now()
}
