package store

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

	"beansprout/envs/awsapi"
)

// ErrNoBucket is reported when the store's bucket doesn't exist.
var ErrNoBucket = errors.New("the bucket does not exist")

// conflict reports whether S3 refused a write because of its condition: 412, or on AWS 409 for
// two writes at once, or 404 for a record deleted in between (S3 user guide, "Conditional requests").
func conflict(err error) bool {
	var api smithy.APIError
	switch status(err) {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return true
	}
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchKey"
}

// uncertain reports whether a write may have succeeded in spite of err and another attempt may
// help: the answer was lost, can't be read, or is a server error.
func uncertain(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return !errors.Is(err, context.Canceled)
	}
	status := status(err)
	return status >= 500 || status == http.StatusTooManyRequests || api.ErrorCode() == "RequestTimeout"
}

// status returns the HTTP status of S3's answer, 0 when there is none.
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

// serverTime returns S3's clock at an answer, the zero time when the answer has none.
func serverTime(answer middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(answer)
	return at
}

// dateOf returns S3's clock at a refusal.
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

// translate removes the SDK's wrapping from an error.
func translate(err error) error {
	var api smithy.APIError
	if refused := awsapi.Refused(err); refused != nil {
		return refused
	}
	if !errors.As(err, &api) {
		return err
	}
	if api.ErrorCode() == "NoSuchBucket" {
		return fmt.Errorf("%w (NoSuchBucket)", ErrNoBucket)
	}
	if missing(err) {
		return fmt.Errorf("%w: %s (%s)", awsapi.ErrNotFound, api.ErrorMessage(), api.ErrorCode())
	}
	said := fmt.Errorf("%s (%s)", strings.TrimSuffix(api.ErrorMessage(), "."), api.ErrorCode())
	switch api.ErrorCode() {
	case "ExpiredToken", "RequestExpired", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return fmt.Errorf("%w: %w", awsapi.ErrCredentials, said)
	case "Forbidden": // the answer to a HEAD has no body with a reason
		return fmt.Errorf("the caller seems not authorized to perform s3:GetObject: %w", said)
	}
	return said
}
