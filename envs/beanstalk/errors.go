package beanstalk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs"
)

// ErrUnanswered is reported when AWS couldn't be reached, gave no answer that can be read, or
// none but that it is busy.
var ErrUnanswered = errors.New("AWS gives no usable answer")

// Refusal is AWS's no to a call, in AWS's words.
type Refusal struct {
	Operation string // as the API names it
	Code      string
	Message   string
	kind      error // the sentinel it amounts to, or nil
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Code + ")" }

// Unwrap returns the sentinel of package envs that the refusal amounts to, or nil.
func (r *Refusal) Unwrap() error { return r.kind }

// translate takes the SDK's wrapping off an error. Beanstalk answers almost every refusal
// with the code InvalidParameterValue, which no client models, so only the text tells.
func translate(err error) error {
	if forbidden := fromGuard(err); forbidden != nil {
		return forbidden
	}
	var api smithy.APIError
	if u, ok := errors.AsType[*unanswered](err); ok {
		return u
	}
	if errors.As(err, &api) {
		return refused(api, err)
	}
	// The SDK has no type for credentials that can't be had, such as those of an SSO session that is over.
	if err != nil && strings.Contains(err.Error(), "get credentials: ") {
		return &unanswered{envs.ErrCredentials, err}
	}
	return err
}

func refused(api smithy.APIError, err error) *Refusal {
	r := &Refusal{Code: api.ErrorCode(), Message: api.ErrorMessage(), kind: meaning(api.ErrorCode(), api.ErrorMessage())}
	if called, ok := errors.AsType[*smithy.OperationError](err); ok {
		r.Operation = called.Operation()
	}
	return r
}

func meaning(code, message string) error {
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
		return envs.ErrNotReady
	case code == "ResourceNotFoundException", has("No Environment found", "No Application named", "No Application Version named",
		"No Configuration Template named", "No Platform named"):
		return envs.ErrNotFound
	case strings.HasPrefix(code, "TooMany") && code != "TooManyTagsException":
		return envs.ErrQuota
	case has("already exists", "is not available"):
		return envs.ErrTaken
	}
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken":
		return envs.ErrCredentials
	}
	return nil
}

// plain is what an error comes down to, without the SDK's wrapping and the addresses.
func plain(err error) string {
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
