package ecr

import (
	"cmp"
	"context"
	"time"

	"beansprout/localcloud/wire"
)

// registry is the parameter that names an account.
type registry struct {
	RegistryID string `json:"registryId" aws:"pattern=[0-9]{12}"`
}

func (r registry) foreign(account string) error {
	if r.RegistryID == "" || r.RegistryID == account {
		return nil
	}
	return wire.Errorf("AccessDeniedException", "User is not authorized to access the registry with id '%s'", r.RegistryID)
}

// own returns an operation that refuses another account's registry.
func own[In interface{ foreign(string) error }, Out any](s *Service, f func(context.Context, wire.Call, In) (Out, error)) wire.Operation {
	return wire.Op(func(ctx context.Context, c wire.Call, in In) (out Out, err error) {
		if err := in.foreign(s.Account); err != nil {
			return out, err
		}
		return f(ctx, c, in)
	})
}

// target holds the parameters of all calls about one repository.
type target struct {
	registry
	RepositoryName string `json:"repositoryName" aws:"required,min=2,max=256,pattern=[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*"`
}

// lookup returns a repository or RepositoryNotFoundException.
func (s *Service) lookup(region, name string) (*repository, error) {
	r, err := s.store.get(region, name)
	if err == nil && r == nil {
		err = noRepository(s.Account, name)
	}
	return r, err
}

// update changes a repository and returns the changed one. If change fails, the repository stays.
func (s *Service) update(region, name string, change func(*repository) error) (after *repository, err error) {
	err = s.store.change(region, name, func(r *repository) (*repository, error) {
		if r == nil {
			return nil, noRepository(s.Account, name)
		}
		after = r
		return r, change(r)
	})
	return after, err
}

func noRepository(account, name string) error {
	return wire.Errorf("RepositoryNotFoundException",
		"The repository with name '%s' does not exist in the registry with id '%s'", name, account)
}

// invalid returns ECR's refusal of a parameter.
func invalid(parameter, constraint string) error {
	return wire.Errorf("InvalidParameterException", "Invalid parameter at '%s' failed to satisfy constraint: '%s'", parameter, constraint)
}

type scanning struct {
	ScanOnPush bool `json:"scanOnPush"`
}

// encryption with a key is refused: there is no KMS here.
type encryption struct {
	EncryptionType string `json:"encryptionType" aws:"required,enum=AES256"`
	KmsKey         string `json:"kmsKey" aws:"min=1,max=2048"`
}

func (e encryption) check() error {
	if e.KmsKey == "" {
		return nil
	}
	return invalid("encryptionConfiguration.kmsKey", "A key goes with encryption by KMS only")
}

// exclusion excepts tags from the mutability of the others. It is refused.
type exclusion struct {
	FilterType string `json:"filterType" aws:"required,enum=WILDCARD"`
	Filter     string `json:"filter" aws:"required,min=1,max=128,pattern=[0-9a-zA-Z._*-]{1,128}"`
}

func refuseExclusions(given []exclusion) error {
	if given == nil {
		return nil
	}
	return invalid("imageTagMutabilityExclusionFilters", "Exclusion filters go with a mutability WITH_EXCLUSION only")
}

// description is AWS's description of a repository.
type description struct {
	RepositoryArn              string     `json:"repositoryArn"`
	RegistryID                 string     `json:"registryId"`
	RepositoryName             string     `json:"repositoryName"`
	RepositoryURI              string     `json:"repositoryUri"`
	CreatedAt                  time.Time  `json:"createdAt"`
	ImageTagMutability         string     `json:"imageTagMutability"`
	ImageScanningConfiguration scanning   `json:"imageScanningConfiguration"`
	EncryptionConfiguration    encryption `json:"encryptionConfiguration"`
}

func (s *Service) describe(r *repository) description {
	return description{r.arn(), r.Registry, r.Name, s.Host() + "/" + r.Name, r.Created, r.Mutability, scanning{r.ScanOnPush}, encryption{EncryptionType: "AES256"}}
}

