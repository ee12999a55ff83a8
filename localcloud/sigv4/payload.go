package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
)

const unsigned = "UNSIGNED-PAYLOAD"

// payload returns the body's part of the signature: for S3 the hash in its header, which is checked
// while the body is read, for all others the hash of the body.
func (c claim) payload(r *http.Request) (string, error) {
	if c.scope.Service != "s3" {
		return hashed(r)
	}
	if c.presigned {
		return unsigned, nil
	}
	want := r.Header.Get("X-Amz-Content-Sha256")
	if want == "" {
		return "", fmt.Errorf("%w: x-amz-content-sha256 is missing", ErrIncomplete)
	}
	if sum, err := hex.DecodeString(want); err == nil && r.Body != nil {
		r.Body = &checked{ReadCloser: r.Body, hash: sha256.New(), want: sum}
	}
	return want, nil
}

func hashed(r *http.Request) (string, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, MaxBody+1)); err != nil {
			return "", fmt.Errorf("read body: %w", err)
		}
	}
	if len(body) > MaxBody {
		return "", ErrTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// checked is a body that ends with ErrPayload instead of io.EOF if its hash is not the signed one.
type checked struct {
	io.ReadCloser
	hash hash.Hash
	want []byte
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.hash.Write(p[:n])
	if err == io.EOF && !bytes.Equal(c.hash.Sum(nil), c.want) {
		err = ErrPayload
	}
	return n, err
}
