package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"
)

// Claim is what somebody wants a lease for.
type Claim struct {
	Verb, By  string // what is to be done, and who does it: a build's URL, or user@host
	Ticket    int64
	Impatient bool       // ErrHeld at once when somebody else holds it
	Waiting   func(Held) // called once for each holder that is waited for; may be nil
}

// Take waits until it holds the lease of the named environment. decide, which may be nil, is
// asked with each record that is seen; an error of decide ends the waiting.
func (l *Ledger) Take(ctx context.Context, name string, c Claim, decide func(Record) error) (*Lease, Record, error) {
	h := &Lease{ledger: l, name: name, holder: rand.Text()}
	var waited string
	for wait := l.poll; ; wait = min(wait*3/2, 5*l.poll) {
		r, holder, err := h.take(ctx, c, decide)
		if err == nil {
			return h, r, nil
		}
		if holder == nil || c.Impatient {
			return nil, r, err
		}
		if holder.Holder != waited && c.Waiting != nil {
			c.Waiting(*holder)
		}
		waited = holder.Holder
		if err := pause(ctx, wait); err != nil {
			return nil, r, fmt.Errorf("wait for the lease of %s: %w", name, err)
		}
	}
}

// take makes one try. It returns who else holds the lease, together with the error.
func (h *Lease) take(ctx context.Context, c Claim, decide func(Record) error) (r Record, holder *Held, err error) {
	var sent instant
	r, err = h.ledger.swap(ctx, h.name, func(was reading) (Record, error) {
		after := was.Record
		if after.Lease != nil && after.Lease.Holder == h.holder {
			return after, errUnaltered // a try of ours whose answer was lost
		}
		if decide != nil {
			if err := decide(after); err != nil {
				return after, err
			}
		}
		if holder = after.Lease; holder != nil {
			return after, fmt.Errorf("environment %s: %w: %s", h.name, ErrHeld, holder.who())
		}
		sent = earlier(sent, was.sent)
		after.Lease = h.held(c, was.At)
		return after, nil
	})
	if err == nil {
		h.note(sent, r.Counter)
	}
	return r, holder, err
}

func (h *Lease) held(c Claim, at time.Time) *Held {
	began, _ := startOf(os.Getpid())
	return &Held{
		Holder: h.holder, Host: thisHost(), PID: os.Getpid(), Started: began,
		Verb: c.Verb, By: c.By, Ticket: c.Ticket, Since: at, Renewed: at,
	}
}
