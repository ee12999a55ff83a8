package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs"
)

// ErrNoBucket is reported when the ledger's bucket doesn't exist.
var ErrNoBucket = errors.New("the bucket does not exist")

// conflict says whether a conditional write lost: 412, or on AWS 409 for two writes at
// once, or 404 for a record that went away in between (S3 user guide, "Conditional requests").
func conflict(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey":
		return true
	}
	return false
}

// uncertain says whether another try may help, and whether a write may have been made: the
// answer was lost, was no answer, or came from a service that is in trouble.
func uncertain(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		status := answer.HTTPStatusCode()
		return status < 300 || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	}
	var api smithy.APIError
	return !errors.As(err, &api) && !errors.Is(err, context.Canceled)
}

func missing(err error) bool {
	var key *types.NoSuchKey
	var head *types.NotFound
	var bucket *types.NoSuchBucket
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &key) || errors.As(err, &head) || errors.As(err, &bucket) ||
		errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

var errNoDate = errors.New("S3 didn't say what time it is")

// dateOf is S3's clock at a refusal.
func dateOf(refusal error) (time.Time, error) {
	var answer *smithyhttp.ResponseError
	if !errors.As(refusal, &answer) || answer.Response == nil {
		return time.Time{}, errNoDate
	}
	date, err := http.ParseTime(answer.Response.Header.Get("Date"))
	if err != nil {
		return time.Time{}, errNoDate
	}
	return date, nil
}

// translate takes the SDK's wrapping off an error.
func translate(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	if api.ErrorCode() == "NoSuchBucket" {
		return fmt.Errorf("%w (NoSuchBucket)", ErrNoBucket)
	}
	if missing(err) {
		return fmt.Errorf("%w: %s (%s)", envs.ErrNotFound, api.ErrorMessage(), api.ErrorCode())
	}
	return fmt.Errorf("%s (%s)", strings.TrimSuffix(api.ErrorMessage(), "."), api.ErrorCode())
}
