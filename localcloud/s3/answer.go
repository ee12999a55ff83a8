package s3

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"beansprout/localcloud/wire"
)

// answer lets gofakes3's successes through and holds its refusals back.
type answer struct {
	http.ResponseWriter
	id      string
	match   string // ETag that a GET must find, "" for any
	started bool   // a success is on its way
	unmet   bool   // match is another one
	refusal int    // status of gofakes3's refusal
	held    bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	switch {
	case status >= http.StatusBadRequest:
		a.refusal = status
	case a.match != "" && strings.Trim(a.match, `"`) != strings.Trim(a.Header().Get("ETag"), `"`):
		a.unmet = true
	case !a.started:
		a.started = true
		a.dress()
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.started && a.refusal == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.unmet:
		return len(p), nil
	case a.refusal != 0:
		return a.held.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// dress corrects the headers: no web page may read an answer, where an object was copied
// from is not its metadata, and the names of what is are lower case, for clients that keep
// them as they come.
func (a *answer) dress() {
	h := a.Header()
	h.Del("Access-Control-Allow-Origin")
	h.Del("X-Amz-Copy-Source")
	h.Set("X-Amz-Request-Id", a.id)
	for name, values := range h {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
}

// end returns the refusal that was held back, nil when a success has left. That of a HEAD
// has no more than its status.
func (a *answer) end() *wire.Error {
	if !a.started && a.refusal == 0 && !a.unmet {
		a.WriteHeader(http.StatusOK) // a HEAD's success is silent
	}
	if a.started {
		return nil
	}
	if a.unmet {
		return &wire.Error{Code: "PreconditionFailed", Message: message("PreconditionFailed"), Status: http.StatusPreconditionFailed}
	}
	var e struct{ Code, Message string }
	_ = xml.Unmarshal(a.held.Bytes(), &e) // no XML is no code
	return &wire.Error{Code: cmp.Or(e.Code, http.StatusText(a.refusal)), Message: cmp.Or(e.Message, message(e.Code)), Status: a.refusal}
}

// message is what S3 says where gofakes3 says nothing.
func message(code string) string {
	switch code {
	case "BadDigest":
		return "The Content-MD5 you specified did not match what we received."
	case "BucketNotEmpty":
		return "The bucket you tried to delete is not empty"
	case "IncompleteBody":
		return "You did not provide the number of bytes specified by the Content-Length HTTP header"
	case "KeyTooLongError":
		return "Your key is too long"
	case "NoSuchKey":
		return "The specified key does not exist."
	case "PreconditionFailed":
		return "At least one of the pre-conditions you specified did not hold"
	case "NoSuchUpload":
		return "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
	}
	return ""
}

type fault struct {
	XMLName                            xml.Name `xml:"Error"`
	Code, Message, Resource, RequestId string
}

// Fault writes a refusal in S3's form.
func Fault(w http.ResponseWriter, r *http.Request, e *wire.Error) {
	id := wire.CallOf(r).ID
	body, _ := xml.Marshal(fault{Code: e.Code, Message: e.Message, Resource: r.URL.Path, RequestId: id}) // strings cannot fail
	body = append([]byte(xml.Header), body...)
	h := w.Header()
	for _, name := range []string{"Accept-Ranges", "Access-Control-Allow-Origin", "Content-Range", "ETag", "Last-Modified", "X-Amz-Copy-Source"} {
		h.Del(name) // of the success that gofakes3 had begun
	}
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amz-Request-Id", id)
	w.WriteHeader(cmp.Or(e.Status, http.StatusBadRequest))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that left is no error of ours
	}
}
