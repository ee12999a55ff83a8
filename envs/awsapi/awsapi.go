// Package awsapi has the errors that the clients of AWS's services have in common, and makes sure
// before each attempt of a call, including the SDK's retries, that the caller may still change
// something: it may have lost its lease while it waited.
package awsapi

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/smithy-go/middleware"
)

// Each returns an option of an SDK client that calls ensure before each HTTP attempt of a call
// that may change something. An error of ensure ends the call at once; Refused returns that error.
func Each(ensure func(context.Context) error) func(*middleware.Stack) error {
	handle := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := ensure(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, &refusedError{err}
		}
		return next.HandleFinalize(ctx, in)
	}
	return func(s *middleware.Stack) error {
		if !changes(s.ID()) {
			return nil
		}
		return s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Guard", handle), "Retry", middleware.After)
	}
}

// changes reports whether an operation may change something. An unknown one may. Creating
// Beanstalk's own bucket doesn't count.
func changes(operation string) bool {
	for _, reads := range []string{"BatchCheck", "BatchGet", "Check", "CreateStorageLocation", "Describe", "Get", "Head", "List", "Request", "Retrieve", "Validate"} {
		if strings.HasPrefix(operation, reads) {
			return false
		}
	}
	return true
}

// Final returns err as an error of an HTTP client after which the SDK must not repeat the call.
// Refused returns err.
func Final(err error) error { return &refusedError{err} }

// refusedError is an error on its way through the SDK, which must not retry it.
type refusedError struct{ cause error }

func (r *refusedError) Error() string { return r.cause.Error() }

func (r *refusedError) Unwrap() error { return r.cause }

// RetryableError implements the interface of the SDK's retryer.
func (r *refusedError) RetryableError() bool { return false }

// Refused returns the error of ensure, or that of Final, that ended a call with the error err, or
// nil when another error did.
func Refused(err error) error {
	if r, ok := errors.AsType[*refusedError](err); ok {
		return r.cause
	}
	return nil
}

// Errors for errors.Is that AWS's answers are translated to.
var (
	// ErrNotFound is reported when an environment, version or object doesn't exist, or not any more.
	ErrNotFound = errors.New("not found")
	// ErrNotReady is reported when an environment can't be changed in its present state. The same
	// call may succeed later.
	ErrNotReady = errors.New("not ready")
	// ErrCredentials is reported when AWS doesn't accept the credentials, or when there are none.
	ErrCredentials = errors.New("AWS doesn't accept the credentials")
	// ErrCertificate is reported when the certificate of an AWS endpoint isn't trusted.
	ErrCertificate = errors.New("its certificate isn't trusted")
	// ErrTaken is reported when a name is in use.
	ErrTaken = errors.New("taken")
	// ErrQuota is reported when a quota of the account doesn't allow another resource.
	ErrQuota = errors.New("quota used up")
)
