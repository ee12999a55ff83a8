package envs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

var errDuration = errors.New(`want a duration such as 5d, 36h, 1d12h or 30s`)

// ParseDuration reads a duration as Go does, with days in front: "5d", "1d12h", "1.5d". A negative
// one is an error.
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || strings.Trim(days, "0123456789.") != "" || strings.ContainsAny(rest, "+-") {
		return 0, explainDuration(s)
	}
	var d time.Duration
	if rest != "" || !found {
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, explainDuration(s)
		}
	}
	whole := n * float64(day)
	if whole >= math.MaxInt64 || time.Duration(whole) > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is too long for a duration", s)
	}
	return time.Duration(whole) + d, nil
}

// explainDuration returns why s is no duration.
func explainDuration(s string) error {
	if strings.HasPrefix(s, "-") {
		return fmt.Errorf("%q is negative; %w", s, errDuration)
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return fmt.Errorf("%q has no unit; %w", s, errDuration)
	}
	return fmt.Errorf("%q is no duration; %w", s, errDuration)
}

// FormatDuration writes d as ParseDuration reads it, with days and without units that are zero:
// "5d", "1d12h", "0s".
func FormatDuration(d time.Duration) string {
	rest := (d % day).String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	switch days := d / day; {
	case days == 0:
		return rest
	case rest == "0s":
		return fmt.Sprintf("%dd", days)
	default:
		return fmt.Sprintf("%dd%s", days, rest)
	}
}

// Ago returns how long before now t was, in the largest unit that fits, and "" for the zero time.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return Roughly(now.Sub(t))
}

// Until returns how long after now t is, in words, and "" for the zero time.
func Until(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case !t.After(now):
		return "over"
	}
	return "in " + Roughly(t.Sub(now))
}

// Roughly returns d in the largest unit that fits. Everything that tells people how long something takes
// or has lasted uses it, so that a list and a sweep say the same.
func Roughly(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%dd", (d/(day/2)+1)/2)
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", max(d, 0)/time.Second)
}
