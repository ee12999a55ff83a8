package localcloud

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"beansprout/localcloud/fault"
	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

// front answers all requests on the API port: the registry under /v2/, which checks its own
// tokens, and signed calls, which go to the service that they were signed for.
func (c *Cloud) front() http.Handler {
	registry := speaksRegistry(c.registry.Registry())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !loopback(r.Host): // a web page may have pointed its own name here
			http.Error(w, "the local cloud has no such host name", http.StatusForbidden)
		case r.URL.Path == healthPath:
			c.health(w, r)
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			c.logged(w, Entry{Service: "registry", Action: cut(r.Method + " " + r.URL.Path), Agent: agentOf(r)}, func(w http.ResponseWriter, e *Entry) {
				c.serveCall(w, r, registry, e)
			})
		default:
			c.logged(w, Entry{Agent: agentOf(r)}, func(w http.ResponseWriter, e *Entry) { c.call(w, r, e) })
		}
	})
}

// call verifies a call and passes it to its service. It sets what e logs of the call.
func (c *Cloud) call(w http.ResponseWriter, r *http.Request, e *Entry) {
	earliest, latest := c.clock.span()
	scope, err := sigv4.Verify(r, c.secretOf, earliest, latest)
	r = wire.WithCall(r, wire.Call{ID: e.ID, Region: scope.Region, Account: c.id.Account, Now: e.Time})
	s := c.serviceOf(scope.Service, r)
	if e.Service, e.Region = cut(scope.Service), cut(scope.Region); err != nil {
		s.refuse(w, r, err)
		return
	}
	action, err := s.action(r)
	if e.Action = cut(action); err != nil {
		s.refuse(w, r, err)
		return
	}
	c.serveCall(w, r, s, e)
}

// serveCall has the service answer the call, or makes it fail.
func (c *Cloud) serveCall(w http.ResponseWriter, r *http.Request, s service, e *Entry) {
	if err := c.refuseFull(r, e.Action); err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := c.refuseDenied(e); err != nil {
		s.refuse(w, r, err)
		return
	}
	call := fault.Call{Service: e.Service, Operation: e.Action, Region: e.Region, At: e.Time}
	e.Fault = c.faults.Serve(w, r, call, s.handler, s.refuse)
}

func (c *Cloud) secretOf(key string) (string, bool) { return c.id.Secret, key == c.id.Key }

// logged serves one request and logs it.
func (c *Cloud) logged(w http.ResponseWriter, e Entry, serve func(http.ResponseWriter, *Entry)) {
	began := time.Now()
	e.Time, e.ID = c.cfg.Now().UTC(), wire.UUID()
	w.Header().Set("Date", e.Time.Format(http.TimeFormat))
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	serve(rec, &e)
	e.Status, e.Millis = rec.status, time.Since(began).Milliseconds()
	if err := c.requests.add(e); err != nil {
		c.cfg.Log.Warn("request not logged", "error", err)
	}
	if c.cfg.Watch != nil {
		c.watching.Lock()
		defer c.watching.Unlock()
		c.cfg.Watch(e)
	}
}

// agentOf returns the application id that AWS's clients write into their user agent, and the product's
// name of another client's.
func agentOf(r *http.Request) string {
	agent := r.UserAgent()
	if _, id, ok := strings.Cut(agent, " app/"); ok {
		agent = id
	}
	name, _, _ := strings.Cut(agent, " ")
	return cut(name)
}

// recorder records the status of an answer: 0 if the connection was hijacked.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Hijack implements http.Hijacker.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.status = 0
	return http.NewResponseController(r.ResponseWriter).Hijack()
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

// cut limits a client's text to 200 bytes for the log.
func cut(s string) string { return s[:min(len(s), 200)] }
