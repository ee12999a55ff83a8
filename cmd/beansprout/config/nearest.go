package config

import "strings"

// suggestion is the end of a message about an unknown key: the one that was meant, or all
// that there are.
func suggestion(word string, known []string) string {
	best, nearest := 1+len(word)/3, ""
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d <= best && (nearest == "" || d < best) {
			best, nearest = d, k
		}
	}
	if nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return "; known are " + strings.Join(known, ", ")
}

// distance returns how many bytes must be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
