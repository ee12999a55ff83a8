package release

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"beansprout/release/aws"
)

// Expected returns how long scheduled actions are suspended if no person has to be waited for: each step
// that starts instances takes a third of the time that it may take.
func (p Plan) Expected() (total time.Duration) {
	for _, s := range p.Steps {
		if total += s.For; !s.Approve {
			total += p.PrepareWithin / 3
		}
	}
	return total
}

// dueBefore reports whether a scheduled action is executed between two moments, and when. One whose times
// can't be read counts as due.
func dueBefore(s aws.Schedule, now, end time.Time) (at time.Time, due bool) {
	at = now
	if s.Start != nil && s.Start.After(now) {
		at = *s.Start
	} else if s.Recurrence == "" {
		return at, s.Start == nil // it was executed, or nothing says when it will be
	} else if at, due = nextTime(s, now); !due {
		return now, true
	}
	return at, !at.IsZero() && at.Before(end) && (s.End == nil || at.Before(*s.End))
}

// nextTime returns when a recurring action is executed next, and whether that can be read.
func nextTime(s aws.Schedule, now time.Time) (time.Time, bool) {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || strings.Contains(s.Recurrence, "TZ=") { // which the parser would take for a zone
		return now, false
	}
	schedule, err := cron.ParseStandard(s.Recurrence)
	if err != nil {
		return now, false
	}
	return schedule.Next(now.In(zone)), true
}
