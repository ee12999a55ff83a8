package envs

import (
	"context"
	"slices"
	"strings"
	"time"
)

// DefaultRepository returns the name of the repository of an application that names none. ECR takes 2 to
// 256 lower-case letters, digits and single separators, a letter first.
func DefaultRepository(application string) string {
	name := Slug(strings.ToLower(application), 256)
	if len(name) < 2 || name[0] < 'a' {
		name = strings.TrimSuffix("beansprout-"+name, "-")
	}
	return name
}

// of returns the Manager of one application, for a Manager that serves all of them. What it removes has
// its images in the application's default repository.
func (m *Manager) of(application string) *Manager {
	if m.config.Application != "" || application == "" {
		return m
	}
	one := *m
	one.config.Application = application
	if one.config.Repository.Name == "" {
		one.config.Repository.Name = DefaultRepository(application)
	}
	return &one
}

// applications returns the applications that have environments of ours, or had some as long as AWS knows,
// by name. rows are all that live.
func (m *Manager) applications(ctx context.Context, rows []tenant, now time.Time) ([]string, error) {
	if m.config.Application != "" {
		return []string{m.config.Application}, nil
	}
	gone, err := m.beanstalk.Terminated(ctx, "", now.Add(-terminatedRetention))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range slices.Concat(rows, tenants(gone)) {
		if NameShaped(e.name) && HasPrefix(e.name, e.application) {
			all = append(all, e.application)
		}
	}
	return sortedUnion(all), nil
}

// allLeftovers returns what is left of environments that have gone, of each application.
func (m *Manager) allLeftovers(ctx context.Context, rows []tenant, now time.Time) ([]Leftover, error) {
	names, err := m.applications(ctx, rows, now)
	if err != nil {
		return nil, err
	}
	var all []Leftover
	for _, name := range names {
		own := slices.DeleteFunc(slices.Clone(rows), func(e tenant) bool { return e.application != name })
		leftovers, err := m.of(name).leftovers(ctx, own, now)
		if err != nil {
			return nil, err
		}
		for _, l := range leftovers {
			l.application = name
			all = append(all, l)
		}
	}
	return all, nil
}
