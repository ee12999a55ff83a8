package s3

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"beansprout/localcloud/wire"
)

// answer passes gofakes3's successes on, if the object that they read meets the conditions, and
// holds its refusals back.
type answer struct {
	http.ResponseWriter
	id      string
	wanted  conditions  // of a read
	sums    bool        // add the object's checksum
	extra   http.Header // to be added to a success
	encode  bool        // URL-encode the names of a list
	list    bytes.Buffer
	started bool    // a success is being sent
	verdict verdict // on the object that was read
	refusal int     // status of gofakes3's refusal
	held    bytes.Buffer
}

func newAnswer(w http.ResponseWriter, r *http.Request, action string, body []byte) *answer {
	a := &answer{ResponseWriter: w, id: wire.CallOf(r).ID, extra: http.Header{}, encode: encodes(r, action)}
	switch action {
	case "GetObject", "HeadObject":
		a.wanted = conditionsOf(r.Header, "")
		a.sums = r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED"
	case "PutObject", "UploadPart":
		name, _ := wantedChecksum(r.Header, action)
		c := checksumOf(name)
		a.extra.Set(c.header(), c.of(body))
	}
	return a
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		a.refusal = status
		return
	}
	if a.started || a.verdict != met {
		return
	}
	a.dress(status)
	changed, _ := http.ParseTime(a.Header().Get(lastModified))
	switch a.verdict = a.wanted.judge(a.Header().Get("ETag"), changed); a.verdict {
	case failed:
		return
	case unmodified:
		status = http.StatusNotModified
		maps.DeleteFunc(a.Header(), func(name string, _ []string) bool {
			return name == "Content-Length" || name == "Content-Range" || strings.HasPrefix(name, sums)
		})
	}
	a.started = true
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.started && a.refusal == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.refusal != 0:
		return a.held.Write(p)
	case a.verdict != met:
		return len(p), nil
	case a.encode:
		return a.list.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// dress corrects the headers: no web page may read an answer; an object that was put in parts has its
// own ETag; only a request that asks for it gets the checksum, which is that of the whole object; and
// the names of metadata are lower case, for clients that keep their case.
func (a *answer) dress(status int) {
	h := a.Header()
	h.Del("Access-Control-Allow-Origin")
	h.Set("X-Amz-Request-Id", a.id)
	if own := h.Get(ownETag); own != "" {
		h.Set("ETag", own)
	}
	for name, values := range h {
		switch {
		case strings.HasPrefix(name, smuggled), strings.HasPrefix(name, sums) && (!a.sums || status != http.StatusOK):
			delete(h, name)
		case strings.HasPrefix(name, metadata):
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
	maps.Copy(h, a.extra)
}

// end returns the refusal that was held back, and nil if a success was sent. The refusal of a HEAD
// has only a status.
func (a *answer) end() *wire.Error {
	if !a.started && a.refusal == 0 {
		a.WriteHeader(http.StatusOK) // gofakes3 does not write the status of a HEAD's success
	}
	switch {
	case a.started && a.encode:
		_, _ = a.ResponseWriter.Write(encoded(a.list.Bytes())) // the client may have left
		return nil
	case a.started:
		return nil
	case a.verdict == failed:
		return preconditionFailed()
	}
	var e struct{ Code, Message string }
	_ = xml.Unmarshal(a.held.Bytes(), &e) // without XML there is no code
	return &wire.Error{Code: cmp.Or(e.Code, http.StatusText(a.refusal)), Message: cmp.Or(e.Message, message(e.Code)), Status: a.refusal}
}

// message returns S3's message for a code for which gofakes3 has none.
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
	case "NoSuchBucket":
		return "The specified bucket does not exist"
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
	body, _ := xml.Marshal(fault{Code: e.Code, Message: e.Message, Resource: r.URL.Path, RequestId: id}) // cannot fail
	body = append([]byte(xml.Header), body...)
	h := w.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return name != "Date" }) // of the success that gofakes3 had begun
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amz-Request-Id", id)
	w.WriteHeader(cmp.Or(e.Status, http.StatusBadRequest))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have left
	}
}
