package beanstalk

import (
	"slices"
	"strings"
)

// filter is a condition on an attribute. The two list operations have different names for the
// attribute.
type filter struct {
	Type, Attribute string
	Operator        string
	Values          []string
}

var comparisons = map[string]func(have, want string) bool{
	"=":           func(have, want string) bool { return have == want },
	"!=":          func(have, want string) bool { return have != want },
	"contains":    strings.Contains,
	"begins_with": strings.HasPrefix,
	"ends_with":   strings.HasSuffix,
	"in":          func(have, want string) bool { return have == want },
	"not_in":      func(have, want string) bool { return have != want },
}

// match reports whether the attributes pass all filters. One value of a filter must match, or all
// values of a negative filter.
func match(filters []filter, attributes map[string][]string) (bool, error) {
	for _, f := range filters {
		have, known := attributes[f.Type+f.Attribute]
		compare, can := comparisons[f.Operator]
		if !known || !can {
			return false, invalid("Invalid filter (Type: '%s', Operator: '%s').", f.Type+f.Attribute, f.Operator)
		}
		negative := f.Operator == "!=" || f.Operator == "not_in"
		fits := func(want string) bool {
			return slices.ContainsFunc(have, func(h string) bool { return compare(h, want) })
		}
		misses := func(want string) bool { return !fits(want) }
		if negative && slices.ContainsFunc(f.Values, misses) || !negative && !slices.ContainsFunc(f.Values, fits) {
			return false, nil
		}
	}
	return true, nil
}
