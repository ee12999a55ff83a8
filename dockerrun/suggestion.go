package dockerrun

import (
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// suggestion ends a message about an unknown word with the one that was probably meant, or with
// all that there are if they are few.
func suggestion[V any](word string, known map[string]V) string {
	words := slices.Sorted(maps.Keys(known))
	nearest, least := "", 2+len(word)/3
	for _, w := range words {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(w), nil); d < least {
			nearest, least = w, d
		}
	}
	if nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	if len(words) == 0 || len(words) > 10 {
		return ""
	}
	return "; known are " + strings.Join(words, ", ")
}
