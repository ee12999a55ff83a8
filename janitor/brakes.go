package janitor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
)

// ErrTooMany is reported when so many environments are due at once that it is probably a
// mistake. Nothing was removed; Janitor.Max allows more.
var ErrTooMany = errors.New("too many environments are due at once")

// ErrShrunk is reported when so many environments are missing since the last sweep, besides
// those it removed, that AWS's list is probably incomplete. Nothing was removed; Janitor.Max
// allows the sweep.
var ErrShrunk = errors.New("most environments are missing since the last sweep, or AWS did not list them")

// ErrSkew is reported when our clock and AWS's disagree.
var ErrSkew = errors.New("the clocks disagree")

// MaxSkew is how far our clock may be from AWS's.
const MaxSkew = time.Minute

// maxAtOnce is how many environments may always be due at once.
const maxAtOnce = 10

// brake refuses a sweep that is likely to be a mistake.
func (j *Janitor) brake(survey envs.Survey, report *Report) {
	if reason := tooMany(report.Count(Remove), report.Known, j.Max); reason != "" {
		report.refuse(fmt.Errorf("%w: %s", ErrTooMany, reason), reason)
	}
	if j.Max > 0 {
		return
	}
	if err := survey.LastError; err != nil {
		report.refuse(err, err.Error())
	} else if reason := shrunk(survey.Last.Environments, report.Known, j.Max); reason != "" {
		report.refuse(fmt.Errorf("%w: %s", ErrShrunk, reason), reason)
	}
	if err := survey.Absent; err != nil {
		report.refuse(err, err.Error())
	}
}

// inStep reports when our clock and AWS's disagree: one of them must be wrong, and
// every expiry with it.
func inStep(local, aws time.Time) error {
	if aws.IsZero() {
		return fmt.Errorf("sweep: %w: AWS didn't say what time it is", ErrSkew)
	}
	if skew := local.Sub(aws).Abs(); skew > MaxSkew {
		return fmt.Errorf("sweep: %w: ours says %s and AWS's %s: they are %v apart, more than %v",
			ErrSkew, local.UTC().Format(time.RFC3339), aws.UTC().Format(time.RFC3339), skew.Round(time.Second), MaxSkew)
	}
	return nil
}

// tooMany returns why so many environments must not be removed in one sweep, or "".
func tooMany(due, known, override int) string {
	limit := max(maxAtOnce, known/2)
	if override > 0 {
		limit = override
	}
	if due <= limit {
		return ""
	}
	return fmt.Sprintf("%d of %d are to be removed, the limit is %d", due, known, limit)
}

// shrunk returns why the list is probably incomplete, compared with what the last sweep left, or "".
func shrunk(left, known, override int) string {
	if override > 0 || left-known <= max(maxAtOnce, left/2) {
		return ""
	}
	return fmt.Sprintf("the last sweep left %d, and %d are there", left, known)
}

// removalFailed begins the reason of what could not be removed before.
const removalFailed = "its last removal failed: "

// decideLeftovers decides about the leftovers of removed environments, those last whose removal failed before. It
// does not report records that stay.
func (j *Janitor) decideLeftovers(all []envs.Leftover) []Decision {
	var decisions []Decision
	due, worthAWord := 0, 0
	for _, l := range all {
		d := Decision{Env: &envs.Env{Name: l.Name}, Action: Remove, Expiry: l.Since, leftover: &l}
		if l.Failure != "" {
			d.Reason = removalFailed + l.Failure
		}
		shown := l.Versions || l.Images || l.Failure != ""
		if shown {
			worthAWord++
		}
		switch {
		case l.Reason != "" && !shown:
			continue
		case l.Reason != "":
			d = d.is(Keep, l.Reason)
		case shown:
			due++
		}
		decisions = append(decisions, d)
	}
	slices.SortStableFunc(decisions, func(a, b Decision) int { return strings.Compare(a.leftover.Failure, b.leftover.Failure) })
	if reason := tooMany(due, worthAWord, j.Max); reason != "" {
		for i, d := range decisions {
			if d.Action == Remove {
				decisions[i] = d.is(Keep, "of what environments have left, "+reason)
			}
		}
	}
	return decisions
}
