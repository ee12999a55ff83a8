package builder

import (
	"fmt"
	"maps"
	"slices"
)

// notes returns what is worth a line about a context.
func (c *contents) notes(ingredients) (lines []string) {
	for _, path := range slices.Sorted(maps.Keys(c.behind)) {
		lines = append(lines, fmt.Sprintf("leaves the %s %q out: only files, directories and links go into an image", c.behind[path], path))
	}
	return lines
}
