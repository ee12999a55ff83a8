package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
)

// Error is AWS's refusal of a call.
type Error struct {
	Code    string // InvalidParameterValue
	Message string
	Status  int // HTTP status; 0 means 400
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes a refusal with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refusal finds the *Error in err; anything else is a fault of ours, under the given code.
func refusal(err error, internal string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Code: e.Code, Message: e.Message, Status: cmp.Or(e.Status, http.StatusBadRequest)}
	}
	return &Error{Code: internal, Message: err.Error(), Status: http.StatusInternalServerError}
}
