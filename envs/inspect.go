package envs

import (
	"context"
	"errors"
	"fmt"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

// The methods of this file look at what a deploy needs before there is one. They change nothing and
// wait for nothing.

// HasApplication reports whether AWS knows the application.
func (m *Manager) HasApplication(ctx context.Context) (bool, error) {
	return m.beanstalk.HasApplication(ctx, m.config.Application)
}

// Quotas returns Beanstalk's quotas in the region, and how much of each is used.
func (m *Manager) Quotas(ctx context.Context) (beanstalk.Quotas, error) {
	return m.beanstalk.Quotas(ctx)
}

// Basis returns the configuration that a launch of the deployment would have, and the ARN of its
// platform. The error is a *FieldError if the deployment names something that does not exist, or a
// platform that does not run what it deploys.
func (m *Manager) Basis(ctx context.Context, request Deployment) (beanstalk.Configuration, error) {
	d := &deploy{Deployment: request, manager: m, run: &run{}}
	base, _, err := d.base(ctx)
	return base.Configuration.Changed(beanstalk.Difference{Set: request.Settings}), err
}

// A Place is where a feature's environment lives, or would live.
type Place struct {
	Name        string      // of the environment
	CNAME       string      // its address
	Environment Environment // the zero one if none lives under the name
	Free        bool        // none lives, and the address is free
}

// Place looks up where a feature's environment lives, or would live. The error wraps ErrNotOurs if an
// environment of its name is not ours.
func (m *Manager) Place(ctx context.Context, feature string) (p Place, err error) {
	if p.Name, err = m.name(ctx, m.config.Application, feature); err != nil {
		return p, err
	}
	rows, _, err := m.beanstalk.Environments(ctx, "")
	if err != nil {
		return p, err
	}
	for _, e := range rows {
		if e.Name == p.Name && (p.Environment.ID == "" || !e.State.Gone()) {
			p.Environment, p.CNAME = m.environment(e, nil, nil), e.CNAME
		}
	}
	if e := p.Environment.Env; e.ID != "" {
		e, tags, err := m.identify(ctx, e)
		p.Environment = m.environment(e, tags, nil)
		return p, err
	}
	p.CNAME, p.Free, err = m.beanstalk.Address(ctx, p.Name)
	return p, err
}

// A RepositoryState is what a deploy finds of the application's repository.
type RepositoryState struct {
	Name    string // or its URI, as it is configured
	Foreign bool   // it is configured by its URI, so that no deploy creates it
	Region  string // of its registry
	URI     string // "" where it is missing
	Policy  error  // why its lifecycle policy can't be read, or won't have all rules of ours; nil if it can and will
}

// Repository looks for the application's repository. An error is why a deploy can't read it.
func (m *Manager) Repository(ctx context.Context) (RepositoryState, error) {
	r := RepositoryState{Name: m.config.Repository.Name, Region: m.region}
	r.Foreign = m.images.Foreign(r.Name)
	uri, err := m.images.URI(ctx, r.Name)
	if err == nil && r.Foreign { // nothing was asked, and its own account decides who reads it
		r.Region = m.images.Region(r.Name)
		_, _, err = m.images.Image(ctx, uri, "beansprout")
	}
	if errors.Is(err, ecr.ErrNoRepository) {
		return r, nil
	}
	if err != nil && !errors.Is(err, ecr.ErrNoImage) {
		return r, err
	}
	r.URI = uri
	lifecycle, err := m.images.Lifecycle(ctx, uri)
	if err == nil {
		err = lifecycle.HasRoom(m.config.Repository.Expire)
	}
	if !errors.Is(err, ecr.ErrNoRepository) {
		r.Policy = err
	}
	return r, nil
}

// A BucketState is what a deploy finds of the bucket with records and bundles.
type BucketState struct {
	Name   string
	Own    bool // it is Beanstalk's own, which the first deploy creates
	Exists bool
}

// Bucket looks for the bucket with records and bundles, and reads an object as a deploy does. An error
// is why that is not possible.
func (m *Manager) Bucket(ctx context.Context) (b BucketState, err error) {
	s, err := m.store(ctx)
	if err != nil {
		return b, err
	}
	b.Name, b.Own = s.Bucket(), m.config.Bucket == ""
	switch err := s.Check(ctx); {
	case errors.Is(err, store.ErrNoBucket):
		return b, nil
	case err != nil:
		return b, err
	}
	b.Exists = true
	if _, err := s.LastSweep(ctx, m.config.Application); err != nil && !errors.Is(err, store.ErrGarbage) {
		return b, fmt.Errorf("read from bucket %s: %w", b.Name, err)
	}
	return b, nil
}

// Answers returns an error unless something answers at the environment's URL, whatever the answer is.
func (m *Manager) Answers(ctx context.Context, e Environment) error {
	return m.request(ctx, e.URL(), HealthCheck{Accepts: func(int) bool { return true }})
}
