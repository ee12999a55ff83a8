package janitor

import (
	"time"

	"beansprout/envs"
)

// rules are what decisions go by.
type rules struct {
	warn   time.Duration // how long before its end an owner must have been warned; 0 where no owner is
	settle time.Duration // how long a branch must be gone
}

// facts are what is known about one environment.
type facts struct {
	environment envs.Environment // its record and its tags are nil where they were not read
	foreign     bool             // by its name it isn't ours
	reason      string           // why the manager keeps it when its days are over; "" where it doesn't
	unread      error            // why its record isn't known
	gone        bool             // its branch is gone: it was one, and the remote does not list it
	since       time.Time        // since when that is noted; zero where it isn't
}

// verdict is what is to become of an environment, and why.
type verdict struct {
	action Action
	reason string
	end    time.Time // when it is due; zero where that is not known
	note   bool      // that its branch is gone has to be noted
}

const (
	notOurs    = "not ours: its name and its description are of no feature"
	daysOver   = "its days are over"
	branchGone = "its branch is gone"
)

// decide says what becomes of an environment at now. It is asked by what a sweep lists, and once more
// just before a removal, by what was read then.
func (r rules) decide(f facts, now time.Time) verdict {
	e := f.environment
	v := verdict{end: e.Expires}
	switch {
	case e.Moved != "":
		return v.is(Keep, e.Moved)
	case e.State.Gone():
		return v.is(Keep, "is gone already")
	case f.foreign:
		return v.is(Keep, notOurs)
	case e.Created.IsZero():
		return v.is(Unknown, "AWS names no date for it")
	case e.Expires.IsZero():
		return v.is(Unknown, "nothing tells how long it lives")
	case !r.near(f, now):
		return v.is(Keep, "expires "+envs.Until(e.Expires, now))
	case f.unread != nil:
		return v.is(Unknown, unreadable)
	case f.reason != "":
		return v.is(Keep, f.reason)
	}
	return r.end(f, now)
}

// unreadable is the reason to keep what can't be decided about.
const unreadable = "what is known about it can't be read"

// near reports whether an environment may have to be warned or removed at now, so that its record
// matters.
func (r rules) near(f facts, now time.Time) bool {
	return f.gone || !now.Before(f.environment.Expires.Add(-r.warn))
}

// end decides about an environment that nothing keeps, whose end is near.
func (r rules) end(f facts, now time.Time) verdict {
	v, why := verdict{end: f.environment.Expires}, daysOver
	if f.gone && f.since.IsZero() && now.Before(v.end) {
		v.note = true
		return v.is(Wait, branchGone+": it is removed when that has lasted "+envs.FormatDuration(r.branchWait()))
	}
	if gone := f.since.Add(r.branchWait()); f.gone && !f.since.IsZero() && gone.Before(v.end) {
		v.end, why = gone, branchGone
	}
	if now.Before(v.end.Add(-r.warn)) {
		return v.is(Wait, why+": it is removed from "+instant(v.end))
	}
	ready := v.end
	if r.warn > 0 {
		warned := f.environment.Own().Warned
		if warned == nil || !warned.Expires.Equal(v.end) || warned.At.After(now) {
			return v.is(Warn, why+": its owner has to be warned, "+envs.FormatDuration(r.warn)+" before it is removed")
		}
		ready = later(ready, warned.At.Add(r.warn))
	}
	if now.Before(ready) {
		return v.is(Wait, why+": its owner was warned, and it is removed from "+instant(ready))
	}
	return v.is(Remove, why+" since "+instant(v.end))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// branchWait is how long a branch must be gone: long enough for a warning.
func (r rules) branchWait() time.Duration { return max(r.settle, r.warn) }

func (v verdict) is(a Action, reason string) verdict {
	v.action, v.reason = a, reason
	return v
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// rules returns what this sweep decides by.
func (j *Janitor) rules() rules {
	r := rules{settle: j.Branches.After}
	if j.Environments.Announces() {
		r.warn = max(j.Warn, 0)
	}
	return r
}
