package ledger

import (
	"fmt"
	"time"
)

// Held is the lease in a record: who has the right to change the environment now.
type Held struct {
	Holder  string    `json:"holder"`            // random
	Host    string    `json:"host,omitempty"`    // what PID is unique in
	PID     int       `json:"pid,omitempty"`     // of the holder's process
	Started string    `json:"started,omitempty"` // when that process began
	Verb    string    `json:"verb,omitempty"`
	By      string    `json:"by,omitempty"`
	Ticket  int64     `json:"ticket,omitempty"`
	Since   time.Time `json:"since,omitzero"` // by S3's clock, as is Renewed
	Renewed time.Time `json:"renewed"`
}

// precision is that of the dates which S3 sends.
const precision = time.Second

// expired says whether a lease is over at now, by S3's clock. modified is when its record was
// last written: whoever wrote a later date into the lease is not believed. alive says whether
// the holder's process lives, where that is known.
func expired(h Held, duration time.Duration, now, modified time.Time, alive func(Held) (known, alive bool)) bool {
	renewed := h.Renewed
	if modified.Before(renewed) {
		renewed = modified
	}
	if now.Sub(renewed) >= duration+precision {
		return true
	}
	known, lives := alive(h)
	return known && !lives
}

func (h *Held) who() string { return fmt.Sprintf("%q of %q", h.Verb, h.By) }
