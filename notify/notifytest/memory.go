package notifytest

import (
	"net/http"
	"net/http/httptest"

	"beansprout/localcloud/pipes"
)

// NewInMemory starts a server without a network, and returns the only client that reaches it. In a bubble of
// testing/synctest its time is exact, however busy the machine is. The caller closes it.
func NewInMemory() (*Server, *http.Client) {
	l := pipes.Listen()
	s := newServer(func(h http.Handler) *httptest.Server {
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
		server.Start()
		return server
	})
	return s, &http.Client{Transport: &http.Transport{DialContext: l.Dial}}
}
