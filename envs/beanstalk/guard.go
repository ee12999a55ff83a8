package beanstalk

import (
	"context"
	"errors"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/smithy-go/middleware"
)

// Guarded returns a client whose changing calls ask guard before each HTTP attempt, those of
// the SDK's own retries included, so that nothing is changed by who has lost the right to
// while it waited. An error of guard ends the call at once and is wrapped in the call's own.
func (c *Client) Guarded(guard func(context.Context) error) *Client {
	behind := middleware.FinalizeMiddlewareFunc("Guard", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := guard(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, &forbidden{err}
		}
		return next.HandleFinalize(ctx, in)
	})
	api := c.api
	guarded := *c
	guarded.api = eb.New(api.Options(), func(o *eb.Options) {
		o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], func(s *middleware.Stack) error {
			if !changes(s.ID()) {
				return nil
			}
			return s.Finalize.Insert(behind, "Retry", middleware.After)
		})
	})
	return &guarded
}

// changes says whether an operation may change something. One that isn't known does, and
// Beanstalk's own bucket is nobody's to guard.
func changes(operation string) bool {
	for _, reads := range []string{"Check", "CreateStorageLocation", "Describe", "List", "Request", "Retrieve", "Validate"} {
		if strings.HasPrefix(operation, reads) {
			return false
		}
	}
	return true
}

// forbidden is the guard's error on its way through the SDK, which must not take it for one
// of AWS's that is worth another try.
type forbidden struct{ error }

func (f *forbidden) Unwrap() error { return f.error }

// RetryableError is what the SDK's retryer asks.
func (f *forbidden) RetryableError() bool { return false }

// fromGuard returns the guard's own error, or nil when err is none.
func fromGuard(err error) error {
	if f, ok := errors.AsType[*forbidden](err); ok {
		return f.error
	}
	return nil
}
