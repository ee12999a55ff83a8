package fault

import "time"

// Rate is what a token bucket allows: calls a second on average, and a burst when it is full.
type Rate struct {
	PerSecond float64
	Burst     int
}

// On reports whether the rate limits calls. The zero Rate does not.
func (r Rate) On() bool {
	const least, most = 1e-3, 1e6
	return r.PerSecond >= least && r.PerSecond <= most && r.Burst >= 1 && r.Burst <= most
}

// bucket is a token bucket, which begins full. It stores the time at which it will be full again
// instead of a number of tokens, so rounding errors do not add up.
type bucket struct {
	Rate
	full time.Time
}

// take reports whether a call is allowed at now, and counts it.
func (b *bucket) take(now time.Time) bool {
	token := time.Duration(float64(time.Second) / b.PerSecond)
	most := token * time.Duration(b.Burst)
	if b.full.Before(now) || b.full.Sub(now) > most { // above most only if the clock was set back
		b.full = now
	}
	if b.full.Add(token).Sub(now) > most {
		return false
	}
	b.full = b.full.Add(token)
	return true
}

// metered reports whether the call is one of those that share Beanstalk's bucket of two calls a
// second and fifteen at once, as AWS Support has been quoted.
func metered(c Call) bool {
	switch c.Operation {
	case "DescribeEnvironments", "DescribeEvents", "ListTagsForResource":
		return c.Service == "elasticbeanstalk"
	}
	return false
}
