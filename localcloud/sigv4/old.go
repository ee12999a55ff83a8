package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verifyOld verifies a presigned GET of an S3 object by Signature Version 2. botocore still uses it
// in regions older than Version 4, us-east-1 among them.
func verifyOld(r *http.Request, query url.Values, secret func(key string) (string, bool), now time.Time) (Scope, error) {
	scope := Scope{Key: query.Get("AWSAccessKeyId"), Region: "us-east-1", Service: "s3"}
	text, err := oldText(r, query)
	if err != nil {
		return scope, err
	}
	s, ok := secret(scope.Key)
	if !ok {
		return scope, ErrUnknownKey
	}
	if end, err := strconv.ParseInt(query.Get("Expires"), 10, 64); err != nil || now.Unix() > end {
		return scope, ErrExpired
	}
	mac := hmac.New(sha1.New, []byte(s))
	mac.Write([]byte(text))
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(query.Get("Signature"))) {
		return scope, ErrMismatch
	}
	return scope, nil
}

// oldText returns the text that is signed. It refuses headers and parameters that Version 2 does
// not sign.
func oldText(r *http.Request, query url.Values) (string, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", fmt.Errorf("%w: only a GET may be signed by version 2", ErrIncomplete)
	}
	var extra []string
	for name := range query {
		switch {
		case strings.HasPrefix(name, "response-"):
			extra = append(extra, name+"="+query.Get(name))
		case name != "AWSAccessKeyId" && name != "Expires" && name != "Signature":
			return "", fmt.Errorf("%w: parameter %q is not signed", ErrMismatch, name)
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			return "", fmt.Errorf("%w: header %s is not signed", ErrMismatch, name)
		}
	}
	resource, _, _ := strings.Cut(r.RequestURI, "?")
	if len(extra) > 0 {
		slices.Sort(extra)
		resource += "?" + strings.Join(extra, "&")
	}
	return r.Method + "\n\n\n" + query.Get("Expires") + "\n" + resource, nil
}
