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
	case err == nil:
		return nil
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

// wrap says what was being done to what, if err is one.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
