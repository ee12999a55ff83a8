package fault

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// answer is a service's answer before it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	_, _ = w.Write(a.body) // the client may have left
}

// half removes the second half of the body but keeps the length of the whole.
func (a *answer) half() *answer {
	if len(a.body) > 0 { // the answer to a HEAD has a length and no body
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	a.body = a.body[:len(a.body)/2]
	return a
}

// identity returns a key that is equal for two requests of the same read.
func identity(r *http.Request, c Call) string {
	body, _ := io.ReadAll(r.Body) // the service meets the same error
	r.Body = io.NopCloser(bytes.NewReader(body))
	return fmt.Sprintf("%s %s %s %q %q %q %s", c.Service, c.Region, r.RequestURI, r.Header["Range"], r.Header["If-None-Match"], r.Form.Encode(), body)
}
