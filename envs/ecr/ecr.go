// Package ecr finds and tags images in Amazon ECR, creates repositories, sets their lifecycle
// policies and gets tokens. Its results are digests, tags and errors; no type of the SDK leaves
// it. The images themselves go between the engine and the registry.
package ecr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"

	"beansprout/envs/awsapi"
)

// Errors for errors.Is.
var (
	// ErrNoRepository is reported when the repository does not exist (any more).
	ErrNoRepository = errors.New("the repository does not exist")
	// ErrNoImage is reported when the repository has no image with that digest.
	ErrNoImage = errors.New("the repository has no such image")
	// ErrForeignHost is reported when the host of a repository's URI is not ECR's.
	ErrForeignHost = errors.New("the repository's host is not a registry of ECR")
	// ErrTagTaken is reported when an immutable tag is on another image.
	ErrTagTaken = errors.New("the tag is on another image and the repository's tags are immutable")
)

// Registry is ECR in one account and region. A repository is given by its name, or by its URI when
// it is in another account or region. Registry reads images; only a Tagger changes their tags.
// Registry itself creates repositories and sets lifecycle policies: these belong to the
// application and not to an environment, so no environment's lease protects them.
type Registry struct {
	api       *ecr.Client
	own       bool      // every repository lies in the caller's account
	addresses *sync.Map // the address of each repository that ECR described, by URI
}

// New returns a Registry that calls ECR through client.
func New(client *ecr.Client) *Registry {
	return &Registry{api: client, addresses: &sync.Map{}}
}

// NewOwn returns the Registry of a local cloud: each URI has its own repository in the URI's
// region, whatever its account is.
func NewOwn(client *ecr.Client) *Registry {
	r := New(client)
	r.own = true
	return r
}

// Refusal is reported when AWS refuses a call.
type Refusal struct {
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Code + ")" }

// Unwrap returns the sentinel for the refusal, or nil.
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

// translate keeps the text of an error of the SDK and drops its types.
func translate(err error) error {
	var (
		refused   smithy.APIError
		transport *url.Error
		operation *smithy.OperationError
	)
	switch {
	case err == nil:
		return nil
	case awsapi.Refused(err) != nil:
		return awsapi.Refused(err)
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

// wrap adds what was being done to an error, and returns nil for nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// Token allows pushes and pulls until it expires, twelve hours after the request (API reference,
// GetAuthorizationToken).
type Token struct {
	Username, Password string
	Expires            time.Time
}

// Token gets a new token for the region of the repository. It is valid for everything that the
// caller may use there, including repositories of other accounts, which is why the call's registry
// ids are deprecated (API reference, GetAuthorizationToken).
func (r *Registry) Token(ctx context.Context, repository string) (Token, error) {
	out, err := r.api.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{}, r.address(repository).there)
	if err != nil {
		return Token{}, wrap(translate(err), "get the registry's token")
	}
	if len(out.AuthorizationData) == 0 {
		return Token{}, errors.New("get the registry's token: ECR sent none")
	}
	data := out.AuthorizationData[0]
	if err := r.checkHost(repository, aws.ToString(data.ProxyEndpoint)); err != nil {
		return Token{}, fmt.Errorf("get the registry's token: %w", err)
	}
	username, password, err := decode(aws.ToString(data.AuthorizationToken))
	return Token{username, password, aws.ToTime(data.ExpiresAt)}, wrap(err, "get the registry's token")
}

// checkHost refuses a repository on a host that is not ECR's, which must not get the token. proxy
// is the caller's registry in the repository's region, as ECR names it. The hosts of a region's
// registries differ only in the account and in being dual-stack or FIPS ones.
func (r *Registry) checkHost(repository, proxy string) error {
	_, told := r.addresses.Load(repository)
	host, _, _ := strings.Cut(repository, "/")
	if told || parse(repository).name == repository {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil {
		return fmt.Errorf("what ECR names as its registry is no URL: %w", err)
	}
	mine, theirs := registryHost.FindStringSubmatch(u.Host), registryHost.FindStringSubmatch(host)
	if host == u.Host || mine != nil && theirs != nil && (mine[3] == theirs[3] || dualStack.MatchString(host)) {
		return nil
	}
	return fmt.Errorf("%w: %s; ECR's there is %s", ErrForeignHost, host, u.Host)
}

// decode splits a token. Its error never contains the token.
func decode(token string) (username, password string, err error) {
	plain, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", "", errors.New("what ECR sent is not base64")
	}
	username, password, ok := strings.Cut(string(plain), ":")
	if !ok || password == "" {
		return "", "", errors.New("what ECR sent has no password in it")
	}
	return username, password, nil
}
