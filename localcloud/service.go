package localcloud

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"beansprout/localcloud/fault"
	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

// service answers in its protocol the calls that were signed for it.
type service struct {
	handler http.Handler
	action  func(r *http.Request) (string, error) // returns the name of a call
	refuse  func(w http.ResponseWriter, r *http.Request, reason error)
}

func speaksQuery(namespace string, h http.Handler) service {
	return service{h, wire.ActionOf, func(w http.ResponseWriter, r *http.Request, reason error) {
		wire.QueryError(w, wire.CallOf(r), namespace, reworded(reason, func(w wording) *wire.Error { return w.query }))
	}}
}

func speaksJSON(h http.Handler) service {
	return service{h, wire.ActionOf, func(w http.ResponseWriter, r *http.Request, reason error) {
		wire.JSONError(w, wire.CallOf(r), reworded(reason, func(w wording) *wire.Error { return w.json }))
	}}
}

func speaksS3(h http.Handler) service {
	action := func(r *http.Request) (string, error) { return s3.ActionOf(r), nil }
	return service{h, action, func(w http.ResponseWriter, r *http.Request, reason error) {
		s3.Fault(w, r, reworded(reason, func(w wording) *wire.Error { return w.s3 }))
	}}
}

// speaksRegistry returns the registry as a service. It checks its requests itself, so refuse only
// answers injected faults.
func speaksRegistry(h http.Handler) service {
	return service{handler: h, refuse: func(w http.ResponseWriter, _ *http.Request, reason error) {
		status, code := http.StatusInternalServerError, "UNKNOWN"
		if errors.Is(reason, fault.ErrThrottled) {
			status, code = http.StatusTooManyRequests, "TOOMANYREQUESTS"
		}
		if e, ok := errors.AsType[*wire.Error](reason); ok {
			status = e.Status
			if status == http.StatusForbidden {
				code = "DENIED"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, reason) // the client may have left
	}}
}

// serviceOf returns the service of that name in a signature. For a name that is unknown or missing
// it returns one that refuses in the protocol that the request seems to use.
func (c *Cloud) serviceOf(name string, r *http.Request) service {
	if s, ok := c.services[name]; ok {
		return s
	}
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return speaksJSON(wire.JSON("", nil))
	case strings.HasPrefix(r.Header.Get("Content-Type"), formType) || r.URL.Query().Has("Action"):
		return speaksQuery(beanstalkNamespace, wire.Query(beanstalkNamespace, "", nil))
	}
	return speaksS3(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s3.Fault(w, r, &wire.Error{Code: "NotImplemented", Message: "The local cloud does not have this service.", Status: http.StatusNotImplemented})
	}))
}

const (
	formType           = "application/x-www-form-urlencoded"
	beanstalkNamespace = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
)
