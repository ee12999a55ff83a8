// Package sigv4 is the server's side of AWS Signature Version 4. It verifies who sent a request and
// that it was not changed, and it presigns URLs. It signs the headers that the client names, so it
// needs no list of headers that some SDKs do not sign.
package sigv4

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// The reasons for which a request is refused. Callers translate them into each service's codes.
var (
	ErrUnsigned   = errors.New("request is not signed")
	ErrIncomplete = errors.New("signature is incomplete")
	ErrUnknownKey = errors.New("access key does not exist")
	ErrStale      = errors.New("request time is too far from the current time") // 15 minutes, either way
	ErrExpired    = errors.New("presigned URL has expired")
	ErrMismatch   = errors.New("signature does not match")
	ErrTooLarge   = fmt.Errorf("body is larger than %d bytes", MaxBody)
	ErrPayload    = errors.New("body is not the one that was signed") // from reading the body of an S3 request
)

// MaxBody is how many bytes the body of a request may have, unless it is S3's.
const MaxBody = 1 << 20

// skew is how far a client's clock may differ.
const skew = 15 * time.Minute

// Scope says with which key, and for what, a request was signed.
type Scope struct {
	Key     string // access key id
	Date    string // 20060102
	Region  string
	Service string // elasticbeanstalk, ecr, s3, sts
}

func (s Scope) String() string { return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request" }

// Verify returns the scope of a request if its signature is valid, in the Authorization header or
// in the query. secret looks up a key's secret. With an error Verify returns the part of the scope
// that it could read, so that the refusal can be in that service's words.
//
// It does not read the body of an S3 request: if a hash of the body was signed, reading r.Body to
// its end fails with ErrPayload if the body has another hash. It reads all other bodies, up to
// MaxBody, and puts them back.
//
// The current time is any from earliest to latest. They differ if the clock was moved, because
// clients may follow the move or not.
func Verify(r *http.Request, secret func(key string) (string, bool), earliest, latest time.Time) (Scope, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Scope{}, fmt.Errorf("%w: %v", ErrIncomplete, err)
	}
	if query.Has("AWSAccessKeyId") {
		return verifyOld(r, query, secret, earliest)
	}
	c, err := read(r, query)
	if err != nil {
		return c.scope, err
	}
	s, ok := secret(c.scope.Key)
	if !ok {
		return c.scope, ErrUnknownKey
	}
	if err := c.fresh(earliest, latest); err != nil {
		return c.scope, err
	}
	hash, err := c.payload(r)
	if err != nil {
		return c.scope, err
	}
	if !hmac.Equal([]byte(c.sign(r, hash, s)), []byte(c.signature)) {
		return c.scope, ErrMismatch
	}
	return c.scope, nil
}

// fresh refuses a signature from too long ago or from the future.
func (c claim) fresh(earliest, latest time.Time) error {
	age := earliest.Sub(c.at)
	switch {
	case c.presigned && age > c.life:
		return fmt.Errorf("%w: signed %s for %s", ErrExpired, c.at.Format(stamp), c.life)
	case !c.presigned && age > skew, c.at.Sub(latest) > skew:
		return fmt.Errorf("%w: signed %s, now %s", ErrStale, c.at.Format(stamp), latest.UTC().Format(stamp))
	}
	return nil
}
