package elb

import (
	"strings"

	"beansprout/localcloud/wire"
)

// condition is a condition of a rule: one of the patterns must match.
type condition struct {
	Field  string
	Values []string
}

// The fields of a request that a condition may be about.
const (
	hostHeader  = "host-header"
	pathPattern = "path-pattern"
)

type conditionIn struct {
	Field             string    `aws:"max=64"`
	Values            []string  //
	HostHeaderConfig  *patterns //
	PathPatternConfig *patterns `aws:""`
}

type patterns struct{ Values []string }

type conditionOut struct {
	Field             string
	Values            []string
	HostHeaderConfig  *patterns
	PathPatternConfig *patterns
}

// show returns the patterns in both of their places, as AWS does.
func (c condition) show() conditionOut {
	out := conditionOut{Field: c.Field, Values: c.Values}
	if c.Field == hostHeader {
		out.HostHeaderConfig = &patterns{c.Values}
	} else {
		out.PathPatternConfig = &patterns{c.Values}
	}
	return out
}

const (
	patternsPerCondition = 3
	patternsPerRule      = 5
	wildcardsPerRule     = 5
)

// conditions returns the conditions of a rule, one for each field at most.
func conditions(given []conditionIn) (all []condition, err error) {
	if len(given) == 0 {
		return nil, wire.Errorf("ValidationError", "A condition must be specified")
	}
	count, wildcards, seen := 0, 0, map[string]bool{}
	for _, in := range given {
		c, err := in.condition()
		if err != nil {
			return nil, err
		}
		if seen[c.Field] {
			return nil, wire.Errorf("ValidationError", "A rule can only have one '%s' condition", c.Field)
		}
		seen[c.Field] = true
		for _, v := range c.Values {
			count++
			wildcards += strings.Count(v, "*") + strings.Count(v, "?")
		}
		all = append(all, c)
	}
	switch {
	case count > patternsPerRule:
		return nil, wire.Errorf("ValidationError", "A rule can only have '%d' condition values", patternsPerRule)
	case wildcards > wildcardsPerRule:
		return nil, wire.Errorf("ValidationError", "A rule can only have '%d' condition wildcards", wildcardsPerRule)
	}
	return all, nil
}

// condition returns the condition that a call describes. The patterns are in one of two places.
func (in conditionIn) condition() (c condition, err error) {
	config := in.HostHeaderConfig
	switch {
	case in.Field == "":
		return c, wire.Errorf("ValidationError", "A condition field must be specified")
	case in.Field != hostHeader && in.Field != pathPattern:
		return c, wire.Errorf("ValidationError", "Condition field '%s' must be one of '[%s,%s]'", in.Field, pathPattern, hostHeader)
	case in.Field == hostHeader && in.PathPatternConfig != nil, in.Field == pathPattern && in.HostHeaderConfig != nil:
		return c, wire.Errorf("ValidationError", "The condition field '%s' has the configuration of another field", in.Field)
	case in.Field == pathPattern:
		config = in.PathPatternConfig
	}
	c = condition{in.Field, in.Values}
	switch {
	case config != nil && in.Values != nil:
		return c, wire.Errorf("ValidationError", "You cannot specify both 'Values' and a configuration for the condition field '%s'", in.Field)
	case config != nil:
		c.Values = config.Values
	case len(in.Values) > 1:
		return c, wire.Errorf("ValidationError", "The '%s' field contains too many values; the limit is '1'", in.Field)
	}
	return c, c.check()
}

func (c condition) check() error {
	if len(c.Values) == 0 {
		return wire.Errorf("ValidationError", "A condition value must be specified")
	}
	if len(c.Values) > patternsPerCondition {
		return wire.Errorf("ValidationError", "The '%s' field contains too many values; the limit is '%d'", c.Field, patternsPerCondition)
	}
	allowed := "-.*?"
	if c.Field == pathPattern {
		allowed = `_-.$/~"'@:+&*?%`
	}
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(allowed, r))
	}
	for _, v := range c.Values {
		switch {
		case v == "":
			return wire.Errorf("ValidationError", "A condition value must be specified")
		case len(v) > 128:
			return wire.Errorf("ValidationError", "The '%s' value is too long; the limit is '128'", c.Field)
		case strings.ContainsFunc(v, odd):
			return wire.Errorf("ValidationError", "The '%s' value '%s' contains a character that is not valid", c.Field, v)
		}
	}
	return nil
}
