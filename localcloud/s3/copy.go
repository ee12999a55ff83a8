package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"

	"beansprout/localcloud/wire"
)

// copy performs CopyObject, for which gofakes3 would mix the metadata of both objects.
func (g guard) copy(w http.ResponseWriter, r *http.Request) *wire.Error {
	fromBucket, fromKey, e := source(r)
	if e != nil {
		return e
	}
	object, err := g.backend.GetObject(fromBucket, fromKey, nil)
	if err != nil {
		return refusalOf(err)
	}
	changed, _ := http.ParseTime(object.Metadata[lastModified])
	if conditionsOf(r.Header, "X-Amz-Copy-Source-").judge(etagOf(object), changed) != met {
		return preconditionFailed()
	}
	bucket, key := place(r)
	meta, e := copied(r, object, bucket == fromBucket && key == fromKey)
	if e != nil {
		return e
	}
	body, err := io.ReadAll(object.Contents)
	if err != nil {
		return refusalOf(err)
	}
	now := g.now().UTC()
	meta[lastModified] = now.Format(http.TimeFormat)
	if _, err := g.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return refusalOf(err)
	}
	written, err := g.backend.HeadObject(bucket, key)
	if err != nil {
		return refusalOf(err)
	}
	write(w, r, struct {
		XMLName      xml.Name `xml:"CopyObjectResult"`
		ETag         string
		LastModified string
	}{ETag: etagOf(written), LastModified: now.Format(time.RFC3339)})
	return nil
}

// source returns the source of a copy.
func source(r *http.Request) (bucket, key string, e *wire.Error) {
	from, query, _ := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "?")
	if query != "" {
		return "", "", notImplemented("x-amz-copy-source with ?" + query)
	}
	from, err := url.PathUnescape(from)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(from, "/"), "/")
	if err != nil || !ok || key == "" {
		return "", "", wire.Errorf("InvalidArgument", "Invalid copy source object key")
	}
	return bucket, key, nil
}

// copied returns the metadata of a copy: that of the source, or with REPLACE that of the request.
func copied(r *http.Request, object *gofakes3.Object, itself bool) (map[string]string, *wire.Error) {
	meta := map[string]string{}
	switch directive := r.Header.Get("X-Amz-Metadata-Directive"); directive {
	case "", "COPY":
		if itself {
			return nil, wire.Errorf("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
		maps.Copy(meta, object.Metadata)
	case "REPLACE":
		for name, values := range r.Header {
			if strings.HasPrefix(name, metadata) {
				meta[name] = values[0]
			}
		}
		meta["Content-Type"] = unknownType
		for _, name := range described {
			if value := r.Header.Get(name); value != "" {
				meta[name] = value
			}
		}
	default:
		return nil, wire.Errorf("InvalidArgument", "Unknown metadata directive.")
	}
	meta[algorithm], _ = wantedChecksum(r.Header, "CopyObject")
	for _, c := range checksums {
		if object.Metadata[c.header()] != "" && r.Header.Get("X-Amz-Checksum-Algorithm") == "" {
			meta[algorithm] = c.name
		}
		delete(meta, c.header())
	}
	delete(meta, ownETag)
	return meta, nil
}

// write answers with a document.
func write(w http.ResponseWriter, r *http.Request, document any) {
	body, _ := xml.Marshal(document) // cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("X-Amz-Request-Id", wire.CallOf(r).ID)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // the client may have left
}
