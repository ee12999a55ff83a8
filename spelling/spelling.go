// Package spelling finds the names that were meant by misspelt ones.
package spelling

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the name that was likely meant by a word that is none of the names, "" where
// none is near: at most one letter, and one more for every three, may differ.
func Nearest(word string, names []string) string {
	return Within(1+len(word)/3, word, names)
}

// Within is Nearest with a given number of letters that may differ.
func Within(letters int, word string, names []string) string {
	if sorted := Sorted(word, names); len(sorted) > 0 && distance(word, sorted[0]) <= letters {
		return sorted[0]
	}
	return ""
}

// Sorted returns the names with those first that are spelt most like the word; equally near ones
// stay in their order.
func Sorted(word string, names []string) []string {
	return slices.SortedStableFunc(slices.Values(names), func(a, b string) int {
		return cmp.Compare(distance(word, a), distance(word, b))
	})
}

// distance is how many letters differ, in upper or lower case.
func distance(a, b string) int {
	return levenshtein.Distance(strings.ToLower(a), strings.ToLower(b), nil)
}
