package faults

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// echo stands between the binary and the cloud. It refuses calls with a message that quotes all that
// the client has sent.
type echo struct {
	*httptest.Server
	cloud *url.URL

	mu      sync.Mutex
	refuses string // the call that is refused, "" for none
	refused int
}

func newEcho(t testing.TB, cloud *localcloud.Cloud) *echo {
	t.Helper()
	target, err := url.Parse(cloud.Endpoint())
	must.Succeed(t, err)
	e := &echo{cloud: target}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// refuse refuses a call from now on, "" refuses none.
func (e *echo) refuse(call string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuses, e.refused = call, 0
}

// struck returns how many calls were refused.
func (e *echo) struck() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused
}

func (e *echo) isRefused(call string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuses == "" || call != e.refuses {
		return false
	}
	e.refused++
	return true
}

// ServeHTTP hands a call on, or refuses it.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if e.isRefused(lab.CallName(r, body)) {
		quote(w, r, body)
		return
	}
	answer, text, err := lab.Forward(e.cloud, r, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
}

// quote refuses a call in the form of its service.
func quote(w http.ResponseWriter, r *http.Request, body []byte) {
	text, _ := url.QueryUnescape(string(body))
	message := "Invalid request: " + text
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if strings.HasPrefix(name, "X-Amz-Security") || name == "Authorization" {
			message = fmt.Sprintf("Invalid request: %s: %s; %s", name, r.Header.Get(name), message)
		}
	}
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(message))
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "InvalidParameterException", "message": message})
	case r.Header.Get("Content-Type") == "application/x-www-form-urlencoded":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameterValue</Code><Message>%s</Message></Error></ErrorResponse>", &escaped)
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<Error><Code>InvalidRequest</Code><Message>%s</Message></Error>", &escaped)
	}
}
