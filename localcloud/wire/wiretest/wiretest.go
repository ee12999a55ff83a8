// Package wiretest calls handlers of the query protocols in tests, without a client of AWS's.
package wiretest

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"beansprout/localcloud/wire"
)

// Call sends NAME=VALUE parameters to an operation of an API's version. It returns the body of the answer, or of
// a refusal AWS's code and message: "CODE: MESSAGE".
func Call(t testing.TB, h http.Handler, c wire.Call, version, action string, parameters ...string) string {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, wire.WithCall(r, c))
	if w.Code == http.StatusOK {
		return w.Body.String()
	}
	type failure struct{ Code, Message string }
	var refusal struct {
		Error  failure
		Errors []failure `xml:"Errors>Error"` // of EC2's protocol
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &refusal); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if len(refusal.Errors) > 0 {
		refusal.Error = refusal.Errors[0]
	}
	return refusal.Error.Code + ": " + refusal.Error.Message
}
