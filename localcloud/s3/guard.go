package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"

	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

const (
	maxObject   = 5 << 30 // bytes of a single put, S3's own limit
	maxDocument = 4 << 20 // bytes of a POST: 1,000 keys to delete, or 10,000 parts
)

// guard is the handler in front of gofakes3.
type guard struct {
	next    http.Handler
	backend *objects
	now     func() time.Time
}

func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = hoisted(r)
	action := ActionOf(r)
	body, e := received(r, action)
	if e != nil {
		Fault(w, r, e)
		return
	}
	if writes(action) {
		g.backend.mu.Lock()
		defer g.backend.mu.Unlock()
	}
	if e := g.unmet(r, action); e != nil {
		Fault(w, r, e)
		return
	}
	switch action {
	case "CopyObject":
		e = g.copy(w, r)
	case "DeleteObjects":
		e = g.deleteAll(w, r, body)
	default:
		e = g.forward(w, r, action, body)
	}
	if e != nil {
		Fault(w, r, e)
	}
}

// received refuses the requests that gofakes3 must not get, and returns the body: complete, as it
// was signed, and with the checksums in the headers.
func received(r *http.Request, action string) ([]byte, *wire.Error) {
	if e := refused(r, action); e != nil {
		return nil, e
	}
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return nil, nil
	}
	body, e := read(r)
	if e == nil {
		e = mismatch(r.Header, action, body)
	}
	switch {
	case e != nil:
	case action == "CompleteMultipartUpload":
		e = refusedCompletion(body)
	case action == "CreateBucket":
		e = refusedBucket(r, body)
	}
	return body, e
}

// forward has gofakes3 answer.
func (g guard) forward(w http.ResponseWriter, r *http.Request, action string, body []byte) *wire.Error {
	a := newAnswer(w, r, action, body)
	forwarded := bare(r, action)
	forwarded.Body = io.NopCloser(bytes.NewReader(body))
	if action == "CompleteMultipartUpload" {
		g.backend.complete(r, body)
		defer func() { g.backend.completing = nil }()
	}
	g.next.ServeHTTP(a, forwarded)
	e := a.end()
	if e == nil {
		g.backend.follow(r, action, len(body))
	}
	if e != nil && e.Code == string(gofakes3.ErrNoSuchUpload) && action == "ListMultipartUploads" {
		a.listNone(r)
		return nil
	}
	return corrected(e)
}

// writes reports whether an action changes objects or their parts. Such actions run one at a time,
// so that no object changes between the check of a condition and the write.
func writes(action string) bool {
	switch action {
	case "PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects", "UploadPart", "AbortMultipartUpload":
		return true
	}
	return false
}

// place returns the bucket and the key of r.
func place(r *http.Request) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}

// read reads a body to its end, which checks its hash.
func read(r *http.Request) (body []byte, e *wire.Error) {
	var err error
	if r.Method == http.MethodPost {
		body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxDocument))
	} else {
		body, err = gofakes3.ReadAll(r.Body, r.ContentLength)
	}
	switch {
	case errors.Is(err, sigv4.ErrPayload):
		return nil, wire.Errorf("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	case err != nil && r.Method == http.MethodPost:
		return nil, malformed()
	case err != nil:
		return nil, wire.Errorf("IncompleteBody", "%s", message("IncompleteBody"))
	}
	return body, nil
}

func malformed() *wire.Error {
	return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

// corrected turns gofakes3's refusal into S3's.
func corrected(e *wire.Error) *wire.Error {
	if e != nil && e.Code == string(gofakes3.ErrBucketAlreadyExists) {
		return &wire.Error{Code: "BucketAlreadyOwnedByYou", Status: e.Status,
			Message: "Your previous request to create the named bucket succeeded and you already own it."}
	}
	return e
}
