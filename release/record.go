package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"beansprout/release/aws"
	"beansprout/visible"
)

// Phase is how far a release has come.
type Phase string

// The phases. A release goes forward through the first seven, or back through the others.
const (
	Planned     Phase = "planned"
	Preparing   Phase = "preparing" // new instances start
	Proving     Phase = "proving"   // they are to stay healthy
	Waiting     Phase = "waiting"   // for an approval
	Shifting    Phase = "shifting"  // traffic moves
	Watching    Phase = "watching"  // the old side is in Standby
	Finishing   Phase = "finishing" // the old instances are terminated: there is no way back
	Aborting    Phase = "aborting"
	RollingBack Phase = "rolling back"
)

// Outcome is how a release has ended.
type Outcome string

// The outcomes.
const (
	Finished   Outcome = "finished"
	Aborted    Outcome = "aborted"
	RolledBack Outcome = "rolled back"
)

// A Record is what AWS can't tell of a release: its plan, what was there before, who asked for what, and
// how far it has come. Others may be able to write it: what it says is checked.
type Record struct {
	Plan   Plan   `json:"plan"`
	Digest string `json:"digest"` // of the plan

	Started    Request           `json:"started,omitzero"`
	Phase      Phase             `json:"phase"`
	Step       int               `json:"step,omitempty"` // of the plan, from 0
	Since      time.Time         `json:"since,omitzero"` // of the phase and step
	Reason     string            `json:"reason,omitempty"`
	Before     map[string]Before `json:"before,omitempty"` // by group
	First      string            `json:"first,omitempty"`  // the old instance that is terminated before the others
	Abort      *Request          `json:"abort,omitempty"`
	Rollback   *Request          `json:"rollback,omitempty"`
	Finish     *Request          `json:"finish,omitempty"`
	Notes      []Note            `json:"notes,omitempty"`       // for readers; nothing is decided by them
	ApprovedBy string            `json:"approved_by,omitempty"` // for readers, as are Notes
	Outcome    Outcome           `json:"outcome,omitempty"`
	Ended      time.Time         `json:"ended,omitzero"`

	// Approval comes from an object of its own, which only approvers may write. Nothing in the record's
	// JSON becomes an approval.
	Approval *Approval `json:"-"`
}

// A Request is what a person asked for, and when.
type Request struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Before is what a group was like before the release changed anything.
type Before struct {
	Sizes     aws.Sizes          `json:"sizes"`
	Suspended []string           `json:"suspended,omitempty"`
	Tags      map[string]aws.Tag `json:"tags,omitempty"` // those that the release sets; absent ones are absent
	Schedules []aws.Schedule     `json:"schedules,omitempty"`
	Policies  []aws.Policy       `json:"policies,omitempty"`
}

// A Note tells that a move was about to be made.
type Note struct {
	At    time.Time `json:"at"`
	Kind  MoveKind  `json:"kind"`
	Group string    `json:"group,omitempty"`
	IDs   []string  `json:"ids,omitempty"`
	Text  string    `json:"text,omitempty"`
}

const (
	recordLimitBytes = 64 << 10
	noteLimit        = 100 // the newest stay
	textLimit        = 300 // characters
	idLimit          = 20  // of one note
)

// ErrNoRecord is reported when bytes are not the record of a release.
var ErrNoRecord = errors.New("not a record of a release")

// ParseRecord reads a record that others may have written. Its plan must be the one that its digest names.
func ParseRecord(text []byte) (r Record, err error) {
	if len(text) > recordLimitBytes {
		return r, fmt.Errorf("%w: %d bytes, want at most %d", ErrNoRecord, len(text), recordLimitBytes)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrNoRecord, err)
	}
	if err := r.Plan.Check(); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrNoRecord, err)
	}
	if r.Digest != r.Plan.Digest() {
		return Record{}, fmt.Errorf("%w: its digest is not its plan's", ErrNoRecord)
	}
	if r.Step < 0 || r.Step >= len(r.Plan.Steps) {
		return Record{}, fmt.Errorf("%w: the plan has no step %d", ErrNoRecord, r.Step+1)
	}
	r.limit()
	return r, nil
}

// Marshal returns the record as JSON: equal records give equal bytes. One that ParseRecord would refuse is
// an error.
func (r Record) Marshal() ([]byte, error) {
	r.limit()
	text, err := json.Marshal(r)
	if err == nil && len(text) > recordLimitBytes {
		err = fmt.Errorf("the record of release %d has %d bytes, more than %d: release fewer groups at once", r.Plan.Number, len(text), recordLimitBytes)
	}
	return text, err
}

// limit shortens what others may have written.
func (r *Record) limit() {
	if n := len(r.Notes); n > noteLimit {
		r.Notes = r.Notes[n-noteLimit:]
	}
	r.Notes = append([]Note(nil), r.Notes...)
	for i := range r.Notes {
		n := &r.Notes[i]
		n.Text, n.Group, n.IDs = visible.Line(n.Text, textLimit), visible.Line(n.Group, textLimit), n.IDs[:min(len(n.IDs), idLimit)]
	}
	r.Reason = visible.Line(r.Reason, textLimit)
	r.ApprovedBy = visible.Line(r.ApprovedBy, textLimit)
	for _, q := range []**Request{&r.Abort, &r.Rollback, &r.Finish} {
		if *q != nil {
			short := Request{visible.Line((*q).By, textLimit), (*q).At, visible.Line((*q).Reason, textLimit)}
			*q = &short
		}
	}
	r.Started.By, r.Started.Reason = visible.Line(r.Started.By, textLimit), visible.Line(r.Started.Reason, textLimit)
}

// Note adds a line for readers about a move.
func (r *Record) Note(m Move, now time.Time) {
	r.Notes = append(r.Notes, Note{now, m.Kind, m.Group, m.IDs, m.Reason})
	r.limit()
}

// Apply writes what a move that changes the record says into it. The other moves change nothing here.
func (r *Record) Apply(m Move, now time.Time) {
	switch m.Kind {
	case Remember:
		r.Before = m.Before
	case Enter:
		r.Phase, r.Step, r.Since, r.Reason = m.Phase, m.Step, now, m.Reason
		if m.Phase == Finishing && len(m.IDs) > 0 {
			r.First = m.IDs[0]
		}
		if r.Approval != nil && m.Phase == Shifting {
			r.ApprovedBy = r.Approval.By
		}
	case End:
		r.Outcome, r.Ended = m.Outcome, now
	}
}
