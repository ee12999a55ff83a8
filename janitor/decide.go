package janitor

import (
	"errors"
	"fmt"
	"time"

	"beansprout/envs"
)

// ErrTooMany is reported when so many environments are due at once that a mistake is
// likelier than their age. Nothing was removed; Janitor.Max lets them go.
var ErrTooMany = errors.New("too many environments are due at once")

// ErrShrunk is reported when so many environments have gone since the last sweep, other than
// by its own doing, that AWS is likelier not to have told of all. Nothing was removed;
// Janitor.Max lets the sweep go on.
var ErrShrunk = errors.New("most environments have gone since the last sweep, or weren't told of")

const (
	maxSkew   = time.Minute // how far our clock may be from AWS's
	maxAtOnce = 10          // so many environments may always be due at once
)

// inStep reports when our clock and AWS's disagree: one of them must be wrong, and
// every expiry with it.
func inStep(ours, aws time.Time) error {
	if aws.IsZero() {
		return errors.New("sweep: AWS didn't say what time it is")
	}
	if skew := ours.Sub(aws).Abs(); skew > maxSkew {
		return fmt.Errorf("sweep: our clock says %s and AWS's %s: they are %v apart, more than %v",
			ours.UTC().Format(time.RFC3339), aws.UTC().Format(time.RFC3339), skew.Round(time.Second), maxSkew)
	}
	return nil
}

// tooMany returns why so many environments must not be removed in one sweep, or "".
func tooMany(due, ours, override int) string {
	limit := max(maxAtOnce, ours/2)
	if override > 0 {
		limit = override
	}
	if due <= limit {
		return ""
	}
	return fmt.Sprintf("%d of %d are to be removed, the limit is %d", due, ours, limit)
}

// shrunk returns why what is there now can't be all, when a sweep has left so many, or "".
func shrunk(left, ours, override int) string {
	if override > 0 || left-ours <= max(maxAtOnce, left/2) {
		return ""
	}
	return fmt.Sprintf("the last sweep left %d, and %d are there", left, ours)
}

// untimely returns why an environment can't be removed now, going by its description in
// AWS alone, or "".
func (j *Janitor) untimely(e envs.Env, now time.Time) string {
	expiry := j.Lifetime.Expiry(e)
	switch {
	case expiry.IsZero():
		return "AWS names no date for it"
	case !j.Lifetime.Expired(e, now):
		return "its days are not over before " + expiry.UTC().Format(time.RFC3339)
	case e.State.Gone():
		return "is gone already"
	case e.State != envs.Ready:
		return fmt.Sprintf("is %s: next sweep", e.State)
	}
	return ""
}

// decide says what is to become of an environment that was listed as row and read as e.
func (j *Janitor) decide(row, e envs.Env, tags envs.Tags, now time.Time) Decision {
	d := Decision{Env: e, Action: Remove, Expiry: j.Lifetime.Expiry(e), tags: tags}
	if e.ID != row.ID || e.Name != row.Name || e.Application != row.Application {
		d.Env = row
		return d.keep(fmt.Sprintf("AWS answered for another environment, %q (%s)", e.Name, e.ID))
	}
	if reason := j.untimely(e, now); reason != "" {
		return d.keep(reason)
	}
	verified, err := envs.Verify(j.Account, e, tags)
	if err != nil {
		return d.keep(err.Error())
	}
	d.Env, d.ours = verified, true
	switch lifecycle := tags[envs.TagLifecycle]; {
	case tags.Kept():
		return d.keep(fmt.Sprintf("is protected: its tag %s says %q", envs.TagLifecycle, lifecycle))
	case lifecycle != envs.Ephemeral:
		return d.keep(fmt.Sprintf("its tag %s says %q, which is unknown", envs.TagLifecycle, lifecycle))
	case changed(row, e):
		return d.keep("has just changed: next sweep")
	}
	return d
}

// changed says whether somebody was at work on an environment between two readings.
func changed(a, b envs.Env) bool {
	return a.CNAME != b.CNAME || a.Version != b.Version || a.State != b.State ||
		!a.Created.Equal(b.Created) || !a.Updated.Equal(b.Updated)
}
