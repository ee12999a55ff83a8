package envs

import (
	"fmt"
	"time"

	"beansprout/visible"
)

// An Event is one thing that happened during an operation of the Manager.
type Event struct {
	Time time.Time
	Kind EventKind
	Step string // names the step that begins, has a line to show, or ends; "" of notes and warnings
	Text string
	Err  error // why a step failed
}

// EventKind is what an Event reports.
type EventKind string

const (
	Note    EventKind = "note"    // a sentence for the user
	Warning EventKind = "warning" // something went wrong that does not stop the operation
	Begin   EventKind = "begin"   // a step begins that may take a while
	Line    EventKind = "line"    // a line of what happens in the step
	End     EventKind = "end"     // the step has ended: Text is its result, or Err why it failed
)

// Options are those of every operation that changes something.
type Options struct {
	By       string      // who asks, for those who wait for the lease; a build's name, or user@host
	Progress func(Event) // nil reports nothing. It is called by several goroutines at a time
	DryRun   bool        // decide and report, and change nothing
	Reason   string      // why an environment is removed, or will be, for announcers and history; "" says it in general
	Until    time.Time   // of Warn: when the environment will be removed, if that is before it expires
	Pressed  bool        // a message's button asks: the answer is told also by announcers that have no message
}

func (o Options) report(e Event) {
	if o.Progress != nil {
		e.Time = time.Now()
		o.Progress(e)
	}
}

func (o Options) note(format string, args ...any) {
	o.report(Event{Kind: Note, Text: fmt.Sprintf(format, args...)})
}

func (o Options) warn(err error) { o.report(Event{Kind: Warning, Text: err.Error(), Err: err}) }

// step reports that a step begins, which ends once.
func (o Options) step(name string) step {
	o.report(Event{Kind: Begin, Step: name})
	return step{o, name}
}

// step is something that takes a while.
type step struct {
	options Options
	name    string
}

func (s step) line(text string) { s.options.report(Event{Kind: Line, Step: s.name, Text: text}) }

func (s step) done(result string) { s.options.report(Event{Kind: End, Step: s.name, Text: result}) }

func (s step) fail(err error) {
	s.options.report(Event{Kind: End, Step: s.name, Text: visible.FirstLine(err.Error()), Err: err})
}
