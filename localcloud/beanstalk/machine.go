package beanstalk

import (
	"errors"
	"time"

	"beansprout/localcloud/wire"
)

// verb is what can be done to an environment.
type verb string

const (
	launch    verb = "launch"
	update    verb = "update"  // another version, options or description
	retag     verb = "retag"   // a tag write is an environment update
	rebuild   verb = "rebuild" // of a live environment
	restore   verb = "restore" // rebuild of a terminated one
	swap      verb = "swap"
	terminate verb = "terminate"
	abort     verb = "abort" // of an update under way
)

// during is the state that lasts while a verb's work is under way. Those of rebuild and
// swap are not documented.
var during = map[verb]string{
	launch: launching, restore: launching, update: updating, retag: updating, rebuild: updating, swap: updating, terminate: terminating,
}

// refuse is what AWS answers when the state does not allow the verb, else nil.
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

// begin puts work under way.
func (e environment) begin(w work, now time.Time, takes time.Duration) (environment, []note) {
	w.Until = now.Add(takes)
	e.Work, e.Updated, e.Status = &w, now, during[w.Verb]
	return e, e.starting()
}

// flaw is a mistake in the options or tags that AWS notices once the work is under way.
type flaw string

func (f flaw) Error() string { return string(f) }

// flawed says whether the work fails whatever the containers do.
func (e environment) flawed() error {
	switch e.Work.Verb {
	case launch, restore, rebuild, update:
		if f := e.Work.Wanted.Options.flaw(); f != "" {
			return flaw(f)
		}
	case retag:
		if sameTags(e.Setup.Tags, e.Work.Wanted.Tags) {
			return flaw("Service:AmazonCloudFormation, Message:No updates are to be performed.")
		}
	}
	return nil
}

// settle ends the work under way, which failed with err unless that is nil. Status never
// tells which: an update that failed ends ready too, as it was before.
func (e environment) settle(err error, now time.Time) (environment, []note) {
	w := *e.Work
	after := e
	after.Status, after.Work, after.Updated = ready, nil, now
	if w.Aborted {
		return after, e.aborted()
	}
	if err != nil {
		after.fail(w.Verb, err)
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

// fail is what becomes of an environment when the verb did not work. One that was launched
// with impossible options is taken away again; one that was updated goes on as it was, unless
// the update left nothing that answers.
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

// reason is the cause of a failure in one line, as the runner puts it.
func reason(err error) string {
	if r, ok := errors.AsType[interface {
		error
		Reason() string
	}](err); ok {
		return r.Reason()
	}
	return err.Error()
}

// notFound is AWS's answer to a name or id that no live environment has.
func notFound(which, value string) error {
	return invalid("No Environment found for %s = '%s'.", which, value)
}

// unknown is AWS's answer to a resource of a kind that does not exist.
func unknown(kind, name string) error { return invalid("No %s named '%s' found.", kind, name) }

// exists is AWS's answer to a name that is taken.
func exists(kind, name string) error { return invalid("%s %s already exists.", kind, name) }

// tooMany is AWS's answer at a quota.
func tooMany(what, plural string, limit int) error {
	return wire.Errorf("TooMany"+what+"Exception", "You cannot have more than %d %s. Either remove some %s or request a limit increase.", limit, plural, plural)
}
