package awsconfig

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Call is one HTTP request to AWS. A call that the SDK repeats is several.
type Call struct {
	Service, Operation string // as the SDK names them: S3, PutObject
	Took               time.Duration
	Failed             bool // AWS refused it, or did not answer
	Throttled          bool // AWS refused it because there were too many
}

// Observe has each call of the configuration's clients told. It is called by several goroutines at a time.
func Observe(cfg *aws.Config, observe func(Call)) {
	m := middleware.DeserializeMiddlewareFunc("BeansproutObserve", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		started := time.Now()
		out, metadata, err := next.HandleDeserialize(ctx, in)
		observe(Call{
			Service: awsmiddleware.GetServiceID(ctx), Operation: awsmiddleware.GetOperationName(ctx),
			Took: time.Since(started), Failed: err != nil, Throttled: throttled(err),
		})
		return out, metadata, err
	})
	cfg.APIOptions = append(cfg.APIOptions, func(s *middleware.Stack) error {
		return s.Deserialize.Add(m, middleware.Before)
	})
}

// throttled reports whether AWS refused a call because there were too many.
func throttled(err error) bool {
	if err == nil {
		return false
	}
	if retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && (answer.HTTPStatusCode() == 429 || answer.HTTPStatusCode() == 503)
}
