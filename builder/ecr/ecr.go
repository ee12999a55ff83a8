// Package ecr is the door to Amazon ECR: the names of repositories, digests and tags go
// in, and no type of the SDK comes out. The images themselves travel between the engine
// and the registry; this package makes the repository, fetches the token for that, and
// looks after the tags.
package ecr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
)

// Errors to be told apart with errors.Is.
var (
	// ErrNoRepository is reported when the repository does not exist (any more).
	ErrNoRepository = errors.New("the repository does not exist")
	// ErrNoImage is reported when the repository has no image with that digest.
	ErrNoImage = errors.New("the repository has no such image")
	// ErrTagTaken is reported when a tag that may not be moved is on another image.
	ErrTagTaken = errors.New("the tag is on another image and the repository's tags are immutable")
)

// Registry is ECR in one account and region.
type Registry struct{ api *ecr.Client }

// New returns the registry that client calls.
func New(client *ecr.Client) *Registry { return &Registry{client} }

// Refusal is AWS's no to a call, in AWS's words.
type Refusal struct {
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Code + ")" }

// Unwrap returns the sentinel that the refusal amounts to, or nil.
func (r *Refusal) Unwrap() error {
	switch r.Code {
	case "RepositoryNotFoundException":
		return ErrNoRepository
	case "ImageNotFoundException":
		return ErrNoImage
	case "ImageTagAlreadyExistsException":
		return ErrTagTaken
	}
	return nil
}

// translate keeps what an error of the SDK says and drops its types.
func translate(err error) error {
	var (
		refused   smithy.APIError
		transport *url.Error
		operation *smithy.OperationError
	)
	switch {
	case errors.As(err, &refused):
		return &Refusal{refused.ErrorCode(), refused.ErrorMessage()}
	case errors.As(err, &transport):
		return transport
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &operation):
		return errors.New(operation.Err.Error())
	}
	return errors.New(err.Error())
}

func refusedAs(err error, code string) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && refusal.Code == code
}

// address is a repository as the calls name it.
type address struct {
	account *string // nil is the caller's own
	name    string
}

// foreign are the hosts of ECR's registries, dual-stack and China's included (ECR user
// guide, "Private registries").
var foreign = regexp.MustCompile(`^(\d{12})\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$`)

// parse reads a repository's name, or its URI as Repository returns it.
func parse(repository string) address {
	host, name, found := strings.Cut(repository, "/")
	if found {
		if m := foreign.FindStringSubmatch(host); m != nil {
			return address{aws.String(m[1]), name}
		}
		if strings.Contains(host, ":") { // a port, which no name has
			return address{nil, name}
		}
	}
	return address{nil, repository}
}

// Repository returns the URI of the repository of that name, host/name, and creates the
// repository if it is missing. A URI is returned as it is: a repository in another
// account is not ours to create.
func (r *Registry) Repository(ctx context.Context, name string) (uri string, created bool, err error) {
	if parse(name).name != name {
		return name, false, nil
	}
	uri, err = r.describe(ctx, name)
	if !errors.Is(err, ErrNoRepository) {
		return uri, false, wrap(err, "find repository %q", name)
	}
	out, err := r.api.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name})
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

// wrap says what was being done to what, if err is one.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
