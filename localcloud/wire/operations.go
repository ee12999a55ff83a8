package wire

import (
	"maps"
	"slices"
)

// Operations names what the service serves, sorted.
func (q *query) Operations() []string { return slices.Sorted(maps.Keys(q.ops)) }

// Operations names what the service serves, sorted.
func (s *jsonService) Operations() []string { return slices.Sorted(maps.Keys(s.ops)) }
