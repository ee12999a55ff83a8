package ecr

import (
	"context"
	"fmt"
	"strings"

	"beansprout/pattern"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// address is a repository's address in calls.
type address struct {
	account *string // nil is the caller's
	region  string  // "" is the caller's
	name    string
}

// registryHost matches the hosts of ECR's registries, including dual-stack and FIPS ones (ECR user
// guide, "Private registries"). Each partition has its own ending.
var (
	registryHost = pattern.New(`^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)$`)
	dualStack    = pattern.New(`^\d{12}\.dkr-ecr(?:-fips)?\.[a-z0-9-]+\.on\.(?:aws|amazonwebservices\.(?:com\.cn|eu))$`)
)

// address returns a repository's address: as ECR described it, or else from its name or URI.
func (r *Registry) address(repository string) address {
	if a, ok := r.addresses.Load(repository); ok {
		return a.(address)
	}
	a := parse(repository)
	if r.own {
		a.account = nil
	}
	return a
}

// parse parses a repository's name or URI.
func parse(repository string) address {
	host, name, found := strings.Cut(repository, "/")
	if found {
		if m := registryHost.FindStringSubmatch(host); m != nil {
			return address{aws.String(m[1]), m[2], name}
		}
		if strings.Contains(host, ":") { // a port, which no name has
			return address{name: name}
		}
	}
	return address{name: repository}
}

// Foreign reports whether the repository is given by its URI, as one that others create.
func (r *Registry) Foreign(repository string) bool {
	return parse(repository).name != repository && !r.own
}

// Region returns the region that a repository's URI names, or "" for a name.
func (r *Registry) Region(repository string) string { return parse(repository).region }

// remember stores the address of a repository that ECR described, and returns its URI. The region
// is from the ARN, arn:PARTITION:ecr:REGION:ACCOUNT:repository/NAME.
func (r *Registry) remember(is types.Repository) (uri string, err error) {
	at, err := arn.Parse(aws.ToString(is.RepositoryArn))
	if err != nil {
		return "", fmt.Errorf("read the ARN of repository %q: %w", aws.ToString(is.RepositoryName), err)
	}
	uri = aws.ToString(is.RepositoryUri)
	r.addresses.Store(uri, address{is.RegistryId, at.Region, aws.ToString(is.RepositoryName)})
	return uri, nil
}

// there sends a call to the repository's own region.
func (a address) there(o *ecr.Options) {
	if a.region != "" {
		o.Region = a.region
	}
}

// Settings are those of a new repository. An existing one keeps its own.
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

// Create creates a repository that URI reported as missing, and returns its URI. created is false
// when another process created it meanwhile.
func (r *Registry) Create(ctx context.Context, name string, s Settings) (uri string, created bool, err error) {
	at := r.address(name)
	out, err := r.api.CreateRepository(ctx, &ecr.CreateRepositoryInput{
		RepositoryName:             &at.name,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: s.Scan},
		ImageTagMutability:         s.mutability(),
	}, at.there)
	if err == nil {
		uri, err = r.remember(*out.Repository)
		return uri, true, err
	}
	if err = translate(err); refusedAs(err, "RepositoryAlreadyExistsException") { // another process was faster
		uri, err = r.describe(ctx, at)
	}
	return uri, false, wrap(err, "create repository %q", name)
}

// URI returns the URI, host/name, of the repository of that name. It returns a URI as it is, because
// the repository may be in another account. The error wraps ErrNoRepository when it is missing.
func (r *Registry) URI(ctx context.Context, name string) (string, error) {
	if r.Foreign(name) {
		return name, nil
	}
	uri, err := r.describe(ctx, r.address(name))
	return uri, wrap(err, "find repository %q", name)
}

func (r *Registry) describe(ctx context.Context, at address) (uri string, err error) {
	out, err := r.api.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RegistryId: at.account, RepositoryNames: []string{at.name}}, at.there)
	if err != nil {
		return "", translate(err)
	}
	if len(out.Repositories) != 1 {
		return "", fmt.Errorf("ECR described %d repositories", len(out.Repositories))
	}
	return r.remember(out.Repositories[0])
}
