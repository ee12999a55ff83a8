package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"syscall"
)

// Error is AWS's refusal of a call.
type Error struct {
	Code    string // InvalidParameterValue
	Message string
	Status  int // HTTP status; 0 means 400
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf returns a refusal with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refusal returns the *Error in err. Any other error becomes an internal failure with the given
// code.
func refusal(err error, internal string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Code: e.Code, Message: e.Message, Status: cmp.Or(e.Status, http.StatusBadRequest)}
	}
	return &Error{Code: internal, Message: err.Error(), Status: StatusOf(err)}
}

// StatusOf returns the status of an internal failure. For a full disk it is one that no client
// retries.
func StatusOf(err error) int {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG} {
		if errors.Is(err, full) {
			return http.StatusInsufficientStorage
		}
	}
	return http.StatusInternalServerError
}
