package s3

import (
	"encoding/xml"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

const (
	metadata = "X-Amz-Meta-"  // prefix of the client's metadata
	smuggled = "X-Amz-Local-" // prefix of this package's metadata: gofakes3 keeps what begins with X-Amz-

	unknownType = "binary/octet-stream"

	maxMetadata = 2 << 10 // bytes of the client's names and values
)

// described lists the headers that are returned with the object, besides the client's metadata.
var described = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

// signed lists the parts of a signature, in a header or in the query.
var signed = []string{"X-Amz-Algorithm", "X-Amz-Content-Sha256", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
	"X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Signedheaders", "X-Amz-User-Agent"}

// honoured lists, of the headers that would change an action, those that it understands. All others
// are refused: none is ignored.
var honoured = map[string][]string{
	"PutObject":               {metadata, sums, "X-Amz-Sdk-Checksum-Algorithm", "If-Match", "If-None-Match"},
	"UploadPart":              {sums, "X-Amz-Sdk-Checksum-Algorithm"},
	"CreateMultipartUpload":   {metadata, "X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type"},
	"CompleteMultipartUpload": {"If-Match", "If-None-Match", "X-Amz-Mp-Object-Size"},
	"CopyObject": {metadata, "X-Amz-Copy-Source", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match",
		"X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-Unmodified-Since", "X-Amz-Source-Expected-Bucket-Owner",
		"X-Amz-Metadata-Directive", "X-Amz-Checksum-Algorithm", "If-Match", "If-None-Match"},
	"DeleteObject":  {"If-Match"},
	"DeleteObjects": {sums, "X-Amz-Sdk-Checksum-Algorithm"},
	"GetObject":     {"X-Amz-Checksum-Mode", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"},
	"HeadObject":    {"X-Amz-Checksum-Mode", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"},
}

// hoisted returns r with the x-amz-* parameters of a presigned query turned into headers.
func hoisted(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	query := r.URL.Query()
	for name, values := range query {
		header := textproto.CanonicalMIMEHeaderKey(name)
		if strings.HasPrefix(header, "X-Amz-") && !slices.Contains(signed, header) {
			r.Header[header] = values
			query.Del(name)
			r.URL.RawQuery = query.Encode()
		}
	}
	return r
}

// parameters lists the parameters of the query that an action understands, besides a signature's.
var parameters = map[string][]string{
	"ListObjects":             {"prefix", "delimiter", "max-keys", "marker", "encoding-type"},
	"ListObjectsV2":           {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "fetch-owner", "encoding-type"},
	"GetBucketLocation":       {"location"},
	"GetBucketVersioning":     {"versioning"},
	"DeleteObjects":           {"delete"},
	"GetObject":               responses,
	"HeadObject":              responses,
	"CreateMultipartUpload":   {"uploads"},
	"ListMultipartUploads":    {"uploads", "prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker", "encoding-type"},
	"UploadPart":              {"uploadId", "partNumber"},
	"ListParts":               {"uploadId", "part-number-marker", "max-parts"},
	"CompleteMultipartUpload": {"uploadId"},
	"AbortMultipartUpload":    {"uploadId"},
}

var responses = []string{"response-cache-control", "response-content-disposition", "response-content-encoding",
	"response-content-language", "response-content-type", "response-expires"}

// known reports whether an action understands a parameter of the query. With any other parameter
// gofakes3 would perform a wrong action: PutObjectTagging overwrites the object.
func known(name, action string) bool {
	switch name {
	case "x-id", "AWSAccessKeyId", "Expires", "Signature":
		return true
	}
	return slices.Contains(signed, textproto.CanonicalMIMEHeaderKey(name)) || slices.Contains(parameters[action], name)
}

// refused returns a refusal if gofakes3 must not get r.
func refused(r *http.Request, action string) *wire.Error {
	query := r.URL.Query()
	for name := range query {
		if !known(name, action) {
			return notImplemented("?" + name)
		}
	}
	bucket, _ := place(r)
	if strings.Contains(bucket, "_") { // gofakes3 keeps its own records in such a bucket
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid.")
	}
	if action == r.Method || action == "DeleteObjects" && !query.Has("delete") {
		return &wire.Error{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Status: http.StatusMethodNotAllowed}
	}
	if form := query.Get("encoding-type"); form != "" && form != "url" {
		return wire.Errorf("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	if r.Method == http.MethodPut && r.ContentLength < 0 {
		return &wire.Error{Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header.", Status: http.StatusLengthRequired}
	}
	if r.ContentLength > maxObject {
		return wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
	}
	if e := refusedPart(r); e != nil {
		return e
	}
	return refusedHeader(r, action)
}

// refusedHeader refuses headers that would be ignored, and owners that are not this account.
func refusedHeader(r *http.Request, action string) *wire.Error {
	size := 0
	for name, values := range r.Header {
		if !understood(name, action) {
			return notImplemented(strings.ToLower(name))
		}
		if own, ok := strings.CutPrefix(name, metadata); ok {
			size += len(own) + len(values[0])
		}
	}
	if sha := r.Header.Get("X-Amz-Content-Sha256"); strings.HasPrefix(sha, "STREAMING-") {
		return notImplemented(sha) // gofakes3 would store the chunk headers, too
	}
	for _, name := range []string{"X-Amz-Expected-Bucket-Owner", "X-Amz-Source-Expected-Bucket-Owner"} {
		if owner := r.Header.Get(name); owner != "" && owner != wire.CallOf(r).Account {
			return &wire.Error{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
		}
	}
	if size > maxMetadata {
		return wire.Errorf("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return refusedCondition(r.Header, action)
}

// understood reports whether an action honours a header, or the header is not one of S3's.
func understood(name, action string) bool {
	if !strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "If-") {
		return true
	}
	switch name {
	case "X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer": // the owner always pays
		return true
	}
	return slices.Contains(signed, name) || slices.ContainsFunc(honoured[action], func(allowed string) bool {
		return name == allowed || allowed == metadata && strings.HasPrefix(name, metadata) || allowed == sums && checksumOf(name) != nil
	})
}

func notImplemented(what string) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: "A header or query you provided implies functionality that is not implemented: " + what}
}

// bare returns r with the headers that gofakes3 must keep as the object's metadata and return on
// each GET. It removes all other X-Amz-* headers, because gofakes3 would keep them, even a session
// token, and the conditions, which the guard checks.
func bare(r *http.Request, action string) *http.Request {
	b := r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(name, "If-") || strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, metadata) {
			b.Header.Del(name)
		}
	}
	for _, name := range described {
		if value := r.Header.Get(name); value != "" {
			b.Header.Set(smuggled+name, value)
		}
	}
	if r.Header.Get("Content-Type") == "" {
		b.Header.Set("Content-Type", unknownType)
	}
	name, form := wantedChecksum(r.Header, action)
	b.Header.Set(algorithm, name)
	b.Header.Set(kind, form)
	return b
}

// refusedBucket refuses a bucket of another region, and other settings of a new bucket.
func refusedBucket(r *http.Request, document []byte) *wire.Error {
	if len(document) == 0 {
		return nil
	}
	var in struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
		Others             []struct {
			XMLName xml.Name
		} `xml:",any"`
	}
	if xml.Unmarshal(document, &in) != nil {
		return malformed()
	}
	if len(in.Others) > 0 {
		return notImplemented(in.Others[0].XMLName.Local)
	}
	if c := in.LocationConstraint; c != "" && c != wire.CallOf(r).Region {
		return wire.Errorf("IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", c)
	}
	return nil
}
