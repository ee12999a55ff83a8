package beanstalk

import (
	"cmp"
	"fmt"
	"time"

	"beansprout/envs"
)

// doubt is what keeps a wait from its verdict.
type doubt int

const (
	working   doubt = iota // AWS is at work
	missing                // AWS doesn't know the environment
	unsaid                 // it is Ready, and AWS hasn't said how our request ended
	other                  // AWS says success, but it runs another version
	unhealthy              // AWS says success, but its health isn't acceptable
	standing               // it was to be terminated, and is Ready
)

// How long a doubt may last until it is a verdict.
const (
	// appearance is how long an environment may be missing from AWS's answers, and a new
	// version from an environment that has been said to run it.
	appearance = 30 * time.Second
	// silence is how long AWS may be Ready without having said how our request ended. Then
	// what runs decides: an event can be lost, or another request has ended ours.
	silence = 90 * time.Second
	// recovery is how long a deploy that succeeded may go on without good health. Enhanced
	// health lags the deploy by up to a minute.
	recovery = 3 * time.Minute
)

// verdict says whether the operation has ended and how. It is asked after each look.
func (w *watch) verdict(now time.Time) (done bool, err error) {
	cause, outcome := w.outcome()
	doubt := w.doubts(outcome)
	if doubt != w.doubt || w.since.IsZero() {
		w.doubt, w.since = doubt, now
	}
	lasts := now.Sub(w.since)
	switch {
	case w.op.kind == terminating:
		return w.terminated(cause, outcome, lasts)
	case w.env.State.Gone(), doubt == missing && (outcome == failed || lasts > appearance):
		return true, w.fail(cmp.Or(cause, "it was terminated meanwhile"))
	case w.env.ID == "" || w.gone || w.env.State != envs.Ready:
		return false, nil
	case outcome == failed:
		return true, w.fail(cause)
	case outcome == underway && w.abort != "":
		return true, w.fail(w.abort)
	}
	return w.settled(cause, lasts)
}

// doubts is what keeps the wait from its verdict now.
func (w *watch) doubts(outcome outcome) doubt {
	switch {
	case w.gone:
		return missing
	case w.env.State != envs.Ready:
		return working
	case w.op.kind == terminating:
		return standing
	case outcome == underway:
		return unsaid
	case w.env.Version != w.op.version:
		return other
	case !w.healthy():
		return unhealthy
	}
	return working
}

// settled is the verdict on an environment that is Ready and of which no failure is known.
func (w *watch) settled(cause string, lasts time.Duration) (done bool, err error) {
	wrong := w.env.Version != w.op.version
	switch {
	case w.doubt == working:
		return true, nil
	case w.doubt == unsaid && lasts <= silence,
		w.doubt == unsaid && !wrong && !w.healthy() && lasts <= silence+recovery,
		w.doubt == other && lasts <= appearance,
		w.doubt == unhealthy && lasts <= recovery:
		return false, nil
	case w.doubt == unsaid && cause != "":
		return true, w.fail(cause)
	case w.doubt == unsaid && wrong:
		return true, w.fail(fmt.Sprintf("AWS is Ready again and never said how it ended; the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case wrong:
		return true, w.fail(fmt.Sprintf("AWS reports success, but the environment runs version %q instead of %q", w.env.Version, w.op.version))
	case !w.healthy():
		return true, w.fail(fmt.Sprintf("AWS reports success, but its health is still %s after %s", health(w.env), recovery))
	}
	return true, nil
}

// terminated is the verdict on a termination. AWS shows what has gone as Terminated for some
// time; that it is missing says little by itself.
func (w *watch) terminated(cause string, outcome outcome, lasts time.Duration) (done bool, err error) {
	switch {
	case w.gone:
		return outcome == succeeded || lasts > appearance, nil
	case w.env.State == envs.Terminated:
		return true, nil
	case w.doubt == standing && (lasts > silence || cause != "" && lasts > hidden):
		return true, w.fail(cmp.Or(cause, "AWS has given it up: the environment is Ready"))
	}
	return false, nil
}

func (w *watch) fail(reason string) error { return &Failure{w.env, reason, w.events} }

func (w *watch) healthy() bool { return w.op.partial || Healthy(w.env) }

// Healthy says whether AWS calls the environment's health acceptable. Yellow is: a single
// instance is Yellow for a while after each deploy.
func Healthy(e envs.Env) bool { return e.Health == "Green" || e.Health == "Yellow" }
