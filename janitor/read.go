package janitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"beansprout/envs"
)

// prepare lists, checks the clocks, and decides about each environment.
func (j *Janitor) prepare(ctx context.Context) (Report, error) {
	report := Report{Decisions: []Decision{}}
	if err := j.check(); err != nil {
		return report, err
	}
	rows, now, err := j.Cloud.Environments(ctx)
	if err != nil {
		return report, fmt.Errorf("list environments: %w", err)
	}
	if err := inStep(j.now(), now); err != nil {
		return report, err
	}
	report.now = now
	for _, row := range rows {
		j.inspect(ctx, row, &report)
	}
	report.sort()
	j.brake(ctx, &report)
	var left []remains
	left, report.unread = j.leftovers(ctx, rows, now)
	report.Leftovers = j.clearOut(left, now)
	return report, nil
}

// brake refuses a sweep that is likely to be a mistake.
func (j *Janitor) brake(ctx context.Context, report *Report) {
	if reason := tooMany(report.count(Remove), report.Ours, j.Max); reason != "" {
		report.refuse(fmt.Errorf("%w: %s", ErrTooMany, reason), reason)
	}
	if j.Last == nil || j.Max > 0 {
		return
	}
	left, err := j.Last(ctx)
	if err != nil {
		report.refuse(err, err.Error())
	} else if reason := shrunk(left, report.Ours, j.Max); reason != "" {
		report.refuse(fmt.Errorf("%w: %s", ErrShrunk, reason), reason)
	}
}

// inspect counts an environment and, when its days are over, adds a decision about it.
func (j *Janitor) inspect(ctx context.Context, row envs.Env, report *Report) {
	report.Environments++
	if row.State.Gone() {
		return
	}
	row, ours := envs.Recognize(j.Account, row)
	if expiry := j.Lifetime.Expiry(row); expiry.After(report.now) {
		if ours {
			report.Young++
			report.Ours++
		}
		return
	}
	d := j.judge(ctx, row, report.now)
	if ours || d.ours {
		report.Ours++
	}
	report.Decisions = append(report.Decisions, d)
}

// judge reads an environment anew and decides about it. What can be kept without
// reading is not read.
func (j *Janitor) judge(ctx context.Context, row envs.Env, now time.Time) Decision {
	d := Decision{Env: row, Action: Remove, Expiry: j.Lifetime.Expiry(row)}
	if reason := j.untimely(row, now); reason != "" {
		return d.keep(reason)
	}
	e, tags, err := j.Cloud.Fresh(ctx, row.ID)
	if errors.Is(err, envs.ErrNotFound) {
		return d.keep("is gone already")
	}
	if err != nil {
		return d.unclear(fmt.Errorf("read environment %q: %w", row.Name, err))
	}
	if d = j.decide(row, e, tags, now); d.Action != Remove || j.Kept == nil {
		return d
	}
	reason, err := j.Kept(ctx, d.Env)
	if err != nil {
		return d.unclear(fmt.Errorf("read the ledger of %q: %w", row.Name, err))
	}
	if reason != "" {
		return d.keep(reason)
	}
	return d
}
