package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/johannesboyne/gofakes3"

	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

const (
	maxObject   = 5 << 30 // bytes of a single put, S3's own limit
	maxDocument = 4 << 20 // bytes of a POST: 1,000 keys to delete, or 10,000 parts
)

// guard stands before gofakes3.
type guard struct {
	next    http.Handler
	backend *objects
}

func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e := refused(r); e != nil {
		Fault(w, r, e)
		return
	}
	r = bare(r)
	body := &watched{ReadCloser: r.Body}
	r.Body = body
	if r.Method == http.MethodPost {
		if e := whole(r); e != nil {
			Fault(w, r, e)
			return
		}
	}
	a := &answer{ResponseWriter: w, id: wire.CallOf(r).ID}
	switch m := r.Header.Get("If-Match"); {
	case r.Method == http.MethodDelete && m != "":
		a.unmet = !g.backend.deleteIf(a, r, g.next)
	default:
		if r.Method != http.MethodPut && m != "*" {
			a.match = m
		}
		g.next.ServeHTTP(a, r)
	}
	switch e := a.end(); {
	case e == nil:
	case e.Code == string(gofakes3.ErrNoSuchUpload) && r.URL.Query().Has("uploads"):
		a.listNone(r)
	default:
		Fault(w, r, g.corrected(r, e, body.err))
	}
}

// known says whether gofakes3 understands a query parameter. Any other one would make it
// do something else than was asked: PutObjectTagging overwrites the object.
func known(name string) bool {
	switch name {
	case "list-type", "prefix", "delimiter", "max-keys", "marker", "continuation-token", "start-after", "encoding-type", "fetch-owner",
		"location", "delete", "versioning", "x-id", "AWSAccessKeyId", "Expires", "Signature",
		"uploads", "uploadId", "partNumber", "key-marker", "upload-id-marker", "max-uploads", "part-number-marker", "max-parts":
		return true
	}
	return strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "response-")
}

// refused decides whether gofakes3 must not see r.
func refused(r *http.Request) *wire.Error {
	query := r.URL.Query()
	for name := range query {
		if !known(name) {
			return notImplemented("?" + name)
		}
	}
	if query.Has("versioning") && r.Method != http.MethodGet { // it would say yes and do nothing
		return notImplemented("?versioning with " + r.Method)
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if strings.Contains(bucket, "_") { // gofakes3 keeps its own records in one
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid.")
	}
	if r.Method == http.MethodPost && !query.Has("delete") && !query.Has("uploads") && !query.Has("uploadId") {
		return &wire.Error{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Status: http.StatusMethodNotAllowed}
	}
	if r.ContentLength > maxObject {
		return wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
	}
	if e := refusedPart(r); e != nil {
		return e
	}
	return refusedHeader(r, query.Has("uploadId"))
}

// refusedHeader finds headers that gofakes3 would overlook.
func refusedHeader(r *http.Request, multipart bool) *wire.Error {
	h := r.Header
	if sha := h.Get("X-Amz-Content-Sha256"); strings.HasPrefix(sha, "STREAMING-") {
		return notImplemented(sha) // it would store the chunk headers, too
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		deletes := r.Method == http.MethodDelete && name != "If-Match"
		if h.Get(name) != "" && (r.Method == http.MethodPost || deletes || multipart) {
			return notImplemented(name + " with " + r.Method)
		}
	}
	if h.Get("If-Unmodified-Since") != "" {
		return notImplemented("If-Unmodified-Since")
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Copy-Source-") || multipart && name == "X-Amz-Copy-Source" {
			return notImplemented(strings.ToLower(name))
		}
	}
	return nil
}

func notImplemented(what string) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: "A header or query you provided implies functionality that is not implemented: " + what}
}

// bare takes away the X-Amz-* headers, which gofakes3 would keep as the object's metadata
// and say back on every GET, a session token among them.
func bare(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && name != "X-Amz-Copy-Source" {
			r.Header.Del(name)
		}
	}
	return r
}

// whole reads the XML of a POST to its end, where its hash is checked: gofakes3 stops at
// the last tag.
func whole(r *http.Request) *wire.Error {
	document, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxDocument))
	r.Body = io.NopCloser(bytes.NewReader(document))
	switch {
	case errors.Is(err, sigv4.ErrPayload):
		return errPayload()
	case err != nil:
		return malformed()
	case r.URL.Query().Has("uploadId"):
		return refusedCompletion(document)
	}
	return nil
}

func malformed() *wire.Error {
	return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func errPayload() *wire.Error {
	return wire.Errorf("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
}

// corrected turns gofakes3's refusal into S3's. read is how reading the body ended.
func (g guard) corrected(r *http.Request, e *wire.Error, read error) *wire.Error {
	switch {
	case errors.Is(read, sigv4.ErrPayload):
		return errPayload()
	case e.Code == string(gofakes3.ErrBucketAlreadyExists):
		return &wire.Error{Code: "BucketAlreadyOwnedByYou", Status: e.Status,
			Message: "Your previous request to create the named bucket succeeded and you already own it."}
	case e.Status == http.StatusPreconditionFailed && r.Header.Get("If-Match") != "" && !g.exists(r):
		return &wire.Error{Code: string(gofakes3.ErrNoSuchKey), Message: "The specified key does not exist.", Status: http.StatusNotFound}
	}
	return e
}

func (g guard) exists(r *http.Request) bool {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	_, err := g.backend.HeadObject(bucket, key)
	return err == nil
}

// watched remembers how reading a body ended.
type watched struct {
	io.ReadCloser
	err error
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.err = err
	}
	return n, err
}
