package ecr

import (
	"context"
	"time"

	"beansprout/localcloud/wire"
)

type lifecycle struct {
	RegistryID          string    `json:"registryId"`
	RepositoryName      string    `json:"repositoryName"`
	LifecyclePolicyText string    `json:"lifecyclePolicyText"`
	LastEvaluatedAt     time.Time `json:"lastEvaluatedAt"`
}

// lifecycle returns the repository's policy or LifecyclePolicyNotFoundException.
func (r *repository) lifecycle() (lifecycle, error) {
	if r.Policy == "" {
		return lifecycle{}, wire.Errorf("LifecyclePolicyNotFoundException",
			"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, r.Registry)
	}
	return lifecycle{r.Registry, r.Name, r.Policy, r.Evaluated}, nil
}

func (s *Service) putLifecyclePolicy(_ context.Context, c wire.Call, in struct {
	target
	LifecyclePolicyText string `json:"lifecyclePolicyText" aws:"required,min=100,max=30720"`
}) (out lifecycle, err error) {
	if _, err := parsePolicy(in.LifecyclePolicyText); err != nil {
		return out, invalid("LifecyclePolicyText", "Lifecycle policy validation failure: "+err.Error())
	}
	_, err = s.update(c.Region, in.RepositoryName, func(r *repository) error {
		r.Policy, r.Evaluated = in.LifecyclePolicyText, time.Time{}
		out, err = r.lifecycle()
		return err
	})
	return out, err
}

func (s *Service) getLifecyclePolicy(_ context.Context, c wire.Call, in target) (lifecycle, error) {
	r, err := s.lookup(c.Region, in.RepositoryName)
	if err != nil {
		return lifecycle{}, err
	}
	return r.lifecycle()
}

func (s *Service) deleteLifecyclePolicy(_ context.Context, c wire.Call, in target) (out lifecycle, err error) {
	_, err = s.update(c.Region, in.RepositoryName, func(r *repository) error {
		out, err = r.lifecycle()
		r.Policy, r.Evaluated = "", time.Time{}
		return err
	})
	return out, err
}

// due returns the digests of the images that the repository's policy removes now.
func (r *repository) due(now time.Time) []string {
	if r.Policy == "" {
		return nil
	}
	p, err := parsePolicy(r.Policy)
	if err != nil {
		return nil // an older version of this package accepted it
	}
	images := make([]aged, 0, len(r.Images))
	for digest, i := range r.Images {
		images = append(images, aged{digest, r.tagsOf(digest), i.Pushed, r.listed(digest) != nil})
	}
	return expire(p, images, now)
}

// settle applies the policy and returns how many images it removed.
func (r *repository) settle(now time.Time) int {
	gone := r.due(now)
	for _, digest := range gone {
		r.remove(digest)
	}
	r.Evaluated = now
	return len(gone)
}

// settled applies the policy of a repository and returns the repository.
func (s *Service) settled(region, name string, now time.Time) (*repository, error) {
	r, err := s.lookup(region, name)
	if err != nil || len(r.due(now)) == 0 {
		return r, err
	}
	return s.update(region, name, func(r *repository) error {
		r.settle(now)
		return nil
	})
}
