package iam

import (
	"slices"

	"beansprout/localcloud/wire"
)

// paged are the parameters of a list in pages.
type paged struct {
	Marker   string `aws:"min=1,max=320,pattern=[\\x20-\\x{FF}]+"`
	MaxItems *int   `aws:"min=1,max=1000"`
}

type pageOut struct {
	IsTruncated bool
	Marker      *string
}

// page returns the part of a list after the marker. A page has 100 entries unless the call asks for
// another number.
func page[T any](all []T, in paged, marker func(T) string) (part []T, out pageOut, err error) {
	if in.Marker != "" {
		i := slices.IndexFunc(all, func(v T) bool { return marker(v) == in.Marker })
		if i < 0 {
			return nil, out, wire.Errorf("ValidationError", "Invalid Marker.")
		}
		all = all[i+1:]
	}
	most := 100
	if in.MaxItems != nil {
		most = *in.MaxItems
	}
	if most < len(all) {
		last := marker(all[most-1])
		return all[:most], pageOut{true, &last}, nil
	}
	return all, out, nil
}
