package beanstalk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs/awsapi"
	"beansprout/pattern"
)

// ErrUnanswered is reported when AWS couldn't be reached, or gave only answers that can't be read
// or that it is busy.
var ErrUnanswered = errors.New("AWS gives no usable answer")

// ErrCombination is reported when AWS rejects a combination of parameters, such as a version and
// settings in one update.
var ErrCombination = errors.New("parameters exclude each other")

// Refusal is reported when AWS refuses a call.
type Refusal struct {
	Operation string // as the API names it
	Code      string
	Message   string
	kind      error // the sentinel for it, or nil
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Code + ")" }

// Unwrap returns the sentinel for the refusal, or nil.
func (r *Refusal) Unwrap() error { return r.kind }

// translate removes the SDK's wrapping from an error. Almost every refusal of Beanstalk has the
// code InvalidParameterValue, so only its text shows the reason.
func translate(err error) error {
	if refused := awsapi.Refused(err); refused != nil {
		return refused
	}
	var api smithy.APIError
	if u, ok := errors.AsType[*unansweredError](err); ok {
		return u
	}
	if errors.As(err, &api) {
		return newRefusal(api, err)
	}
	// The SDK has no type for missing credentials, such as those of an SSO session that has expired.
	if err != nil && strings.Contains(err.Error(), "get credentials: ") {
		return &unansweredError{awsapi.ErrCredentials, err}
	}
	return err
}

func newRefusal(api smithy.APIError, err error) *Refusal {
	r := &Refusal{Code: api.ErrorCode(), Message: api.ErrorMessage(), kind: sentinelOf(api.ErrorCode(), api.ErrorMessage())}
	if called, ok := errors.AsType[*smithy.OperationError](err); ok {
		r.Operation = called.Operation()
	}
	return r
}

func sentinelOf(code, message string) error {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(message, p) {
				return true
			}
		}
		return false
	}
	switch {
	case code == "OperationInProgressException", code == "OperationInProgressFailure",
		has("Must be Ready", "is in an invalid state for this operation", "It is currently pending"):
		return awsapi.ErrNotReady
	case code == "ResourceNotFoundException", has("No Environment found", "No Application named", "No Application Version named",
		"No Configuration Template named", "No Platform named"):
		return awsapi.ErrNotFound
	case code == "InvalidParameterCombination":
		return ErrCombination
	case strings.HasPrefix(code, "TooMany") && code != "TooManyTagsException":
		return awsapi.ErrQuota
	case has("already exists", "is not available"):
		return awsapi.ErrTaken
	}
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken":
		return awsapi.ErrCredentials
	}
	return nil
}

// reasonOf returns the text of an error without the SDK's wrapping and the addresses.
func reasonOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorMessage() != "" && api.ErrorCode() != "UnknownError" {
		return api.ErrorMessage() + " (" + api.ErrorCode() + ")"
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() >= http.StatusBadRequest {
		return answer.HTTPResponse().Status
	}
	if broken, ok := errors.AsType[*url.Error](err); ok {
		return broken.Err.Error()
	}
	if unreadable, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return unreadable.Err.Error()
	}
	if wrapped, ok := errors.AsType[*smithy.OperationError](err); ok {
		return wrapped.Err.Error()
	}
	return err.Error()
}

// rejection matches how Beanstalk names a rejected option, in answers and in events.
var rejection = pattern.New(`Namespace: '([^']+)', OptionName: '([^']+)'`)

// Rejected returns the option, without its value, that an error of a call or an operation names,
// or false when it names none.
func Rejected(err error) (Setting, bool) {
	text := ""
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		text = refusal.Message
	}
	if failure, ok := errors.AsType[*Failure](err); ok {
		text = failure.Reason + failure.Details()
	}
	if m := rejection.FindStringSubmatch(text); m != nil {
		return Setting{Namespace: m[1], Name: m[2]}, true
	}
	return Setting{}, false
}
