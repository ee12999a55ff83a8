package janitor

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
)

// Action is what a sweep did to an environment, or would do.
type Action string

// What a sweep can do. Remove is the decision, Removed the deed.
const (
	Remove  Action = "remove"
	Removed Action = "removed"
	Keep    Action = "kept"
	Failed  Action = "failed"
)

// Report is what one sweep saw, decided and did.
type Report struct {
	Environments int        `json:"environments"` // all that were listed
	Ours         int        `json:"ours"`         // of these, those known to be ours
	Young        int        `json:"young"`        // of ours, those whose days are not over
	Refused      string     `json:"refused,omitempty"`
	Decisions    []Decision `json:"decisions"` // about all whose days are over, the longest overdue first

	// Leftovers are decisions about what environments that have gone have left behind; of these
	// environments no more than the name is known.
	Leftovers []Decision `json:"leftovers,omitempty"`

	now     time.Time // by AWS's clock
	refusal error     // what a live sweep is refused with
	unread  error     // why the leftovers aren't known
}

// Decision is what becomes of one environment, and why.
type Decision struct {
	Env     envs.Env
	Action  Action
	Reason  string        // why it is kept
	Expiry  time.Time     // when its days were over
	Receipt *envs.Receipt // of a removal that was begun
	Err     error         // what went wrong with a removal, or with reading what it depends on

	ours bool
	tags envs.Tags
}

// MarshalJSON writes a decision in the words of the command line.
func (d Decision) MarshalJSON() ([]byte, error) {
	message := ""
	if d.Err != nil {
		message = d.Err.Error()
	}
	return json.Marshal(struct {
		Environment string        `json:"environment"`
		ID          string        `json:"id"`
		Feature     string        `json:"feature"`
		Action      Action        `json:"action"`
		Reason      string        `json:"reason,omitempty"`
		Expired     time.Time     `json:"expired,omitzero"`
		Receipt     *envs.Receipt `json:"receipt,omitempty"`
		Error       string        `json:"error,omitempty"`
	}{d.Env.Name, d.Env.ID, d.Env.Feature, d.Action, d.Reason, d.Expiry, d.Receipt, message})
}

func (d Decision) keep(reason string) Decision {
	d.Action, d.Reason = Keep, reason
	return d
}

// unclear keeps what can't be decided about.
func (d Decision) unclear(err error) Decision {
	d.Action, d.Reason, d.Err = Keep, "what is known about it can't be read", err
	return d
}

// refuse has a live sweep refused; the first reason is the one that is told.
func (r *Report) refuse(err error, reason string) {
	if r.refusal == nil {
		r.refusal, r.Refused = err, reason
	}
}

func (r *Report) sort() {
	slices.SortFunc(r.Decisions, func(a, b Decision) int {
		if c := a.Expiry.Compare(b.Expiry); c != 0 {
			return c
		}
		return strings.Compare(a.Env.ID, b.Env.ID)
	})
}

func (r *Report) count(a Action) (n int) {
	for _, d := range r.Decisions {
		if d.Action == a {
			n++
		}
	}
	return n
}

func (r *Report) errs() error {
	var all []error
	for _, d := range slices.Concat(r.Decisions, r.Leftovers) {
		all = append(all, d.Err)
	}
	return errors.Join(append(all, r.unread)...)
}
