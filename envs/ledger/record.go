package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrGarbage is reported when an object of the ledger isn't a record. Instances of the
// environments may be able to write to the bucket.
var ErrGarbage = errors.New("not a ledger record")

// maxRecord bounds what is read of a record, in bytes; half of it what is written.
const maxRecord = 64 << 10

// Record is what changes about one environment. It counts only while Environment is the id
// of the living one; what orders the runs of up (Ticket, Asked, Teardowns, Lease) always counts.
type Record struct {
	// Counter is raised by every write: equal bytes have equal ETags, and a record that was
	// changed and changed back must not look untouched.
	Counter int64 `json:"counter"`
	// Write is random, of the last write: it tells a writer whose answer was lost that it is in.
	Write string `json:"write,omitempty"`

	Ticket    int64  `json:"ticket,omitempty"`    // the last that an up has drawn
	Asked     string `json:"asked,omitempty"`     // commit of that up
	Teardowns int64  `json:"teardowns,omitempty"` // how often somebody took the feature down
	Lease     *Held  `json:"lease,omitempty"`     // nil when nobody holds it (any more)

	Environment string             `json:"environment,omitempty"` // its id
	Feature     string             `json:"feature,omitempty"`
	Version     string             `json:"version,omitempty"`  // label of what runs
	Commit      string             `json:"commit,omitempty"`   // that Version was made of
	Images      []string           `json:"images,omitempty"`   // live tags of what runs
	Ran         int64              `json:"ran,omitempty"`      // ticket of the up that made Version run
	Before      Run                `json:"before,omitzero"`    // what ran before, for a rollback
	Settings    []string           `json:"settings,omitempty"` // "namespace:name" of what we have set
	Message     Message            `json:"message,omitzero"`
	Extended    time.Time          `json:"extended,omitzero"` // an expiry later than the computed one
	Kept        *Keeping           `json:"kept,omitempty"`
	Durations   map[string]float64 `json:"durations,omitempty"` // seconds that launch, deploy, configure and terminate last took
	Outcome     *Outcome           `json:"outcome,omitempty"`
	Removed     *Removal           `json:"removed,omitempty"` // of a tombstone whose last version is kept for a restore

	// At is when the record was read, by S3's clock.
	At time.Time `json:"-"`
}

// Run is a version that an environment has run.
type Run struct {
	Version string   `json:"version,omitempty"` // its label
	Commit  string   `json:"commit,omitempty"`
	Images  []string `json:"images,omitempty"` // its live tags
}

// Message is where the environment's Slack message is.
type Message struct {
	Channel   string `json:"channel,omitempty"` // its id, not its name
	Timestamp string `json:"timestamp,omitempty"`
}

// Keeping says who protects an environment from the janitor.
type Keeping struct {
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// Outcome is how the last verb that changed the environment ended.
type Outcome struct {
	Verb    string    `json:"verb,omitempty"`
	Result  string    `json:"result,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Version string    `json:"version,omitempty"`
	Ticket  int64     `json:"ticket,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// Removal is what the janitor has kept of an environment that it removed.
type Removal struct {
	At       time.Time `json:"at,omitzero"`
	ID       string    `json:"id,omitempty"`       // the environment's
	Version  string    `json:"version,omitempty"`  // label of what ran
	Commit   string    `json:"commit,omitempty"`   // that Version was made of
	Images   []string  `json:"images,omitempty"`   // its live tags
	Settings []string  `json:"settings,omitempty"` // "namespace:name" of what we had set
}

// Draw gives the next ticket to an up of commit. A counter that has nowhere to go starts over.
func (r *Record) Draw(commit string) int64 {
	last := max(r.Ticket, r.Ran)
	if last == math.MaxInt64 {
		last, r.Ran = 0, 0
	}
	r.Ticket, r.Asked = last+1, commit
	return r.Ticket
}

// SpeakOf makes the record one of the environment with this id. What it said about an earlier
// one of the name is dropped, but for the message, the past durations and the order of the
// runs, which go on.
func (r *Record) SpeakOf(id string) {
	if r.Environment != id {
		r.empty()
		r.Environment = id
	}
}

// Shrink makes the record a tombstone: what orders the runs stays, and what was kept for a
// restore. The message stays with it, so that a restore finds it.
func (r *Record) Shrink(kept *Removal) {
	message := r.Message
	r.empty()
	r.Removed, r.Message = kept, Message{}
	if kept != nil {
		r.Message = message
	}
}

func (r *Record) empty() {
	*r = Record{
		Counter: r.Counter, Write: r.Write, Ticket: r.Ticket, Asked: r.Asked, Teardowns: r.Teardowns,
		Lease: r.Lease, Feature: r.Feature, Message: r.Message, Durations: r.Durations, At: r.At,
	}
}

// parse reads a record, all of which may be hostile.
func parse(text []byte) (r Record, err error) {
	if len(text) > maxRecord {
		return r, fmt.Errorf("%w: over %d bytes", ErrGarbage, maxRecord)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	r.tame()
	return r, nil
}

// tame takes out of a record what no writer of ours puts there and what would stop one.
func (r *Record) tame() {
	for _, n := range []*int64{&r.Counter, &r.Ticket, &r.Ran, &r.Teardowns} {
		*n = max(*n, 0)
	}
	if r.Counter == math.MaxInt64 {
		r.Counter = 0
	}
	if r.Teardowns == math.MaxInt64 {
		r.Teardowns = 0
	}
	r.Extended = r.Extended.UTC()
	if r.Extended.Year() > 9999 { // it couldn't be written again
		r.Extended = time.Time{}
	}
}
