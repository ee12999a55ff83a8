package ecr

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
)

// page says which part of a list a call asks for.
type page struct {
	NextToken  string `json:"nextToken"`
	MaxResults int    `json:"maxResults" aws:"min=1,max=1000"`
}

// cut returns a page of all in the order of their keys, and the token of the next page. The token is
// the last key of the page, so that entries that come or go between two calls shift nothing.
func cut[T any](p page, all []T, key func(T) string) (part []T, next string, err error) {
	last, err := base64.StdEncoding.DecodeString(p.NextToken)
	if err != nil {
		return nil, "", invalid("nextToken", "Member must be a token that was returned before")
	}
	all = slices.DeleteFunc(all, func(t T) bool { return p.NextToken != "" && key(t) <= string(last) })
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	size := cmp.Or(p.MaxResults, 100)
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], base64.StdEncoding.EncodeToString([]byte(key(all[size-1]))), nil
}
