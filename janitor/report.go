package janitor

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
)

// Action is what a sweep did to an environment, or would do.
type Action string

// The actions. Remove and Warn are decisions that are not carried out yet, Removed and Warned those
// that are. There is nothing to carry out about Keep. Wait is for what will be removed if nothing changes, Unknown for what stays because
// something about it is not known.
const (
	Remove  Action = "remove"
	Removed Action = "removed"
	Warn    Action = "warn"
	Warned  Action = "warned"
	Wait    Action = "wait"
	Keep    Action = "kept"
	Unknown Action = "unknown"
	Failed  Action = "failed"
)

// Report is what one sweep saw, decided and did.
type Report struct {
	Environments int            `json:"environments"` // all that were listed
	Known        int            `json:"ours"`         // of these, those known to be ours
	Young        int            `json:"young"`        // of ours, those whose days are not over
	Refused      string         `json:"refused,omitempty"`
	Decisions    []Decision     `json:"decisions"` // about all of ours, in the order of their removals
	Live         bool           `json:"live"`
	Now          time.Time      `json:"now,omitzero"` // AWS's clock at the beginning
	Took         time.Duration  `json:"-"`
	Oldest       time.Duration  `json:"-"` // the age of the oldest of ours
	States       map[string]int `json:"-"` // how many environments are in each of AWS's states

	// Leftovers are decisions about what environments that have gone have left behind; of these
	// environments no more than the name is known.
	Leftovers []Decision `json:"leftovers,omitempty"`

	// Warnings are about environments that stay and can't do without images that have gone or
	// can expire. Unseen is why nothing is known about these.
	Warnings []Decision `json:"warnings,omitempty"`
	Unseen   error      `json:"-"`

	// Unlisted is why nothing is known about the branches of the remote: none counts as gone then.
	Unlisted error `json:"-"`

	living  []*envs.Environment
	found   []*envs.Environment // whose branch was noted as gone, and is listed again
	missing []string            // ids of those whose branch was gone before, where it isn't known now
	refusal error               // what a live sweep is refused with
	unread  error               // why the leftovers aren't known
}

// Decision is what becomes of one environment, and why.
type Decision struct {
	Env     *envs.Env // of leftovers the name alone
	Action  Action
	Reason  string        // in words
	Expiry  time.Time     // when it is due, or was
	Receipt *envs.Receipt // of a removal that was begun
	Err     error         // what went wrong with a removal, or with reading what it depends on

	candidate   *envs.Candidate
	now         time.Time      // AWS's clock when it was listed
	gone        bool           // its branch is gone
	since       time.Time      // since when that is noted; zero where it isn't
	note        bool           // that has to be noted
	leftover    *envs.Leftover // nil of what lives
	far         bool           // its end is far away
	unexplained bool           // its tags would say best why it isn't ours
	disproved   bool           // it was counted as ours, and its tags say that it isn't
}

// MarshalJSON writes a decision in the words of the command line.
func (d Decision) MarshalJSON() ([]byte, error) {
	message := ""
	if d.Err != nil {
		message = d.Err.Error()
	}
	var expired, expires time.Time
	if d.Expiry.After(d.now) && !d.now.IsZero() {
		expires = d.Expiry
	} else {
		expired = d.Expiry
	}
	return json.Marshal(struct {
		Environment string        `json:"environment"`
		ID          string        `json:"id"`
		Feature     string        `json:"feature"`
		Action      Action        `json:"action"`
		Reason      string        `json:"reason,omitempty"`
		Expired     time.Time     `json:"expired,omitzero"`
		Expires     time.Time     `json:"expires,omitzero"`
		Receipt     *envs.Receipt `json:"receipt,omitempty"`
		Error       string        `json:"error,omitempty"`
	}{d.Env.Name, d.Env.ID, d.Env.Feature, d.Action, d.Reason, expired, expires, d.Receipt, message})
}

// BranchGone reports whether the decision was made because the environment's branch is gone.
func (d Decision) BranchGone() bool { return strings.HasPrefix(d.Reason, branchGone) }

// Leftover reports whether the decision is about what an environment has left that has gone.
func (d Decision) Leftover() bool { return d.leftover != nil }

// RecordAlone reports whether that is no more than a record.
func (d Decision) RecordAlone() bool {
	return d.leftover != nil && !d.leftover.Versions && !d.leftover.Images
}

// FailedBefore reports whether an earlier sweep could not remove what an environment has left.
func (d Decision) FailedBefore() bool { return d.leftover != nil && d.leftover.Failure != "" }

func (d Decision) is(a Action, reason string) Decision {
	d.Action, d.Reason = a, reason
	return d
}

// refuse has a live sweep refused; the first reason is the one that is told.
func (r *Report) refuse(err error, reason string) {
	if r.refusal == nil {
		r.refusal, r.Refused = err, reason
	}
}

// sort puts first what was never tried, then what was tried longest ago. Of these, what an earlier sweep
// looked at and kept comes last. So a few stuck environments don't stand in the way of the others.
func (r *Report) sort(looked map[string]time.Time) {
	slices.SortFunc(r.Decisions, func(a, b Decision) int {
		return cmp.Or(a.candidate.Tried.Compare(b.candidate.Tried), looked[a.Env.ID].Compare(looked[b.Env.ID]),
			a.Expiry.Compare(b.Expiry), strings.Compare(a.Env.ID, b.Env.ID))
	})
}

// Count returns of how many environments the report says that.
func (r *Report) Count(a Action) (n int) {
	for _, d := range r.Decisions {
		if d.Action == a {
			n++
		}
	}
	return n
}

func (r *Report) errs() error {
	var all []error
	for _, d := range r.Decisions {
		all = append(all, d.Err)
	}
	for _, d := range r.Leftovers {
		all = append(all, d.Err)
	}
	return errors.Join(append(all, r.unread)...)
}
