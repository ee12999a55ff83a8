package beanstalk

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest ends a message about a name that doesn't exist with up to three that come next to it.
func nearest(name string, all []string) string {
	if len(all) == 0 {
		return ""
	}
	distance := func(to string) int {
		return levenshtein.Distance(strings.ToLower(name), strings.ToLower(to), nil)
	}
	all = slices.SortedStableFunc(slices.Values(all), func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return "; the nearest: " + strings.Join(all[:min(len(all), 3)], ", ")
}
