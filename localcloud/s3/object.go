package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"

	"beansprout/localcloud/wire"
)

// objects is gofakes3's backend, with the metadata and the checksums of objects. A writer must hold
// its lock.
type objects struct {
	*s3bolt.Backend
	mu         sync.Mutex
	pages      sync.RWMutex           // of the file: s3bolt returns memory that a write may move or replace
	uploads    map[string]map[int]int // the sizes of parts by upload and number
	completing *completion            // the upload of which gofakes3 is making an object
}

// The names under which an object's metadata are kept. All metadata are one value, because s3bolt
// adds those of the object before, name by name.
const (
	packed       = "Packed"
	lastModified = "Last-Modified"
)

const (
	ownETag   = smuggled + "Etag" // the ETag of an object that was put in parts
	algorithm = smuggled + "Algorithm"
	kind      = smuggled + "Kind"
)

// PutObject implements gofakes3.Backend. The guard has checked the conditions.
func (o *objects) PutObject(bucket, key string, meta map[string]string, input io.Reader, size int64, _ *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	all := map[string]string{}
	for name, value := range meta {
		if own, ok := strings.CutPrefix(name, smuggled); ok && name != algorithm && name != kind {
			name = own
		}
		all[name] = value
	}
	if err := o.certify(all, body); err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return gofakes3.PutObjectResult{}, fmt.Errorf("pack metadata of %s/%s: %w", bucket, key, err)
	}
	one := map[string]string{packed: string(text), lastModified: meta[lastModified]}
	o.pages.Lock()
	defer o.pages.Unlock()
	return o.Backend.PutObject(bucket, key, one, bytes.NewReader(body), size, nil)
}

// certify adds the checksum of the bytes to an object's metadata.
func (o *objects) certify(meta map[string]string, body []byte) error {
	c := checksumOf(meta[algorithm])
	if c == nil {
		c = checksumOf(usualChecksum)
	}
	value, form := c.of(body), wholeObject
	if o.completing != nil {
		parts, err := o.completing.parts(*c, body)
		if err != nil {
			return err
		}
		meta[ownETag] = etagOfParts(parts)
		if meta[kind] == composite {
			value, form = c.compose(parts), composite
		}
	}
	delete(meta, algorithm)
	delete(meta, kind)
	meta[c.header()], meta["X-Amz-Checksum-Type"] = value, form
	return nil
}

// GetObject implements gofakes3.Backend.
func (o *objects) GetObject(bucket, key string, r *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return unpack(o.copied(func() (*gofakes3.Object, error) { return o.Backend.GetObject(bucket, key, r) }))
}

// HeadObject implements gofakes3.Backend.
func (o *objects) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return unpack(o.copied(func() (*gofakes3.Object, error) { return o.Backend.HeadObject(bucket, key) }))
}

// copied returns an object in its own memory. s3bolt returns memory of the mapped file after its
// transaction has ended, and the next write may unmap it.
func (o *objects) copied(get func() (*gofakes3.Object, error)) (*gofakes3.Object, error) {
	o.pages.RLock()
	defer o.pages.RUnlock()
	object, err := get()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(object.Contents)
	if err != nil {
		return nil, err
	}
	object.Contents = io.NopCloser(bytes.NewReader(content))
	object.Hash = bytes.Clone(object.Hash)
	return object, nil
}

// DeleteObject implements gofakes3.Backend.
func (o *objects) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	o.pages.Lock()
	defer o.pages.Unlock()
	return o.Backend.DeleteObject(bucket, key)
}

// DeleteMulti implements gofakes3.Backend.
func (o *objects) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	o.pages.Lock()
	defer o.pages.Unlock()
	return o.Backend.DeleteMulti(bucket, keys...)
}

// CreateBucket implements gofakes3.Backend.
func (o *objects) CreateBucket(name string) error {
	o.pages.Lock()
	defer o.pages.Unlock()
	return o.Backend.CreateBucket(name)
}

// DeleteBucket implements gofakes3.Backend.
func (o *objects) DeleteBucket(name string) error {
	o.pages.Lock()
	defer o.pages.Unlock()
	return o.Backend.DeleteBucket(name)
}

// ListBucket implements gofakes3.Backend.
func (o *objects) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	list, err := o.Backend.ListBucket(bucket, prefix, page)
	if err != nil {
		return nil, err
	}
	for _, c := range list.Contents {
		if object, err := o.HeadObject(bucket, c.Key); err == nil {
			c.ETag = etagOf(object)
		}
	}
	return list, nil
}

func unpack(object *gofakes3.Object, err error) (*gofakes3.Object, error) {
	if err != nil {
		return nil, err
	}
	text, ok := object.Metadata[packed]
	if !ok { // an older local cloud has put it
		return object, nil
	}
	object.Metadata = map[string]string{}
	if err := json.Unmarshal([]byte(text), &object.Metadata); err != nil {
		return nil, fmt.Errorf("unpack metadata of %s: %w", object.Name, err)
	}
	return object, nil
}

// etagOf returns the ETag of an object.
func etagOf(object *gofakes3.Object) string {
	if own := object.Metadata[ownETag]; own != "" {
		return own
	}
	return gofakes3.FormatETag(object.Hash)
}

// etagOfParts returns the ETag of an object that was put in these parts.
func etagOfParts(parts [][]byte) string {
	all := md5.New()
	for _, p := range parts {
		sum := md5.Sum(p)
		all.Write(sum[:])
	}
	return fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(all.Sum(nil)), len(parts))
}

// refusalOf turns an error of the backend into S3's refusal, and nil into nil.
func refusalOf(err error) *wire.Error {
	if err == nil {
		return nil
	}
	if coded, ok := errors.AsType[interface {
		error
		ErrorCode() gofakes3.ErrorCode
	}](err); ok {
		code := coded.ErrorCode()
		return &wire.Error{Code: string(code), Message: message(string(code)), Status: code.Status()}
	}
	return &wire.Error{Code: "InternalError", Message: err.Error(), Status: wire.StatusOf(err)}
}
