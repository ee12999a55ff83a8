package ecr

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// address is a repository as the calls name it.
type address struct {
	account *string // nil is the caller's own
	region  string  // "" is the caller's own
	name    string
}

// foreign are the hosts of ECR's registries, dual-stack and China's included (ECR user
// guide, "Private registries").
var foreign = regexp.MustCompile(`^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$`)

// parse reads a repository's name, or its URI as Repository returns it.
func parse(repository string) address {
	host, name, found := strings.Cut(repository, "/")
	if found {
		if m := foreign.FindStringSubmatch(host); m != nil {
			return address{aws.String(m[1]), m[2], name}
		}
		if strings.Contains(host, ":") { // a port, which no name has
			return address{name: name}
		}
	}
	return address{name: repository}
}

// there sends a call to the repository's own region.
func (a address) there(o *ecr.Options) {
	if a.region != "" {
		o.Region = a.region
	}
}

// Settings are what a repository is made with. One that is there already keeps its own.
type Settings struct {
	Scan      bool // images are scanned for vulnerabilities when they are pushed
	Immutable bool // a tag stays on the image that got it first
}

func (s Settings) mutability() types.ImageTagMutability {
	if s.Immutable {
		return types.ImageTagMutabilityImmutable
	}
	return types.ImageTagMutabilityMutable
}

// Repository returns the URI of the repository of that name, host/name, and creates the
// repository if it is missing. A URI is returned as it is: a repository in another
// account is not ours to create.
func (r *Registry) Repository(ctx context.Context, name string, s Settings) (uri string, created bool, err error) {
	if parse(name).name != name {
		return name, false, nil
	}
	uri, err = r.describe(ctx, name)
	if !errors.Is(err, ErrNoRepository) {
		return uri, false, wrap(err, "find repository %q", name)
	}
	out, err := r.api.CreateRepository(ctx, &ecr.CreateRepositoryInput{
		RepositoryName:             &name,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: s.Scan},
		ImageTagMutability:         s.mutability(),
	})
	if err == nil {
		return aws.ToString(out.Repository.RepositoryUri), true, nil
	}
	if err = translate(err); refusedAs(err, "RepositoryAlreadyExistsException") { // somebody was faster
		uri, err = r.describe(ctx, name)
	}
	return uri, false, wrap(err, "create repository %q", name)
}

func (r *Registry) describe(ctx context.Context, name string) (uri string, err error) {
	out, err := r.api.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return "", translate(err)
	}
	if len(out.Repositories) != 1 {
		return "", fmt.Errorf("ECR described %d repositories", len(out.Repositories))
	}
	return aws.ToString(out.Repositories[0].RepositoryUri), nil
}
