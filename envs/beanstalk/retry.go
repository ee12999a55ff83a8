package beanstalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs/awsapi"
)

const (
	// attemptTimeout is how long one attempt of a call waits for its answer.
	attemptTimeout = 30 * time.Second
	// maxUnanswered is how many attempts in a row may get no readable answer.
	maxUnanswered = 10
	// throttleTimeout is how long a call without a deadline may be throttled.
	throttleTimeout = 5 * time.Minute
)

// withRetries returns a client with retries of our own instead of the SDK's, which give up too
// early and don't repeat a call whose answer has the status 200 but can't be read.
func withRetries(api *eb.Client, p *poller) *eb.Client {
	return eb.New(api.Options(), func(o *eb.Options) {
		o.Retryer = aws.NopRetryer{}
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return errors.Join(
				stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("BeansproutRetry", p.retry), "Retry", middleware.Before),
				stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("WholeAnswer", wholeAnswer), "OperationDeserializer", middleware.After))
		})
	})
}

// retry is middleware that repeats a call: a throttled one for as long as the context lasts, one
// whose answer was lost a few times. It doesn't repeat a call that starts an operation and whose
// answer was lost: the environment shows whether AWS carries it out.
func (p *poller) retry(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, meta middleware.Metadata, err error,
) {
	once := startsOperation[awsmiddleware.GetOperationName(ctx)]
	_, limited := ctx.Deadline()
	began, losses := time.Now(), 0
	for n := 1; ; n++ {
		var f attemptResult
		out, meta, f, err = attempt(ctx, in, next)
		p.note(f, meta)
		switch {
		case f == answered:
			return out, meta, err
		case ctx.Err() != nil:
			return out, meta, &unansweredError{ctx.Err(), err}
		case f == throttled:
			losses = 0
		default:
			losses++
		}
		if once && f == noAnswer || losses == maxUnanswered || !limited && time.Since(began) > throttleTimeout {
			return out, meta, &unansweredError{ErrUnanswered, err}
		}
		if sleep(ctx, backoff(n)) != nil {
			return out, meta, &unansweredError{ctx.Err(), err}
		}
	}
}

// startsOperation has the calls that start an operation. All others may be repeated: they read, or
// find that they were carried out before.
var startsOperation = map[string]bool{
	"CreateEnvironment": true, "UpdateEnvironment": true, "TerminateEnvironment": true, "RebuildEnvironment": true,
}

func attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, meta middleware.Metadata, f attemptResult, err error,
) {
	if r, ok := in.Request.(*smithyhttp.Request); ok {
		if err := r.RewindStream(); err != nil {
			return out, meta, answered, err
		}
	}
	out, meta, err = next.HandleFinalize(ctx, in)
	return out, meta, classify(err), err
}

// attemptResult is the result of one attempt of a call.
type attemptResult int

const (
	answered  attemptResult = iota // by AWS, or refused before AWS was asked
	throttled                      // not carried out
	noAnswer                       // it may have been carried out
)

func classify(err error) attemptResult {
	var unreadable *smithy.DeserializationError
	switch {
	case err == nil || awsapi.Refused(err) != nil:
		return answered
	case retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool():
		return throttled
	case errors.As(err, &unreadable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool():
		return noAnswer
	}
	return answered
}

// backoff returns how long to wait after the nth failure in a row, with jitter.
func backoff(n int) time.Duration {
	const first, longest = 250 * time.Millisecond, 20 * time.Second
	return jitter(min(first<<min(n-1, 10), longest), 2)
}

// wholeAnswer is middleware that limits the time until an answer and rejects one that was cut off.
// The SDK reads a 200 without a body as an empty list, and doesn't read bodies that it needs
// nothing from.
func wholeAnswer(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, meta middleware.Metadata, err error,
) {
	limited, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if out, meta, err = next.HandleDeserialize(limited, in); err == nil {
		err = read(out.RawResponse)
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = &smithy.DeserializationError{Err: fmt.Errorf("there is none after %s", attemptTimeout)}
	}
	return out, meta, err
}

func read(raw any) error {
	answer, ok := raw.(*smithyhttp.Response)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it has been read
	if err == nil && !bytes.HasSuffix(bytes.TrimSpace(body), []byte("Response>")) {
		err = errors.New("it isn't whole")
	}
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// unansweredError is reported when a call got no answer and is not repeated.
type unansweredError struct {
	kind  error // ErrUnanswered, or the context's
	cause error // of the last try
}

func (u *unansweredError) Error() string { return u.kind.Error() + ": " + reasonOf(u.cause) }

func (u *unansweredError) Unwrap() error { return u.kind }
