package beanstalk

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"beansprout/envs"
)

// Refusal is AWS's no to a call, in AWS's words.
type Refusal struct {
	Code    string
	Message string
	kind    error // the sentinel it amounts to, or nil
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
	if !errors.As(err, &api) {
		return err
	}
	return &Refusal{api.ErrorCode(), api.ErrorMessage(), meaning(api.ErrorCode(), api.ErrorMessage())}
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
	case has("already exists", "is not available"):
		return envs.ErrTaken
	}
	return nil
}
