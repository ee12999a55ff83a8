// Package views has the JSON of results, whose keys are a contract: new ones may come, none is renamed.
package views

import (
	"fmt"
	"io"
	"strings"
	"time"

	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// Event is one of AWS's events.
type Event struct {
	Time     time.Time `json:"time"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Request  string    `json:"request"`
}

// NewEvent returns the view of an event.
func NewEvent(e beanstalk.Event) Event { return Event{e.Time.UTC(), e.Severity, e.Message, e.Request} }

// PrintEvent prints an event with its time.
func PrintEvent(w io.Writer, e beanstalk.Event) error {
	_, err := fmt.Fprintf(w, "%s  %-5s  %s\n", terminal.LocalTime(e.Time), terminal.Sanitize(e.Severity), terminal.Sanitize(e.Message))
	return err
}

// Happening is an entry of a feature's history.
type Happening struct {
	At   time.Time `json:"time"`
	ID   string    `json:"environment"`
	What string    `json:"what"`
	By   string    `json:"by"`
	Text string    `json:"text"`

	Build string `json:"build,omitempty"` // URL of the CI's run that did it
	Log   string `json:"log,omitempty"`   // of a failure, its last lines
}

// PrintHistory prints a feature's history as a table, or as JSON.
func PrintHistory(w io.Writer, all []store.Happening, now time.Time, asJSON bool) error {
	entries, rows := []Happening{}, [][]string{}
	for _, h := range all {
		entries = append(entries, Happening(h))
		rows = append(rows, []string{strings.TrimSpace(envs.Ago(h.At, now) + " ago"), h.What, h.By, terminal.LocalTimes(h.Text)})
	}
	if asJSON {
		return terminal.PrintJSON(w, entries)
	}
	return terminal.PrintTable(w, rows)
}
