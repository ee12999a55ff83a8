package localcloud

import (
	"errors"
	"net/http"

	"beansprout/localcloud/fault"
	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

// wording is the refusal of a request for one reason, in each of the three protocols.
type wording struct {
	reason          error
	query, json, s3 *wire.Error
}

// reworded returns the refusal for a reason in one protocol's words. It adds the text of an error
// that says more than its reason.
func reworded(reason error, pick func(wording) *wire.Error) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](reason); ok {
		return e
	}
	for _, w := range wordings() {
		if errors.Is(reason, w.reason) {
			e := *pick(w)
			if reason.Error() != w.reason.Error() {
				e.Message += " (" + reason.Error() + ")"
			}
			return &e
		}
	}
	return wire.Errorf("RequestTimeout", "%v", reason) // the body did not arrive
}

func wordings() []wording {
	const (
		badToken = "The security token included in the request is invalid."
		mismatch = "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	)
	return []wording{
		{sigv4.ErrUnsigned,
			forbidden("MissingAuthenticationToken", "Missing Authentication Token"),
			wire.Errorf("MissingAuthenticationTokenException", "Missing Authentication Token"),
			forbidden("AccessDenied", "Access Denied")},
		{sigv4.ErrIncomplete,
			wire.Errorf("IncompleteSignature", "The request signature does not conform to AWS standards."),
			wire.Errorf("IncompleteSignatureException", "The request signature does not conform to AWS standards."),
			wire.Errorf("AuthorizationHeaderMalformed", "The authorization header that you provided is not valid.")},
		{sigv4.ErrUnknownKey,
			forbidden("InvalidClientTokenId", badToken),
			wire.Errorf("UnrecognizedClientException", badToken),
			forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")},
		{sigv4.ErrStale,
			forbidden("SignatureDoesNotMatch", "Signature expired."),
			wire.Errorf("InvalidSignatureException", "Signature expired."),
			forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")},
		{sigv4.ErrExpired,
			forbidden("RequestExpired", "Request has expired."),
			wire.Errorf("InvalidSignatureException", "Signature expired."),
			forbidden("AccessDenied", "Request has expired")},
		{sigv4.ErrMismatch,
			forbidden("SignatureDoesNotMatch", mismatch),
			wire.Errorf("InvalidSignatureException", mismatch),
			forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")},
		{sigv4.ErrTooLarge,
			&wire.Error{Code: "RequestEntityTooLarge", Message: "Request Entity Too Large", Status: http.StatusRequestEntityTooLarge},
			&wire.Error{Code: "RequestEntityTooLargeException", Message: "Request Entity Too Large", Status: http.StatusRequestEntityTooLarge},
			wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")},
		{fault.ErrThrottled,
			wire.Errorf("Throttling", "Rate exceeded"),
			wire.Errorf("ThrottlingException", "Rate exceeded"),
			&wire.Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable}},
		{fault.ErrInternal,
			internal("InternalFailure", "The request processing has failed because of an unknown error, exception or failure."),
			internal("ServerException", "The request failed because of a server-side issue."),
			internal("InternalError", "We encountered an internal error. Please try again.")},
	}
}

func forbidden(code, message string) *wire.Error {
	return &wire.Error{Code: code, Message: message, Status: http.StatusForbidden}
}

func internal(code, message string) *wire.Error {
	return &wire.Error{Code: code, Message: message, Status: http.StatusInternalServerError}
}
