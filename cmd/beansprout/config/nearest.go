package config

import (
	"strings"

	"github.com/agext/levenshtein"
)

// suggestion is the end of a message about an unknown key: the one that was meant, or all
// that there are.
func suggestion(word string, known []string) string {
	best, nearest := 1+len(word)/3, ""
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), k, nil); d <= best && (nearest == "" || d < best) {
			best, nearest = d, k
		}
	}
	if nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return "; known are " + strings.Join(known, ", ")
}
