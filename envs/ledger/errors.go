package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs"
)

// ErrNoBucket is reported when the ledger's bucket doesn't exist.
var ErrNoBucket = errors.New("the bucket does not exist")

// conflict says whether a conditional write lost: 412, or on AWS 409 for two writes at
// once, or 404 for a record that went away in between (S3 user guide, "Conditional requests").
func conflict(err error) bool {
	var api smithy.APIError
	switch status(err) {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return true
	}
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchKey"
}

// uncertain says whether another try may help, and whether a write may have been made: the
// answer was lost, can't be read, or came from a service that is in trouble.
func uncertain(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return !errors.Is(err, context.Canceled)
	}
	status := status(err)
	return status >= 500 || status == http.StatusTooManyRequests || api.ErrorCode() == "RequestTimeout"
}

// status is that of S3's answer, 0 where there is none.
func status(err error) int {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

func missing(err error) bool {
	var key *types.NoSuchKey
	var head *types.NotFound
	var bucket *types.NoSuchBucket
	return errors.As(err, &key) || errors.As(err, &head) || errors.As(err, &bucket) || status(err) == http.StatusNotFound
}

var errNoDate = errors.New("S3 didn't say what time it is")

// serverTime is S3's clock at an answer, the zero time where it doesn't say.
func serverTime(answer middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(answer)
	return at
}

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
	said := fmt.Errorf("%s (%s)", strings.TrimSuffix(api.ErrorMessage(), "."), api.ErrorCode())
	switch api.ErrorCode() {
	case "ExpiredToken", "RequestExpired", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return fmt.Errorf("%w: %w", envs.ErrCredentials, said)
	case "Forbidden": // of a HEAD, whose answer has no body that could say why
		return fmt.Errorf("the caller seems not authorized to perform s3:GetObject: %w", said)
	}
	return said
}
