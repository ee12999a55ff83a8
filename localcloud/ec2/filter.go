package ec2

import (
	"path"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// filter is one of a describe's: a resource passes if one of its values is among the given ones, in
// which * and ? stand for any characters and for one.
type filter struct {
	Name   string   `aws:"required"`
	Values []string `json:"Value" aws:"required,min=1,max=200"`
}

// attributes are what a resource can be filtered by.
type attributes map[string][]string

// passes reports whether a resource passes all filters.
func passes(filters []filter, of attributes, tagged map[string]string) (bool, error) {
	for _, f := range filters {
		values, ok := of[f.Name]
		if key, found := strings.CutPrefix(f.Name, "tag:"); found {
			value, has := tagged[key]
			values, ok = only(value, has), true
		}
		if f.Name == "tag-key" {
			for key := range tagged {
				values = append(values, key)
			}
			ok = true
		}
		if !ok {
			return false, invalid("The filter '%s' is invalid", f.Name)
		}
		if !slices.ContainsFunc(values, func(v string) bool {
			return slices.ContainsFunc(f.Values, func(p string) bool { return matches(p, v) })
		}) {
			return false, nil
		}
	}
	return true, nil
}

func only(value string, has bool) []string {
	if !has {
		return nil
	}
	return []string{value}
}

// matches reports whether a value matches a pattern. path.Match does not let a star match a slash,
// so slashes are something else meanwhile.
func matches(pattern, value string) bool {
	const slash = "\x00"
	plain := strings.NewReplacer("/", slash, "[", `\[`, "]", `\]`)
	ok, err := path.Match(plain.Replace(pattern), strings.ReplaceAll(value, "/", slash))
	return ok && err == nil || pattern == value
}

// paged are the parameters of a describe in pages.
type paged struct {
	NextToken  string
	MaxResults *int `aws:"min=1,max=1000"`
}

// page returns the part of a list after the token, and the token of the next one. Tokens are the ids
// of the last rows.
func page[T any](all []T, in paged, id func(T) string) (part []T, next string, err error) {
	if in.NextToken != "" {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == in.NextToken })
		if i < 0 {
			return nil, "", wire.Errorf("InvalidNextToken", "The token '%s' is invalid", in.NextToken)
		}
		all = all[i+1:]
	}
	if n := in.MaxResults; n != nil && *n < len(all) {
		return all[:*n], id(all[*n-1]), nil
	}
	return all, "", nil
}

// named returns the rows of the ids, or all rows without ids. It returns the ids that no row has.
func named[T any](all []T, ids []string, id func(T) string) (rows []T, missing []string) {
	if ids == nil {
		return all, nil
	}
	for _, want := range ids {
		if !slices.ContainsFunc(all, func(v T) bool { return id(v) == want }) {
			missing = append(missing, want)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !slices.Contains(ids, id(v)) }), missing
}
