package beanstalk

import (
	"cmp"
	"fmt"
	"time"
)

// pendingReason is the reason for which a wait can't decide yet that its operation has ended.
type pendingReason int

const (
	notPending    pendingReason = iota // all is well, or an operation is in progress
	notListed                          // AWS doesn't list the environment
	noOutcome                          // it is Ready, without an event about the end of our request
	otherVersion                       // AWS reports success, but it runs another version
	unhealthy                          // AWS reports success, but its health isn't acceptable
	notTerminated                      // its termination was requested, but it is Ready
)

// How long a reason may last until it decides.
const (
	// listingLag is how long an environment may be missing from AWS's answers, and a deployed
	// version from its environment.
	listingLag = 30 * time.Second
	// outcomeTimeout is how long an environment may be Ready without an event about the end of our
	// request. Then the version that runs decides: an event can be lost, or another request has
	// ended ours.
	outcomeTimeout = 90 * time.Second
	// healthTimeout is how long the health may be bad after a deploy that succeeded. Enhanced
	// health lags the deploy by up to a minute.
	healthTimeout = 3 * time.Minute
)

// verdict reports whether the operation has ended, and its error. It is called after each poll.
func (w *watch) verdict(now time.Time) (done bool, err error) {
	cause, outcome := w.outcome()
	reason := w.whyPending(outcome)
	if reason != w.pending || w.pendingSince.IsZero() {
		w.pending, w.pendingSince = reason, now
	}
	duration := now.Sub(w.pendingSince)
	switch {
	case w.op.kind == terminating:
		return w.terminationVerdict(cause, outcome, duration)
	case w.env.State.Gone(), reason == notListed && (outcome == failed || duration > listingLag):
		return true, w.fail(cmp.Or(cause, "it was terminated meanwhile"))
	case w.env.ID == "" || w.gone || w.env.State != Ready:
		return false, nil
	case outcome == failed:
		return true, w.fail(cause)
	case outcome == underway && w.abort != "":
		return true, w.fail(w.abort)
	}
	return w.readyVerdict(cause, duration)
}

// whyPending returns the reason for which the wait can't decide now.
func (w *watch) whyPending(outcome outcome) pendingReason {
	switch {
	case w.gone:
		return notListed
	case w.env.State != Ready:
		return notPending
	case w.op.kind == terminating:
		return notTerminated
	case outcome == underway:
		return noOutcome
	case w.env.Version != w.op.version:
		return otherVersion
	case !w.healthy():
		return unhealthy
	}
	return notPending
}

// readyVerdict is the verdict for an environment that is Ready without a known failure.
func (w *watch) readyVerdict(cause string, duration time.Duration) (done bool, err error) {
	wrong := w.env.Version != w.op.version
	switch {
	case w.pending == notPending:
		return true, nil
	case w.pending == noOutcome && duration <= outcomeTimeout,
		w.pending == noOutcome && !wrong && !w.healthy() && duration <= outcomeTimeout+healthTimeout,
		w.pending == otherVersion && duration <= listingLag,
		w.pending == unhealthy && duration <= healthTimeout:
		return false, nil
	case w.pending == noOutcome && cause != "":
		return true, w.fail(cause)
	case w.pending == noOutcome && wrong:
		return true, w.fail(fmt.Sprintf("AWS is Ready again and never said how it ended; the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case wrong:
		return true, w.fail(fmt.Sprintf("AWS reports success, but the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case !w.healthy():
		return true, w.fail(fmt.Sprintf("AWS reports success, but its health is still %s after %s", health(w.env), healthTimeout))
	}
	return true, nil
}

// terminationVerdict is the verdict for a termination. AWS lists an environment as Terminated for
// some time; that it is missing doesn't prove much.
func (w *watch) terminationVerdict(cause string, outcome outcome, duration time.Duration) (done bool, err error) {
	switch {
	case w.gone:
		return outcome == succeeded || duration > listingLag, nil
	case w.env.State == Terminated:
		return true, nil
	case w.pending == notTerminated && (duration > outcomeTimeout || cause != "" && duration > startLag):
		return true, w.fail(cmp.Or(cause, "AWS has given it up: the environment is Ready"))
	}
	return false, nil
}

func (w *watch) fail(reason string) error { return &Failure{w.env, reason, w.events} }

func (w *watch) healthy() bool { return w.op.partial || Healthy(w.env) }

// Healthy reports whether the environment's health is acceptable. Yellow is, because a single
// instance is Yellow for a while after each deploy.
func Healthy(e Env) bool { return e.Health == "Green" || e.Health == "Yellow" }
