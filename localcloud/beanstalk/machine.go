package beanstalk

import (
	"errors"
	"time"

	"beansprout/localcloud/wire"
)

// verb is an operation on an environment.
type verb string

const (
	launch    verb = "launch"
	update    verb = "update"  // another version, options or description
	retag     verb = "retag"   // a tag write is an environment update
	rebuild   verb = "rebuild" // of a live environment
	restore   verb = "restore" // rebuild of a terminated one
	swap      verb = "swap"
	terminate verb = "terminate"
	abort     verb = "abort" // of a running update
)

// during is the state during a verb's work. Those of rebuild and swap are not documented.
var during = map[verb]string{
	launch: launching, restore: launching, update: updating, retag: updating, rebuild: updating, swap: updating, terminate: terminating,
}

// refuse returns AWS's refusal if the state does not allow the verb.
func (e environment) refuse(v verb) error {
	switch {
	case v == terminate && e.Status == ready:
		return nil
	case v == terminate:
		return invalid("Cannot terminate environment named %s. It is currently pending %s.", e.Name, pending(e.Status))
	case v == abort && !e.abortable():
		return invalid("Environment named %s is in an invalid state for this operation. Must be pending deployment.", e.Name)
	case v == abort:
		return nil
	case v == restore && e.live():
		return invalid("Environment %s already exists.", e.Name)
	case v == retag && e.Status != ready:
		return busy("Unable to update tags of environment: %s.", e.Name)
	case v != restore && e.Status != ready:
		return invalid("Environment named %s is in an invalid state for this operation. Must be Ready.", e.Name)
	}
	return nil
}

func pending(status string) string {
	switch status {
	case launching:
		return "creation"
	case terminating:
		return "termination"
	}
	return "deployment"
}

// begin begins work.
func (e environment) begin(w work, now time.Time, takes time.Duration) (environment, []note) {
	w.Until = now.Add(takes)
	if w.Verb != retag && w.Verb != swap {
		e.Spare = ""
	}
	e.Work, e.Updated, e.Status = &w, now, during[w.Verb]
	return e, e.starting()
}

// flaw is a mistake in the options or tags that AWS finds only during the work.
type flaw string

func (f flaw) Error() string { return string(f) }

// flawed returns an error if the work must fail because of a flaw.
func (e environment) flawed() error {
	switch e.Work.Verb {
	case launch, restore, rebuild, update:
		if e.Work.Flaw != "" {
			return flaw(e.Work.Flaw)
		}
	case retag:
		if sameTags(e.Setup.Tags, e.Work.Wanted.Tags) {
			return flaw("Service:AmazonCloudFormation, Message:No updates are to be performed.")
		}
	}
	return nil
}

// settle ends the work, which has failed if err is not nil. The status does not tell: after a failed
// update the environment is Ready, too, and as it was before.
func (e environment) settle(err error, now time.Time) (environment, []note) {
	w := *e.Work
	after := e
	after.Status, after.Work, after.Updated = ready, nil, now
	if w.Aborted {
		return after, e.aborted()
	}
	if err != nil {
		after.fail(w.Verb, err)
		if w.Verb == update && !isFlaw(err) && !isDown(err) {
			after.Spare = e.updated(err)
		}
		return after, e.failed(err)
	}
	switch w.Verb {
	case terminate:
		after.Status = terminated
	case launch, restore, rebuild, update:
		after.Failed = false
	}
	after.Setup = w.Wanted
	return after, e.done()
}

// fail changes the environment after the verb has failed. An environment with a flaw at its launch is
// terminated. An update leaves the environment as it was, unless nothing answers any more.
func (e *environment) fail(v verb, err error) {
	if v != launch && v != restore && v != rebuild && !(v == update && isDown(err)) {
		return
	}
	e.Failed = true
	if isFlaw(err) && v != rebuild {
		e.Status = terminated
	}
}

func isFlaw(err error) bool {
	_, ok := errors.AsType[flaw](err)
	return ok
}

func isDown(err error) bool {
	d, ok := errors.AsType[interface {
		error
		Down() bool
	}](err)
	return ok && d.Down()
}

// reason returns the cause of a failure in one line, in the runner's words.
func reason(err error) string {
	if r, ok := errors.AsType[interface {
		error
		Reason() string
	}](err); ok {
		return r.Reason()
	}
	return err.Error()
}

// notFound returns AWS's refusal of a name or id that no live environment has.
func notFound(which, value string) error {
	return invalid("No Environment found for %s = '%s'.", which, value)
}

// unknown returns AWS's refusal of a resource that does not exist.
func unknown(kind, name string) error { return invalid("No %s named '%s' found.", kind, name) }

// exists returns AWS's refusal of a name that is taken.
func exists(kind, name string) error { return invalid("%s %s already exists.", kind, name) }

// tooMany returns AWS's refusal at a quota.
func tooMany(what, plural string, limit int) error {
	return wire.Errorf("TooMany"+what+"Exception", "You cannot have more than %d %s. Either remove some %s or request a limit increase.", limit, plural, plural)
}
