package localcloud

import (
	"net/http"
	"strings"

	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

// service answers the calls that were signed for its name.
type service struct {
	protocol protocol
	handler  http.Handler
}

// protocol is how a service names its calls and words its refusals.
type protocol interface {
	action(r *http.Request) (string, error)
	refuse(w http.ResponseWriter, r *http.Request, reason error)
}

type (
	queryProtocol string // the XML namespace
	jsonProtocol  struct{}
	s3Protocol    struct{}
)

func (queryProtocol) action(r *http.Request) (string, error) { return wire.ActionOf(r) }

func (p queryProtocol) refuse(w http.ResponseWriter, r *http.Request, reason error) {
	wire.QueryError(w, wire.CallOf(r), string(p), reworded(reason, func(w wording) *wire.Error { return w.query }))
}

func (jsonProtocol) action(r *http.Request) (string, error) { return wire.ActionOf(r) }

func (jsonProtocol) refuse(w http.ResponseWriter, r *http.Request, reason error) {
	wire.JSONError(w, wire.CallOf(r), reworded(reason, func(w wording) *wire.Error { return w.json }))
}

func (s3Protocol) action(r *http.Request) (string, error) { return s3.ActionOf(r), nil }

func (s3Protocol) refuse(w http.ResponseWriter, r *http.Request, reason error) {
	s3.Fault(w, r, reworded(reason, func(w wording) *wire.Error { return w.s3 }))
}

// serviceOf finds a service by its name in a signature. One that is not there, or a name
// that is missing, gets the refusals of the protocol that the request looks like.
func (c *Cloud) serviceOf(name string, r *http.Request) service {
	if s, ok := c.services[name]; ok {
		return s
	}
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return service{jsonProtocol{}, wire.JSON("", nil)}
	case strings.HasPrefix(r.Header.Get("Content-Type"), formType) || r.URL.Query().Has("Action"):
		return service{queryProtocol(beanstalkNamespace), wire.Query(beanstalkNamespace, "", nil)}
	}
	return service{s3Protocol{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s3.Fault(w, r, &wire.Error{Code: "NotImplemented", Message: "The local cloud does not have this service.", Status: http.StatusNotImplemented})
	})}
}

const (
	formType           = "application/x-www-form-urlencoded"
	beanstalkNamespace = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
)
