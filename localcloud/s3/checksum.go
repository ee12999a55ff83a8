package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"beansprout/localcloud/wire"
)

// sums is the prefix of headers with a checksum, such as X-Amz-Checksum-Sha256.
const sums = "X-Amz-Checksum-"

// The kinds of checksum: of the object, or of the checksums of its parts.
const (
	wholeObject = "FULL_OBJECT"
	composite   = "COMPOSITE"
)

// checksum is an algorithm with which S3 checks bodies. S3 keeps one checksum of an object: one that
// the client asks for, or its default.
type checksum struct {
	name string // CRC32
	sum  func() hash.Hash
}

const usualChecksum = "CRC64NVME"

var checksums = []checksum{
	{"CRC32", func() hash.Hash { return crc32.NewIEEE() }},
	{"CRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
	{usualChecksum, func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) }},
	{"SHA1", sha1.New},
	{"SHA256", sha256.New},
}

func (c checksum) header() string { return http.CanonicalHeaderKey(sums + c.name) }

// of returns the checksum of bytes in the form of headers.
func (c checksum) of(parts ...[]byte) string {
	h := c.sum()
	for _, p := range parts {
		h.Write(p)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// checksumOf returns the algorithm with that name or header, and nil if there is none.
func checksumOf(name string) *checksum {
	for i, c := range checksums {
		if strings.EqualFold(name, c.name) || name == c.header() {
			return &checksums[i]
		}
	}
	return nil
}

// mismatch refuses a body that does not have the checksums in the headers, and algorithms that S3
// does not know.
func mismatch(h http.Header, action string, body []byte) *wire.Error {
	for _, name := range []string{"X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Algorithm"} {
		if given := h.Get(name); given != "" && checksumOf(given) == nil {
			return wire.Errorf("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
		}
	}
	if kind := h.Get("X-Amz-Checksum-Type"); kind != "" {
		if name, _ := wantedChecksum(h, action); !canBe(name, kind) {
			return wire.Errorf("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(name))
		}
	}
	given := 0
	for _, c := range checksums {
		value := h.Get(c.header())
		if value == "" {
			continue
		}
		if given++; given > 1 {
			return wire.Errorf("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if value != c.of(body) {
			return wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", c.name)
		}
	}
	return nil
}

// canBe reports whether an upload in parts can have a checksum of that kind.
func canBe(name, kind string) bool {
	switch kind {
	case wholeObject:
		return !strings.HasPrefix(name, "SHA")
	case composite:
		return name != usualChecksum
	}
	return false
}

// wantedChecksum returns the name and the kind of the checksum for an object that a request with
// these headers puts, or for an upload that it begins.
func wantedChecksum(h http.Header, action string) (name, kind string) {
	name = usualChecksum
	for _, c := range checksums {
		if h.Get(c.header()) != "" || strings.EqualFold(h.Get("X-Amz-Sdk-Checksum-Algorithm"), c.name) ||
			strings.EqualFold(h.Get("X-Amz-Checksum-Algorithm"), c.name) {
			name = c.name
		}
	}
	kind = wholeObject
	if action == "CreateMultipartUpload" && name != usualChecksum {
		kind = composite
	}
	if given := h.Get("X-Amz-Checksum-Type"); given != "" {
		kind = given
	}
	return name, kind
}

// compose returns the checksum of the checksums of the parts.
func (c checksum) compose(parts [][]byte) string {
	h := c.sum()
	for _, p := range parts {
		s := c.sum()
		s.Write(p)
		h.Write(s.Sum(nil))
	}
	return fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(h.Sum(nil)), len(parts))
}
