package envs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// fail writes the failure into the record, with the end of the logs, and announces it. It returns the error, with the cause if the
// time was over.
func (r *run) fail(ctx context.Context, e Environment, err error) error {
	err = overdue(ctx, err)
	r.recordFailure(ctx, err)
	reason := err.Error()
	failure, isFailure := errors.AsType[*beanstalk.Failure](err)
	_, unanswered := errors.AsType[*CheckError](err)
	switch {
	case wasInterrupted(ctx, err):
		reason = interrupted
		if e.ID != "" && !r.aborts {
			r.noteThatAWSGoesOn()
		}
	case isFailure:
		reason += failure.Details()
		if failure.HasLogs() {
			reason += r.showLogs(ctx, e.Env, failure)
		}
	case e.ID != "" && (unanswered || ctx.Err() != nil):
		reason += r.showLogs(ctx, e.Env, nil)
	}
	r.announce(NewsFailed, e, reason)
	if _, detail, more := strings.Cut(reason, "\n"); more {
		r.noteLog(ctx, detail)
	}
	return err
}

// overdue returns an error of an operation whose time was over with what the context says about
// that; any other error as it is.
func overdue(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// recordFailure has the record say how a run ended that did not come to the end of a lease. The
// record of a later run stays, and so does a rollback that is to be gone on with.
func (r *run) recordFailure(ctx context.Context, err error) {
	if r.recorded {
		return
	}
	last, cancel := lastWords(ctx, releaseTime, releaseOvertime)
	defer cancel()
	_, failure := r.store.Change(last, r.name, func(rec *store.Record) {
		if rec.RequestNumber != r.atRequest.RequestNumber || rec.Outcome != nil && rec.Outcome.Result == begun {
			return
		}
		o := store.Outcome{Verb: r.operation, RequestNumber: r.atRequest.RequestNumber, At: rec.At.UTC()}
		o.Result, o.Reason = r.ending(ctx, err)
		rec.Outcome = &o
		r.noteFailure(rec)
	})
	if failure != nil {
		r.options.warn(failure)
	}
}

// shownLogLines is how many lines of the logs are shown when a run has failed.
const shownLogLines = 40

// showLogs shows the end of the environment's logs, after a failure of an operation those of the
// instances on which it failed, and returns all of it for the announcers.
func (r *run) showLogs(ctx context.Context, e Env, failure *beanstalk.Failure) string {
	heading, only := "the end of its logs:", []string{}
	if failure != nil {
		if only = failure.Instances(); len(only) == 0 {
			heading = "AWS names no instance that failed; the end of the logs of what runs:"
		}
	}
	ctx, cancel := lastWords(ctx, logTime, logOvertime)
	defer cancel()
	text, err := r.manager.logs(ctx, e, only...)
	switch {
	case err != nil:
		r.options.note("its logs can't be had: %v", err)
		return ""
	case text == "":
		r.options.note("it has logged nothing")
		return ""
	}
	r.options.note("%s", heading)
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, line := range lines[max(0, len(lines)-shownLogLines):] {
		r.options.note("    %s", line)
	}
	return "\n" + text
}
