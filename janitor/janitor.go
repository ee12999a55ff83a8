// Package janitor removes expired environments and those whose branch is gone. It decides which are due,
// in which order, how many at once, and when so many are due that it is probably a mistake. It warns the
// owners before. It reads and removes through the interface Environments, which *envs.Manager
// implements. The result is a report with the reason for each removal made and not made.
package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"beansprout/envs"
)

// Environments is what a sweep reads, warns and removes with.
type Environments interface {
	// Survey lists every environment that is not Terminated, and the leftovers of removed ones. It has
	// pick set Read where the record of an environment matters, and reads that. An incomplete list is
	// an error.
	Survey(ctx context.Context, pick func(all []*envs.Candidate, now time.Time)) (envs.Survey, error)
	// Expire reads a candidate again and removes it with all that belongs to it, unless what was read
	// or keep returns a reason to keep it: then the error is a *envs.KeptError. An error that wraps
	// envs.ErrNotReady puts the environment back until the next sweep, and is no failure either. A dry
	// run reads, asks and removes nothing.
	Expire(ctx context.Context, c envs.Candidate, keep func(envs.Environment, time.Time) string, o envs.Options) (envs.Receipt, error)
	// RemoveLeftover removes what an environment has left. An error that wraps envs.ErrNotReady means
	// that another operation is at work on the name, or that it lives again.
	RemoveLeftover(ctx context.Context, l envs.Leftover, o envs.Options) (envs.Receipt, error)
	// ImageTroubles returns by id what is wrong with the images that living environments run.
	ImageTroubles(ctx context.Context, living []*envs.Environment) (map[string]string, error)
	// Announces reports whether there is anybody to warn by.
	Announces() bool
	// Warn tells the owner that the environment ends at the Until of the options, and notes that in the
	// record. It returns an error unless the warning was delivered.
	Warn(ctx context.Context, e envs.Environment, o envs.Options) error
	// NoteMissing notes since when the environment's branch is gone; the zero time means that it isn't.
	NoteMissing(ctx context.Context, e envs.Environment, since time.Time, o envs.Options) error
	// NoteSweep notes what the next sweep has to know; LastSweep and Survey return it.
	NoteSweep(ctx context.Context, note envs.LastSweep) error
	LastSweep(ctx context.Context) (envs.LastSweep, error)
}

// Janitor has the settings and limits of sweeps. It must not be copied.
type Janitor struct {
	Environments Environments
	Options      envs.Options  // of what it does; DryRun is the sweep's to say
	Warn         time.Duration // how long before its end an owner is warned; 0 warns no owner
	Branches     Branches      // of the remote; the zero Branches goes by days alone

	// MaxDeletions is how many removals one sweep makes; 0 means none. So many more may fail, and at
	// least a few, before the sweep ends.
	MaxDeletions int
	// Max, when it is more than 0, is how many environments may be due at once, in place of the
	// larger of 10 and half of ours.
	Max int

	Log   *slog.Logger        // one line per thing done and one per sweep; nil for none
	Now   func() time.Time    // our own clock; nil for time.Now
	Swept func(Report, error) // called after each sweep with its results; may be nil

	sweeping sync.Mutex           // there are never two at once
	looked   map[string]time.Time // by id, when something kept an environment that seemed due
	listing  listing
}

// Sweep makes one pass over all environments. Unless live, it only reports what it would
// do and why. The error joins what went wrong with single environments, or says why the
// whole sweep was refused; ErrTooMany and ErrShrunk are two of those reasons. A second Sweep
// waits for the first.
//
// When ctx ends, the removals in progress are finished and no other is begun.
func (j *Janitor) Sweep(ctx context.Context, live bool) (Report, error) {
	j.sweeping.Lock()
	defer j.sweeping.Unlock()
	began := time.Now()
	report := Report{Decisions: []Decision{}, States: map[string]int{}}
	err := j.guard(func() error { return j.sweep(ctx, &report, live) })
	report.Live, report.Took = live, time.Since(began)
	j.logSweep(ctx, report, err)
	err = errors.Join(err, report.errs())
	if j.Swept != nil {
		j.Swept(report, err)
	}
	return report, err
}

func (j *Janitor) sweep(ctx context.Context, report *Report, live bool) error {
	if err := j.prepare(ctx, report); err != nil {
		if ctx.Err() == nil {
			report.refuse(err, err.Error())
		}
		return err
	}
	if live && report.refusal != nil {
		return report.refusal
	}
	j.act(ctx, report, live)
	j.checkImages(ctx, report)
	if err := ctx.Err(); err != nil || !live {
		return err
	}
	return j.Environments.NoteSweep(ctx, envs.LastSweep{
		Environments: report.Known - report.Count(Removed), At: report.Now, Missing: report.stillMissing(),
	})
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
