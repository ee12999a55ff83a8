package wire

import (
	"maps"
	"slices"
)

// Operations returns the names of the operations, sorted.
func (q *query) Operations() []string { return slices.Sorted(maps.Keys(q.ops)) }

// Operations returns the names of the operations, sorted.
func (s *jsonService) Operations() []string { return slices.Sorted(maps.Keys(s.ops)) }
