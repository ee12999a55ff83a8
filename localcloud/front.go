package localcloud

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

// front answers everything on the API port: the registry under /v2/, which checks its own
// tokens, and signed calls, which go to the service that they were signed for.
func (c *Cloud) front() http.Handler {
	registry := c.registry.Registry()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !loopback(r.Host): // a name that a web page's owner pointed here
			http.Error(w, "the local cloud has no such host name", http.StatusForbidden)
		case r.URL.Path == healthPath:
			c.health(w, r)
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			c.logged(w, Entry{Service: "registry", Action: cut(r.Method + " " + r.URL.Path)}, func(w http.ResponseWriter, _ *Entry) {
				registry.ServeHTTP(w, r)
			})
		default:
			c.logged(w, Entry{}, func(w http.ResponseWriter, e *Entry) { c.call(w, r, e) })
		}
	})
}

// call verifies a call and hands it to its service; e learns what it was.
func (c *Cloud) call(w http.ResponseWriter, r *http.Request, e *Entry) {
	scope, err := sigv4.Verify(r, c.secretOf, e.Time)
	r = wire.WithCall(r, wire.Call{ID: e.ID, Region: scope.Region, Account: c.id.Account, Now: e.Time})
	s := c.serviceOf(scope.Service, r)
	if e.Service, e.Region = cut(scope.Service), cut(scope.Region); err != nil {
		s.protocol.refuse(w, r, err)
		return
	}
	action, err := s.protocol.action(r)
	if e.Action = cut(action); err != nil {
		s.protocol.refuse(w, r, err)
		return
	}
	s.handler.ServeHTTP(w, r)
}

func (c *Cloud) secretOf(key string) (string, bool) { return c.id.Secret, key == c.id.Key }

// logged serves one request and writes it down.
func (c *Cloud) logged(w http.ResponseWriter, e Entry, serve func(http.ResponseWriter, *Entry)) {
	began := time.Now()
	e.Time, e.ID = c.cfg.Now().UTC(), uuid()
	w.Header().Set("Date", e.Time.Format(http.TimeFormat))
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	serve(rec, &e)
	e.Status, e.Millis = rec.status, time.Since(began).Milliseconds()
	if err := c.requests.add(e); err != nil {
		c.cfg.Log.Warn("request not logged", "error", err)
	}
}

// recorder sees the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// cut keeps what a client says short enough for a log.
func cut(s string) string { return s[:min(len(s), 200)] }
