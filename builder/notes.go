package builder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notes returns what is worth a line about a context, and about why its image is built
// each time.
func (c *contents) notes(in ingredients) (lines []string) {
	for _, p := range slices.Sorted(maps.Keys(c.behind)) {
		lines = append(lines, fmt.Sprintf("leaves the %s %q out: only files, directories and links go into an image", c.behind[p], p))
	}
	for _, p := range slices.Sorted(maps.Keys(c.unreadable)) {
		lines = append(lines, fmt.Sprintf("is built each time, because %q can't be read (%v); the line %q in %s would leave it out", p, reason(c.unreadable[p]), ignoreLine(p), in.ignoreFile))
	}
	if errors.Is(in.unknown, errOpen) {
		lines = append(lines, fmt.Sprintf("is built each time: %s", strings.ReplaceAll(in.unknown.Error(), "\n", "; ")))
	}
	return append(lines, c.sizeNotes(in)...)
}