type described struct {
	Repository description `json:"repository"`
}

func (s *Service) createRepository(_ context.Context, c wire.Call, in struct {
	target
	ImageTagMutability         string      `json:"imageTagMutability" aws:"enum=MUTABLE|IMMUTABLE"`
	Exclusions                 []exclusion `json:"imageTagMutabilityExclusionFilters" aws:"min=1,max=5"`
	ImageScanningConfiguration scanning    `json:"imageScanningConfiguration"`
	EncryptionConfiguration    encryption  `json:"encryptionConfiguration"`
	Tags                       []label     `json:"tags"`
}) (described, error) {
	if err := refuseExclusions(in.Exclusions); err != nil {
		return described{}, err
	}
	if err := in.EncryptionConfiguration.check(); err != nil {
		return described{}, err
	}
	fresh := newRepository(s.Account, c.Region, in.RepositoryName, c.Now)
	fresh.Mutability = cmp.Or(in.ImageTagMutability, fresh.Mutability)
	fresh.ScanOnPush = in.ImageScanningConfiguration.ScanOnPush
	err := s.store.change(c.Region, in.RepositoryName, func(r *repository) (*repository, error) {
		if r != nil {
			return nil, wire.Errorf("RepositoryAlreadyExistsException",
				"The repository with name '%s' already exists in the registry with id '%s'", r.Name, r.Registry)
		}
		return fresh, fresh.label(in.Tags)
	})
	return described{s.describe(fresh)}, err
}

func (s *Service) describeRepositories(_ context.Context, c wire.Call, in struct {
	registry
	page
	RepositoryNames []string `json:"repositoryNames" aws:"min=1,max=100,each,min=2,max=256,pattern=[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*"`
}) (out struct {
	Repositories []description `json:"repositories"`
	NextToken    string        `json:"nextToken"`
}, err error) {
	rs, err := s.store.all(func(r *repository) bool { return r.Region == c.Region })
	if in.RepositoryNames != nil {
		rs, err = s.named(c.Region, in.RepositoryNames)
	}
	if err != nil {
		return out, err
	}
	rs, out.NextToken, err = cut(in.page, rs, func(r *repository) string { return r.Name })
	for _, r := range rs {
		out.Repositories = append(out.Repositories, s.describe(r))
	}
	return out, err
}

func (s *Service) named(region string, names []string) (rs []*repository, err error) {
	for _, name := range names {
		r, err := s.lookup(region, name)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func (s *Service) deleteRepository(_ context.Context, c wire.Call, in struct {
	target
	Force bool `json:"force"`
}) (out described, err error) {
	err = s.store.change(c.Region, in.RepositoryName, func(r *repository) (*repository, error) {
		switch {
		case r == nil:
			return nil, noRepository(s.Account, in.RepositoryName)
		case len(r.Images) > 0 && !in.Force:
			return nil, wire.Errorf("RepositoryNotEmptyException",
				"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", r.Name, r.Registry)
		}
		out.Repository = s.describe(r)
		return nil, nil
	})
	return out, err
}

func (s *Service) putImageTagMutability(_ context.Context, c wire.Call, in struct {
	target
	ImageTagMutability string      `json:"imageTagMutability" aws:"required,enum=MUTABLE|IMMUTABLE"`
	Exclusions         []exclusion `json:"imageTagMutabilityExclusionFilters" aws:"min=1,max=5"`
}) (out struct {
	RegistryID         string `json:"registryId"`
	RepositoryName     string `json:"repositoryName"`
	ImageTagMutability string `json:"imageTagMutability"`
}, err error) {
	if err := refuseExclusions(in.Exclusions); err != nil {
		return out, err
	}
	_, err = s.update(c.Region, in.RepositoryName, func(r *repository) error {
		r.Mutability = in.ImageTagMutability
		out.RegistryID, out.RepositoryName, out.ImageTagMutability = r.Registry, r.Name, r.Mutability
		return nil
	})
	return out, err
}
