package fault

import "time"

// Rate is what a token bucket lets through: on average, and at once when it is full.
type Rate struct {
	PerSecond float64
	Burst     int
}

// On says whether the rate means anything; one that does not, such as zero, limits nothing.
func (r Rate) On() bool {
	const least, most = 1e-3, 1e6
	return r.PerSecond >= least && r.PerSecond <= most && r.Burst >= 1 && r.Burst <= most
}

// bucket is full at first. Instead of tokens it keeps the instant at which it will be
// full again: an exact one, however many calls there were.
type bucket struct {
	Rate
	full time.Time
}

// take says whether a call may go through at now.
func (b *bucket) take(now time.Time) bool {
	token := time.Duration(float64(time.Second) / b.PerSecond)
	most := token * time.Duration(b.Burst)
	if b.full.Before(now) || b.full.Sub(now) > most { // more than most only when the clock was set back
		b.full = now
	}
	if b.full.Add(token).Sub(now) > most {
		return false
	}
	b.full = b.full.Add(token)
	return true
}

// metered are the calls that share Beanstalk's bucket of two a second and fifteen at once,
// as AWS Support has been quoted.
func metered(c Call) bool {
	switch c.Operation {
	case "DescribeEnvironments", "DescribeEvents", "ListTagsForResource":
		return c.Service == "elasticbeanstalk"
	}
	return false
}
