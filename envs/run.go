package envs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/visible"
)

// A run is one Deploy, Rollback or Restore, from the number of its request to its last word. What
// sets the three apart is the step that they take under the lease:
//
//	begin      the request gets its number in the record
//	announce   that the feature is being built, where it is
//	underLease the operation's own step, unless the run is superseded; then the record is written
//	end        the announcers are told how it ended, also after an interruption
type run struct {
	manager     *Manager
	options     Options
	operation   string // as records and leases call it
	name        string // of the environment
	id          string // of the one that was looked up; "" of a deploy
	feature     string
	application string // of the feature
	commit      string
	subject     string // of the commit
	owner       string
	email       string // of the owner
	buildURL    string
	days        Days // of the environment from now on
	check       HealthCheck
	https       bool // the environment answers by HTTPS alone, as far as that is known
	aborts      bool // an interruption has AWS abort what it has begun

	store     *store.Store
	draft     store.Draft               // the record as it was read first
	atRequest store.Record              // as it was when the request was numbered
	record    store.Record              // as it was read or written last
	durations map[string]float64        // seconds that AWS took for what was waited for
	tags      *ahead[map[string]string] // of the repository
	news      *announcement
	note      string          // what the announcers are told beside the state
	recorded  bool            // the record says how the run ended
	noted     store.Happening // what the history says of the run
}

// The operations as records and leases call them.
const (
	operationDeploy   = "up"
	operationRollback = "rollback"
	operationRestore  = "restore"
)

// newRun returns a run of the operation on an environment, of which it takes the name, the application and
// the feature.
func (m *Manager) newRun(operation string, e Env, o Options) *run {
	return &run{
		manager: m, options: o, operation: operation, name: e.Name, feature: e.Feature, application: e.Application,
		https: m.config.HTTPS, durations: map[string]float64{},
	}
}

// description is what a run writes into the description of the environment. settings is the digest of
// the names of those that are ours.
func (r *run) description(settings string) string {
	return Description{Feature: r.feature, Commit: r.commit, TTL: r.days.String(), Settings: settings, Owner: r.owner}.String()
}

// url returns the address of the environment of the run.
func (r *run) url(e Env) string { return urlOf(e, r.https) }

// environment puts together what was read of the environment of the run.
func (r *run) environment(e Environment) Environment {
	full := r.manager.environment(e.Env, e.Tags, &r.record)
	full.HTTPS = r.https
	return full
}

// read reads the record, unless it was read already.
func (r *run) read(ctx context.Context) (err error) {
	if r.store != nil {
		return nil
	}
	s, err := r.manager.store(ctx)
	if err != nil {
		return err
	}
	if r.draft, err = s.Draft(ctx, r.name); err != nil {
		return err
	}
	r.store, r.record = s, r.draft.Record
	return nil
}

// begin numbers the request. Of two requests the one with the higher number wins. The error is
// ErrReplaced where another environment lives under the name than the one that was looked up: its
// requests must not lose against this one.
func (r *run) begin(ctx context.Context) (err error) {
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.proveLookedUp(ctx); err != nil {
		return err
	}
	buttons := r.manager.askForButtons(ctx)
	r.atRequest, err = r.draft.Change(ctx, func(rec *store.Record) {
		rec.Feature, rec.Application = r.feature, r.application
		rec.NumberRequest(r.commit)
	})
	if err != nil {
		return err
	}
	r.record = r.atRequest
	r.news = r.manager.announce(ctx, r.name, r.atRequest, buttons, r.options)
	return nil
}

