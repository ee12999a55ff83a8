package envs

import (
	"time"

	"beansprout/pattern"
)

// Days say how long environments live, and from when that is counted. Those of a Manager are for what
// it deploys, and for environments that carry none of their own.
type Days struct {
	TTL        time.Duration // 0 is not known: what carries no days of its own never expires
	FromDeploy bool          // the TTL counts from the last deploy instead of the creation
	Least      time.Duration // the shortest time that an environment lives after a deploy; more than TTL counts as TTL
	RestoreFor time.Duration // how long what Restore needs stays; 0 keeps nothing
}

// impliedLeast is the Least of days that are written without one, or their TTL if that is shorter.
const impliedLeast = day

// String returns the days as an environment carries them: "5d", "5d from deploy", "5d least 12h", "" if
// there is no TTL.
func (d Days) String() string {
	if d.TTL <= 0 {
		return ""
	}
	s := FormatDuration(d.TTL)
	if d.FromDeploy {
		s += " from deploy"
	}
	if least := min(d.Least, d.TTL); least != min(impliedLeast, d.TTL) {
		s += " least " + FormatDuration(least)
	}
	return s
}

// daysShape is what String returns. Older versions wrote the TTL alone.
const daysShape = `\S+(?: from deploy)?(?: least \S+)?`

var daysParts = pattern.New(`^(\S+)( from deploy)?(?: least (\S+))?$`)

// parseDays is the reverse of String. implied reports whether Least was left out. It returns false for
// all else, and for a TTL of nothing, which would make everything expired.
func parseDays(s string) (d Days, implied, ok bool) {
	m := daysParts.FindStringSubmatch(s)
	if m == nil {
		return d, false, false
	}
	ttl, err := ParseDuration(m[1])
	if err != nil || ttl <= 0 {
		return d, false, false
	}
	d = Days{TTL: ttl, FromDeploy: m[2] != "", Least: min(impliedLeast, ttl)}
	if m[3] == "" {
		return d, true, true
	}
	least, err := ParseDuration(m[3])
	if err != nil {
		return d, true, true
	}
	d.Least = min(least, ttl)
	return d, false, true
}

// of returns the days that an environment lives by: those that it carries in its description, or else in
// its tag, or else d. d never shortens those that it carries. known is false if there are none at all.
func (d Days) of(e Environment) (days Days, known bool) {
	own, implied, carried := parseDays(e.TTL)
	if !carried {
		own, implied, carried = parseDays(e.Tags.ttl())
	}
	if !carried {
		d.Least = min(d.Least, d.TTL)
		return d, d.TTL > 0
	}
	own.FromDeploy = own.FromDeploy || d.FromDeploy
	if implied {
		own.Least = min(max(own.Least, d.Least), own.TTL)
	}
	return own, true
}

// Expiry returns the instant at which the environment expires, or the zero time if it never does: nothing
// says how long it lives, or AWS names no date for it. The expiry is the latest of
//
//	creation + TTL (or last deploy + TTL)    the rule of who deployed it
//	last deploy + least                      a URL that was just printed works for some time
//	what its record extended it to           at most a year from when the record was read
//
// All that the record says can only delay the expiry, because others may be able to write it. The one
// exception is the instant of the last deploy, which takes the place of AWS's date of the last change.
func (d Days) Expiry(e Environment) time.Time {
	days, known := d.of(e)
	if !known || e.Created.Before(beanstalkBegan) {
		return time.Time{}
	}
	from := e.Created
	if days.FromDeploy {
		from = e.deployed()
	}
	record := e.Own()
	delayed := record.Extended
	if longer, _, ok := parseDays(record.LastDeploy.TTL); ok {
		delayed = latest(delayed, from.Add(longer.TTL))
	}
	if limit := record.At.Add(longestTTL); !record.At.IsZero() && delayed.After(limit) {
		delayed = limit
	}
	return latest(from.Add(days.TTL), e.deployed().Add(days.Least), delayed)
}

// beanstalkBegan is before the oldest environment: an earlier date is none.
var beanstalkBegan = time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC)

// longestTTL is how far ahead an expiry may be put. What is to stay longer is to be protected.
const longestTTL = 365 * day

// soonest returns when the environment may expire at the earliest, by what AWS lists of it alone, or the
// zero time if that does not tell. Its tags and its record can only tell of a later end.
func (d Days) soonest(e Env) time.Time {
	days, known := d.of(Environment{Env: e})
	if !known || e.Created.IsZero() {
		return time.Time{}
	}
	return e.Created.Add(days.TTL)
}

// mayExpireBy reports whether the environment could have expired at now, by what AWS lists of it alone.
func (d Days) mayExpireBy(now time.Time, e Env) bool { return !d.soonest(e).After(now) }

// deployed returns when the environment was last deployed: by its record, but never later than AWS's date
// of the last change. That date counts if the record does not tell.
func (e Environment) deployed() time.Time {
	changed := latest(e.Created, e.Updated)
	at := e.Own().LastDeploy.At.UTC()
	if at.IsZero() || at.After(changed) {
		return changed
	}
	return latest(e.Created, at)
}

// latest returns the latest of times.
func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
