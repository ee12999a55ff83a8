package janitor

import (
	"context"
	"fmt"
	"time"
)

// removalTime bounds one removal. AWS takes two to five minutes to terminate an
// environment; one that isn't gone after this is left to the next sweep.
const removalTime = 30 * time.Minute

// sideBySide is how many environments are worked on at once. Most of the time they wait for AWS, and
// their questions are asked in one call.
const sideBySide = 4

// act warns, and removes what is to be removed, as far as the limit goes. Without live it marks what a
// live sweep would keep after all, and what it would leave for the next one.
func (j *Janitor) act(ctx context.Context, report *Report, live bool) {
	w := &work{janitor: j, ctx: ctx, live: live, left: j.budget(), done: make(chan result)}
	for i := range report.Decisions {
		w.begin(&report.Decisions[i], w.task(report.Decisions[i]))
	}
	for i := range report.Leftovers {
		w.begin(&report.Leftovers[i], j.clear) // which a sweep without live does not call
	}
	for w.running > 0 {
		w.finish()
	}
	for _, d := range report.Decisions {
		if d.disproved {
			report.Known--
		}
	}
	if live && ctx.Err() == nil {
		j.noteFound(ctx, report)
	}
}

// task is what is done about an environment. It does not remember the sweep's end.
type task func(ctx context.Context, d Decision) Decision

// task returns what is done about a decision, nil where nothing is.
func (w *work) task(d Decision) task {
	switch {
	case d.unexplained:
		return w.janitor.explain
	case d.Action == Remove && w.live:
		return w.janitor.expire
	case d.Action == Warn && w.live:
		return w.janitor.warn
	case d.note:
		return func(ctx context.Context, d Decision) Decision { return w.janitor.noteGone(ctx, d, w.live) }
	case d.Action == Remove, d.Action == Warn:
		return w.janitor.rehearse
	}
	return nil
}

// work is what a sweep is doing. One goroutine begins everything and counts, so that no limit is
// exceeded by what runs side by side.
type work struct {
	janitor  *Janitor
	ctx      context.Context
	live     bool
	left     budget
	running  int
	removing int // of these, how many may turn out to be a removal or a failure
	done     chan result
}

// result is what came of a task.
type result struct {
	into *Decision
	d    Decision
}

// begin has a task done as soon as there is room for it, or marks the decision as left for the next
// sweep.
func (w *work) begin(d *Decision, do task) {
	removes := d.Action == Remove
	if do == nil {
		w.janitor.logDecision(*d)
		return
	}
	for w.running == sideBySide || removes && w.running > 0 && w.left.spentBut(w.removing) {
		w.finish()
	}
	switch reason := w.left.spent(*d); {
	case d.unexplained && (reason != "" || w.ctx.Err() != nil):
		w.janitor.logDecision(*d)
		return
	case reason != "":
		if d.leftover != nil && d.leftover.Failure != "" {
			reason += "; " + d.Reason
		}
		*d = d.is(w.postponed(*d), "left for the next sweep: "+reason)
	case w.ctx.Err() != nil:
		*d = d.is(w.postponed(*d), "left for the next sweep: this one was stopped")
	default:
		w.left.take(*d)
		w.start(d, do, removes)
		return
	}
	w.janitor.logDecision(*d)
}

// postponed returns what a decision becomes that is left for the next sweep.
func (w *work) postponed(d Decision) Action {
	if d.Action == Remove {
		return Keep
	}
	return Wait
}

func (w *work) start(d *Decision, do task, removes bool) {
	was := *d
	w.running++
	if removes {
		w.removing++
	}
	dry := !w.live && was.leftover != nil
	go func() {
		now := was
		if !dry {
			if err := w.janitor.guard(func() error { now = do(w.ctx, was); return nil }); err != nil {
				now = was.failed(nil, err)
			}
		}
		w.done <- result{d, now}
	}()
}

// finish waits until a task is done.
func (w *work) finish() {
	r := <-w.done
	w.running--
	if r.into.Action == Remove {
		w.removing--
		w.left.spend(r.d)
	}
	*r.into = r.d
	w.janitor.remember(r.d)
	w.janitor.logDecision(r.d)
}

// budget is what one sweep may still do.
type budget struct {
	maxRemovals                             int
	removals, failures, explanations, looks int
}

const (
	// fewFailures is how many removals may fail in a sweep that may make fewer.
	fewFailures = 3
	// extraLooks is how many more than twice MaxDeletions environments a sweep may look at: their tags
	// are read, of which the whole account has two a second.
	extraLooks = 5
)

// budget returns the limits of one sweep. Failures have a limit of their own: else stuck environments would
// use up the removals. What isn't ours has one, too: its tags are read only to report the reason.
func (j *Janitor) budget() budget {
	b := budget{maxRemovals: j.MaxDeletions, removals: j.MaxDeletions, failures: max(j.MaxDeletions, fewFailures), explanations: j.MaxDeletions}
	if j.MaxDeletions > 0 {
		b.looks = 2*j.MaxDeletions + extraLooks
	}
	return b
}

// spentBut reports whether no other removal may be begun while so many are under way: each may turn
// out to be a removal or a failure.
func (b *budget) spentBut(removing int) bool {
	return removing > 0 && (b.removals <= removing || b.failures <= removing)
}

// spent returns why nothing more may be begun about such a decision, or "".
func (b *budget) spent(d Decision) string {
	switch {
	case d.unexplained:
		if b.explanations <= 0 {
			return "enough was explained"
		}
	case d.Action == Remove && b.removals <= 0:
		return fmt.Sprintf("one sweep removes at most %d", b.maxRemovals)
	case d.Action == Remove && b.failures <= 0:
		return "too many removals have failed in this one"
	case d.leftover == nil && b.looks <= 0:
		return "this sweep has read the tags of as many environments as one sweep may"
	}
	return ""
}

// take counts what is begun.
func (b *budget) take(d Decision) {
	switch {
	case d.unexplained:
		b.explanations--
	case d.leftover == nil:
		b.looks--
	}
}

// spend counts what came of a removal.
func (b *budget) spend(d Decision) {
	switch {
	case d.Action == Remove, d.Action == Removed, d.Action == Failed && d.Receipt != nil && len(d.Receipt.Removed) > 0:
		b.removals--
	case d.Action == Failed:
		b.failures--
	}
}