// proveLookedUp asks AWS which environment lives under the name, unless the record speaks of the one
// that was looked up. What is restored has gone: there the record speaks of none.
func (r *run) proveLookedUp(ctx context.Context) error {
	restores := r.operation == operationRestore
	if r.id == "" || r.record.Environment == r.id || restores && r.record.Environment == "" {
		return nil
	}
	_, err := r.manager.living(ctx, Env{Name: r.name, ID: r.id})
	if restores && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// announce tells the announcers about the environment; the zero Environment is one that is not known yet.
func (r *run) announce(state NewsState, e Environment, reason string) {
	n := r.manager.newsOf(state, r.environment(e))
	n.Name, n.Feature, n.Commit, n.Subject = r.name, r.feature, r.commit, r.subject
	n.Owner, n.Email, n.BuildURL = r.owner, r.email, r.buildURL
	n.Reason, n.Mended = reason, state == NewsReady && hasFailed(r.atRequest)
	if state != NewsFailed {
		n.Note = r.note
	}
	r.news.tell(n)
}

// underLease takes the step while it holds the environment's lease, and writes into the record what
// came of it with the write that gives the lease back. The error is a *SupersededError where a later
// request makes this one pointless. The environment of the result is filled in as far as it is known.
func (r *run) underLease(ctx context.Context, step func(context.Context, *lease) (Result, error), write func(*store.Record, Result, error)) (result Result, err error) {
	teardowns := r.atRequest.Removals
	q := request{
		verb: r.operation, number: r.atRequest.RequestNumber,
		decide: func(now store.Record) error { return r.supersededBy(ctx, now) },
		last: func(rec *store.Record, err error) {
			teardowns = rec.Removals
			write(rec, result, err)
			r.record, r.recorded = *rec, true
		},
	}
	err = r.manager.withLease(ctx, r.name, q, r.options, func(leaseCtx context.Context, l *lease) (err error) {
		r.record = l.record
		result, err = step(leaseCtx, l)
		if r.aborts && wasInterrupted(ctx, err) && result.Environment.ID != "" {
			r.abort(ctx, l, result.Environment.Env)
		}
		return err
	})
	if errors.Is(err, store.ErrLost) && ctx.Err() == nil {
		return result, r.afterLoss(ctx, err)
	}
	if err == nil && teardowns > r.atRequest.Removals && r.takenDown(ctx, result.Environment.Env) {
		return result, &SupersededError{removedMeanwhile}
	}
	return result, err
}

// afterLoss returns what the loss of the lease means: a later request has won, or a failure.
func (r *run) afterLoss(ctx context.Context, loss error) error {
	if now, err := r.store.Read(ctx, r.name); err == nil {
		if late := r.supersededBy(ctx, now); late != nil {
			return late
		}
	}
	return loss
}

// abortTime is how long an abort may take.
const abortTime = 5 * time.Minute

// abort makes AWS abort the running deploy and waits until the environment is as it was before. AWS
// aborts no launch.
func (r *run) abort(ctx context.Context, l *lease, e Env) {
	ctx, cancel := lastWords(ctx, abortTime, overtime)
	defer cancel()
	step := r.options.step("abort " + e.Name)
	err := l.beanstalk.Abort(ctx, e)
	if err == nil {
		e.State = beanstalk.Aborting
		e, err = r.manager.beanstalk.Settle(ctx, e)
	}
	if err != nil {
		step.fail(err)
		r.noteThatAWSGoesOn()
		return
	}
	step.done("it runs " + e.Version + " as before")
}

func (r *run) noteThatAWSGoesOn() {
	r.options.note("AWS goes on with what it has begun; the next deploy takes it from there")
}

// wait waits for the end of AWS's operation and shows its events as they happen.
func (r *run) wait(ctx context.Context, what string, op beanstalk.Operation) (Env, error) {
	step := r.options.step(what + " " + r.name)
	var events []beanstalk.Event
	expected := estimate(r.record, what)
	if expected > 0 && expected < readingMaxAge/2 {
		r.readTags(ctx)
	}
	e, err := r.manager.beanstalk.Wait(ctx, op.Expect(expected), func(ev beanstalk.Event) {
		events = append(events, ev)
		if ev.Succeeded() {
			r.readTags(ctx)
		}
		step.line(ev.Severity + " " + ev.Message)
	})
	if e.ID == "" {
		e.ID, e.Name = op.Environment(), r.name
	}
	e = ParseDeployed(e, r.feature)
	if err != nil && errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	if err != nil {
		step.fail(err)
		return e, fmt.Errorf("%s environment %s: %w", what, r.name, err)
	}
	r.durations[what] = beanstalk.OperationTime(events).Seconds()
	step.done(string(e.State))
	return e, nil
}

// untag takes the tags off the environment's images that neither run nor ran before, as the record will
// say.
func (r *run) untag(ctx context.Context, l *lease, after store.Record) {
	keep := slices.Concat(after.Images, after.Before.Images)
	if len(keep)+len(r.record.Before.Images) == 0 {
		return // artifacts alone have no images
	}
	if err := r.manager.untag(ctx, l, r.name, keep, r.tags, r.options); err != nil && ctx.Err() == nil {
		r.options.warn(err)
	}
}

// conclude writes into the record how the run has ended, and what it was to deploy.
func (r *run) conclude(ctx context.Context, rec *store.Record, result Result, target store.Run, err error) {
	rec.Durations = maps.Clone(rec.Durations)
	if rec.Durations == nil {
		rec.Durations = map[string]float64{}
	}
	maps.Copy(rec.Durations, r.durations)
	rec.Outcome = &store.Outcome{Verb: r.operation, Result: result.Outcome, Version: target.Version, RequestNumber: r.atRequest.RequestNumber, At: time.Now().UTC()}
	if err != nil {
		rec.Outcome.Result, rec.Outcome.Reason = r.ending(ctx, err)
		r.noteFailure(rec)
		return
	}
	noted := rec.Environment == result.Environment.ID && rec.Version == target.Version && !rec.LastDeploy.At.IsZero()
	rec.SetEnvironment(result.Environment.ID)
	rec.Images = r.manager.regional(r.name, rec.Images)
	rec.Succeed(target)
	rec.Feature, rec.Application = r.feature, r.application
	rec.Deployed, rec.Restorable = r.atRequest.RequestNumber, nil
	r.noteDeploy(rec, result, noted)
}

// ending returns the result and the reason that the record has for a run with this error.
func (r *run) ending(ctx context.Context, err error) (result, reason string) {
	if wasInterrupted(ctx, err) {
		return interrupted, ""
	}
	return failed, visible.Cut(r.manager.config.Mask(visible.FirstLine(err.Error())), 300)
}

// wasInterrupted reports whether an operation ended with err because it was interrupted, and not because
// its time was over.
func wasInterrupted(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && !errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// end tells the announcers how the run has ended, and returns when they have been told. A run that
// is superseded has not failed.
func (r *run) end(ctx context.Context, result Result, err error) (Result, error) {
	defer r.news.close()
	if late, ok := errors.AsType[*SupersededError](err); ok {
		gone := Env{Name: r.name, Application: r.application, Feature: r.feature}
		return Result{Environment: Environment{Env: gone}, Outcome: Superseded, Reason: late.Reason}, nil
	}
	e, commit := result.Environment, result.Environment.Commit
	result.Environment = r.environment(e)
	result.Environment.Commit = commit
	if err != nil {
		return result, r.fail(ctx, result.Environment, err)
	}
	r.announce(NewsReady, result.Environment, "")
	return result, nil
}
