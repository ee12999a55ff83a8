package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time that isn't negative.
type Duration time.Duration

const (
	second = Duration(time.Second)
	hour   = Duration(time.Hour)
	day    = 24 * hour
	year   = 365 * day
)

var errDuration = errors.New(`want a duration such as 5d, 36h, 1d12h or 30s`)

// ParseDuration reads a duration: Go's, which may have days in front: "5d", "1d12h", "1.5d".
// A negative one is an error.
func ParseDuration(s string) (Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || strings.Trim(days, "0123456789.") != "" || strings.ContainsAny(rest, "+-") {
		return 0, explain(s)
	}
	var d time.Duration
	if rest != "" || !found {
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, explain(s)
		}
	}
	whole := n * float64(day)
	if whole >= math.MaxInt64 || Duration(whole) > math.MaxInt64-Duration(d) {
		return 0, fmt.Errorf("%q is too long for a duration", s)
	}
	return Duration(whole) + Duration(d), nil
}

// explain says why s is no duration.
func explain(s string) error {
	if strings.HasPrefix(s, "-") {
		return fmt.Errorf("%q is negative; %w", s, errDuration)
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return fmt.Errorf("%q has no unit; %w", s, errDuration)
	}
	return fmt.Errorf("%q is no duration; %w", s, errDuration)
}

// Std returns d as the standard library knows it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d the way ParseDuration reads it, with days and without units that are
// zero: "5d", "1d12h", "0s".
func (d Duration) String() string {
	rest := (d % day).Std().String()
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
