package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads a rule, SERVICE:OPERATION:KIND or SERVICE:OPERATION:KIND:FIELD=VALUE,..., such as
// elasticbeanstalk:UpdateEnvironment:throttle:count=3,skip=1 or
// s3:*:slow:for=2s,probability=0.1,seed=7.
func Parse(s string) (Rule, error) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 {
		return Rule{}, fmt.Errorf("fault %q: want SERVICE:OPERATION:KIND, and :NAME=VALUE,... if need be", s)
	}
	r := Rule{Service: parts[0], Operation: parts[1], Kind: Kind(parts[2])}
	if len(parts) == 4 {
		for option := range strings.SplitSeq(parts[3], ",") {
			if err := r.set(option); err != nil {
				return Rule{}, fmt.Errorf("fault %q: %w", s, err)
			}
		}
	}
	if err := r.Check(); err != nil {
		return Rule{}, fmt.Errorf("fault %q: %w", s, err)
	}
	return r, nil
}

func (r *Rule) set(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	given := true // a written zero is an error: in a Rule it means no limit
	switch name {
	case "skip":
		r.Skip, err = strconv.Atoi(value)
	case "count":
		r.Count, err = strconv.Atoi(value)
		given = r.Count != 0
	case "probability":
		r.Probability, err = strconv.ParseFloat(value, 64)
		given = r.Probability != 0
	case "seed":
		r.Seed, err = strconv.ParseUint(value, 10, 64)
	case "for":
		r.For, err = time.ParseDuration(value)
		given = r.For != 0
	default:
		return fmt.Errorf("no option is called %q; there are count, for, probability, seed and skip", name)
	}
	if err != nil || !given {
		return fmt.Errorf("%q is no value for %s", value, name)
	}
	return nil
}

// ParseRate reads CALLS-A-SECOND/BURST. AWS's rate for Beanstalk's describes is 2/15.
func ParseRate(s string) (Rate, error) {
	rate, burst, _ := strings.Cut(s, "/")
	var r Rate
	var err, err2 error
	r.PerSecond, err = strconv.ParseFloat(rate, 64)
	r.Burst, err2 = strconv.Atoi(burst)
	if errors.Join(err, err2) != nil || !r.On() {
		return Rate{}, fmt.Errorf("rate %q: want CALLS-A-SECOND/BURST, such as 2/15, each at most 1000000", s)
	}
	return r, nil
}
