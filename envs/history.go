package envs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"beansprout/envs/store"
	"beansprout/visible"
)

// What can have happened to an environment, as its history calls it. Deploys are called by their
// outcome.
const (
	happenedRolledBack  = "rolled back"
	happenedExtended    = "extended"
	happenedProtected   = "protected"
	happenedUnprotected = "unprotected"
	happenedWarned      = "warned"
	happenedRemoved     = "removed"
	// HappenedPressed is that a person has asked for something, of which nothing has come that the history tells.
	HappenedPressed = "pressed"
)

// happening is what happens in an operation with these options, for the history. Secrets are taken out.
func (m *Manager) happening(o Options, what, text string) store.Happening {
	return store.Happening{What: what, By: m.config.Mask(visible.Line(o.By, byLimit)), Text: visible.Line(m.config.Mask(text), historyTextLimit)}
}

const (
	byLimit          = 100
	historyTextLimit = 200
)

// note adds to the history what has happened. It takes the place of the press that has asked for it: who did it, and
// where, it says as well.
func note(rec *store.Record, h store.Happening) {
	if last := len(rec.History) - 1; last >= 0 && h.By != "" && rec.History[last].What == HappenedPressed && rec.History[last].By == h.By {
		rec.History = rec.History[:last]
	}
	rec.Note(h)
}

// byWhom names who asked for something, as the end of a sentence.
func (o Options) byWhom() string {
	if by := visible.Line(o.By, byLimit); by != "" {
		return " by " + by
	}
	return ""
}

// History returns what happened to a feature's environments as far as the record knows, the oldest
// first. The error is a *MissingError if it knows of none.
func (m *Manager) History(ctx context.Context, application, feature string) ([]store.Happening, error) {
	name, err := m.name(ctx, application, feature)
	if err != nil {
		return nil, err
	}
	s, err := m.store(ctx)
	if err != nil {
		return nil, err
	}
	rec, err := s.Read(ctx, name)
	if err == nil && rec.Counter == 0 {
		err = m.missing(ctx, application, feature, nil, ErrNotFound)
	}
	return rec.History, err
}

// noteSuccess adds a run to the history that has changed what the environment runs, or what the record
// knows of that.
func (r *run) noteSuccess(rec *store.Record, outcome string) {
	if r.operation == operationRollback {
		outcome = happenedRolledBack
	}
	text := "commit " + commitName(r.commit)
	if r.owner != "" {
		text += " by " + r.owner
	}
	if r.subject != "" {
		text += ": " + r.subject
	}
	r.noteRun(rec, outcome, text)
}

// noteFailure adds how the run has ended, as the record's outcome says, to the history.
func (r *run) noteFailure(rec *store.Record) {
	text := r.operation
	if rec.Outcome.Reason != "" {
		text += ": " + rec.Outcome.Reason
	}
	r.noteRun(rec, rec.Outcome.Result, text)
}

// noteRun adds what the run did to the history, with the build that it was a part of.
func (r *run) noteRun(rec *store.Record, what, text string) {
	h := r.manager.happening(r.options, what, text)
	h.Build = r.buildURL
	note(rec, h)
	r.noted = rec.History[len(rec.History)-1]
}

// noteLog adds to the failure in the history what there is to tell about it besides its first line. Without that
// write the failure is known all the same.
func (r *run) noteLog(ctx context.Context, detail string) {
	if detail = strings.TrimSpace(r.manager.config.Mask(detail)); detail == "" || r.noted.What != failed {
		return
	}
	ctx, cancel := lastWords(ctx, releaseTime, logOvertime+time.Second)
	defer cancel()
	_, err := r.store.Change(ctx, r.name, func(rec *store.Record) { rec.AddLog(r.noted, detail) })
	if err != nil {
		r.options.warn(fmt.Errorf("%w: the history has no log of this failure", err))
	}
}
