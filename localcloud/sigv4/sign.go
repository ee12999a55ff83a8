package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// sign returns the signature that the request must have.
func (c claim) sign(r *http.Request, hash, secret string) string {
	sum := sha256.Sum256([]byte(c.canonical(r, hash)))
	key := []byte("AWS4" + secret)
	text := algorithm + "\n" + c.at.Format(stamp) + "\n" + c.scope.String() + "\n" + hex.EncodeToString(sum[:])
	for _, part := range []string{c.scope.Date, c.scope.Region, c.scope.Service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// canonical returns AWS's canonical form of the request. It takes the path from the request line,
// because r.URL.Path is decoded, and Host and Content-Length from r, because they are not among
// Go's headers.
func (c claim) canonical(r *http.Request, hash string) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if c.scope.Service != "s3" {
		path = (&url.URL{Path: path}).EscapedPath() // all services but S3 escape twice
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + strings.ReplaceAll(c.query.Encode(), "+", "%20") + "\n")
	for _, name := range c.signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		b.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	b.WriteString("\n" + strings.Join(c.signed, ";") + "\n" + hash)
	return b.String()
}
