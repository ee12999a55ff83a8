// Package sigv4 is the server's side of AWS Signature Version 4: it decides who sent a
// request and that nobody changed it, and it presigns URLs. It signs what the client says
// it signed, so it needs no list of headers that some SDK leaves out.
package sigv4

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Reasons to refuse a request; callers translate them into each service's codes.
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

// MaxBody is how many bytes the body of any request but S3's may have.
const MaxBody = 1 << 20

// skew is how far a client's clock may be off.
const skew = 15 * time.Minute

// Scope is what a request was signed for, by whom.
type Scope struct {
	Key     string // access key id
	Date    string // 20060102
	Region  string
	Service string // elasticbeanstalk, ecr, s3, sts
}

func (s Scope) String() string { return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request" }

// Verify returns the scope of a request whose signature is right: in the Authorization
// header or in the query. secret looks up a key's secret. The scope is returned with an
// error too, as far as it could be read, so that a refusal can be worded as that service
// words it.
//
// The body of an S3 request is not read: where a hash of it was signed, reading r.Body to
// its end fails with ErrPayload if it is another one. All other bodies are read, up to
// MaxBody, and put back.
//
// The current time is any from earliest to latest: they differ where a clock was moved,
// and clients may follow it or not.
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

// fresh refuses what was signed too long ago, or for a time to come.
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
