package janitor

import (
	"errors"
	"time"

	"beansprout/envs"
)

// Judge returns what the next sweep would decide about an environment of ours at now, by AWS's clock and by what
// was read of the environment. It asks neither AWS nor the remote, and may be called concurrently, also during a
// sweep. That a branch is gone it takes from the record, where an earlier sweep has noted it. What a sweep as a
// whole is refused for, and how much it does at most, it leaves out.
func (j *Janitor) Judge(e envs.Environment, now time.Time) Decision {
	f := facts{environment: e, reason: e.KeptBecause(), unread: e.Unread}
	if e.Record == nil && f.unread == nil {
		f.unread = errUnread
	}
	if since := e.Own().MissingSince; j.Branches.Remote != "" && !since.IsZero() && j.mayBeBranch(e) {
		f.gone, f.since = true, since
	}
	d := j.rules().decision(f, now)
	if e.Tags == nil && (d.Action == Remove || d.Action == Warn) {
		d.Reason += tagsUnread
	}
	return d
}

var errUnread = errors.New("its record was not read")

// tagsUnread ends the reason of a removal, or of a warning, that tags may prevent.
const tagsUnread = ", unless its tags keep it, which were not read"
