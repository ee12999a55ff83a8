package envs

import "time"

// Lifetime is how long environments live, and from when that is counted.
type Lifetime struct {
	TTL time.Duration
	// FromDeploy counts from AWS's date of the last change instead of the date of creation.
	FromDeploy bool
}

// Expiry returns the instant at which the environment's days are over, by AWS's own dates,
// or the zero time when AWS names none: such an environment never expires.
func (l Lifetime) Expiry(e Env) time.Time {
	from := e.Created
	if l.FromDeploy && e.Updated.After(from) {
		from = e.Updated
	}
	if from.IsZero() {
		return time.Time{}
	}
	return from.Add(l.TTL)
}

// Extended returns the expiry of an environment whose days were extended to until: the later
// of both. It is the zero time when AWS names no date.
func (l Lifetime) Extended(e Env, until time.Time) time.Time {
	expiry := l.Expiry(e)
	if !expiry.IsZero() && until.After(expiry) {
		return until
	}
	return expiry
}

// Expired says whether the environment's days are over at now.
func (l Lifetime) Expired(e Env, now time.Time) bool {
	expiry := l.Expiry(e)
	return !expiry.IsZero() && !now.Before(expiry)
}
