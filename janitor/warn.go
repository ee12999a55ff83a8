package janitor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"beansprout/envs"
)

// warn has the owner of an environment warned, if nothing keeps it that only its tags tell.
func (j *Janitor) warn(ctx context.Context, d Decision) Decision {
	_, read, err := j.readAgain(ctx, d, false)
	if err != nil {
		return read.Decision.stays(err)
	}
	d = read.Decision
	err = j.Environments.Warn(ctx, read.environment, j.options(d))
	if protected, ok := errors.AsType[*envs.ProtectedError](err); ok {
		return d.is(Keep, protected.Reason)
	}
	if errors.Is(err, envs.ErrNotReady) {
		return d.is(Wait, err.Error()+": next sweep")
	}
	if err != nil {
		d.Err = fmt.Errorf("warn the owner of environment %q: %w", d.Env.Name, err)
		return d.is(Wait, "its owner could not be warned: it stays until that succeeds")
	}
	return d.is(Warned, d.Reason)
}

// options returns those of what is done about a decision: they tell why, and when.
func (j *Janitor) options(d Decision) envs.Options {
	o := j.Options
	o.Until = d.Expiry
	if d.BranchGone() {
		o.Reason = branchGone
	}
	return o
}

// checkImages reports what is wrong with the images of the environments that stay.
func (j *Janitor) checkImages(ctx context.Context, report *Report) {
	if ctx.Err() != nil {
		return
	}
	removed := map[string]bool{}
	for _, d := range report.Decisions {
		if d.Action == Removed {
			removed[d.Env.ID] = true
		}
	}
	living := slices.DeleteFunc(report.living, func(e *envs.Environment) bool { return removed[e.ID] })
	var troubles map[string]string
	err := j.guard(func() (err error) {
		troubles, err = j.Environments.ImageTroubles(ctx, living)
		return err
	})
	if err != nil {
		report.Unseen = err
		j.logger().Warn("images", "error", fmt.Errorf("look for the images of living environments: %w", err))
	}
	for _, e := range living {
		if trouble := troubles[e.ID]; trouble != "" {
			report.Warnings = append(report.Warnings, Decision{Env: &e.Env, Action: Keep, Reason: trouble, Expiry: e.Expires, now: report.Now})
			j.logger().Warn("images", "environment", e.Name, "id", e.ID, "feature", e.Feature, "reason", trouble)
		}
	}
}
