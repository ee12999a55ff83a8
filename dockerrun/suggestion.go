package dockerrun

import (
	"maps"
	"slices"
	"strings"
)

// suggestion ends a message about an unknown word with the one that was probably meant, or with
// all that there are if they are few.
func suggestion[V any](word string, known map[string]V) string {
	words := slices.Sorted(maps.Keys(known))
	nearest, least := "", 2+len(word)/3
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least {
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

// distance returns how many bytes must be put in, taken out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
