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
)

const (
	// answerTime is how long one try of a call may go without its answer.
	answerTime = 30 * time.Second
	// tries is how often in a row a call may stay without an answer that can be read.
	tries = 10
	// throttleTime is how long a call may be throttled that has no deadline.
	throttleTime = 5 * time.Minute
)

// patience makes every call of a client: one that AWS throttled is repeated for as long as
// the context lasts, one whose answer was lost a few times, unless it starts an operation:
// whether AWS carries that out is to be seen, not to be asked for twice.
type patience struct{ polls *poller }

// patient returns a client whose calls have patience. The SDK's own retries give up too
// early, and know nothing of an answer of 200 that can't be read.
func patient(api *eb.Client, p *poller) *eb.Client {
	return eb.New(api.Options(), func(o *eb.Options) {
		o.Retryer = aws.NopRetryer{}
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return errors.Join(
				stack.Finalize.Insert(patience{p}, "Retry", middleware.Before),
				stack.Deserialize.Insert(whole{}, "OperationDeserializer", middleware.After))
		})
	})
}

// ID implements middleware.FinalizeMiddleware.
func (patience) ID() string { return "Patience" }

// HandleFinalize implements middleware.FinalizeMiddleware.
func (p patience) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, meta middleware.Metadata, err error,
) {
	once := starts[awsmiddleware.GetOperationName(ctx)]
	_, limited := ctx.Deadline()
	began, losses := time.Now(), 0
	for n := 1; ; n++ {
		var f fate
		out, meta, f, err = attempt(ctx, in, next)
		p.polls.note(f, meta)
		switch {
		case f == final:
			return out, meta, err
		case ctx.Err() != nil:
			return out, meta, &unanswered{ctx.Err(), err}
		case f == throttle:
			losses = 0
		default:
			losses++
		}
		if once && f == lost || losses == tries || !limited && time.Since(began) > throttleTime {
			return out, meta, &unanswered{ErrUnanswered, err}
		}
		if sleep(ctx, backoff(n)) != nil {
			return out, meta, &unanswered{ctx.Err(), err}
		}
	}
}

// starts names the calls that start an operation. All others may be repeated: they read, or
// find that they were carried out before.
var starts = map[string]bool{
	"CreateEnvironment": true, "UpdateEnvironment": true, "TerminateEnvironment": true, "RebuildEnvironment": true,
}

func attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, meta middleware.Metadata, f fate, err error,
) {
	if r, ok := in.Request.(*smithyhttp.Request); ok {
		if err := r.RewindStream(); err != nil {
			return out, meta, final, err
		}
	}
	out, meta, err = next.HandleFinalize(ctx, in)
	return out, meta, judge(err), err
}

// fate is what became of one try of a call.
type fate int

const (
	final    fate = iota // AWS has answered, or something of ours didn't let it be asked
	throttle             // not carried out
	lost                 // nobody knows
)

func judge(err error) fate {
	var unreadable *smithy.DeserializationError
	switch {
	case err == nil || fromGuard(err) != nil:
		return final
	case retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool():
		return throttle
	case errors.As(err, &unreadable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool():
		return lost
	}
	return final
}

// backoff is how long to wait after the nth failure in a row, with jitter.
func backoff(n int) time.Duration {
	const first, longest = 250 * time.Millisecond, 20 * time.Second
	return jitter(min(first<<min(n-1, 10), longest), 2)
}

// whole waits for an answer for some time, and takes it for one only when it has come to
// its end: the SDK reads a 200 without a body as an empty list, and doesn't look at those
// that it needs nothing of.
type whole struct{}

// ID implements middleware.DeserializeMiddleware.
func (whole) ID() string { return "Whole" }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (whole) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, meta middleware.Metadata, err error,
) {
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if out, meta, err = next.HandleDeserialize(limited, in); err == nil {
		err = read(out.RawResponse)
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = &smithy.DeserializationError{Err: fmt.Errorf("there is none after %s", answerTime)}
	}
	return out, meta, err
}

func read(raw any) error {
	answer, ok := raw.(*smithyhttp.Response)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // what was to be had of it has been read
	if err == nil && !bytes.HasSuffix(bytes.TrimSpace(body), []byte("Response>")) {
		err = errors.New("it isn't whole")
	}
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// unanswered is reported when a call got no answer, and why no other try was made.
type unanswered struct {
	kind  error // ErrUnanswered, or the context's
	cause error // of the last try
}

func (u *unanswered) Error() string { return u.kind.Error() + ": " + plain(u.cause) }

func (u *unanswered) Unwrap() error { return u.kind }
