package sigv4

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	maxLife   = 7 * 24 * time.Hour
)

// claim is what a request states about its own signature.
type claim struct {
	scope     Scope
	signed    []string // lower-case header names
	signature string
	at        time.Time
	query     url.Values // without the signature
	presigned bool
	life      time.Duration // of a presigned URL
}

func read(r *http.Request, query url.Values) (c claim, err error) {
	header := r.Header.Get("Authorization")
	switch presigned := query.Has("X-Amz-Signature"); {
	case presigned && header != "":
		return c, fmt.Errorf("%w: only one way of signing is allowed", ErrIncomplete)
	case presigned:
		c, err = fromQuery(query)
	case header != "":
		c, err = fromHeader(query, header, r.Header.Get("X-Amz-Date"))
	default:
		return c, ErrUnsigned
	}
	if err != nil {
		return c, err
	}
	return c, c.covers(r.Header)
}

func fromHeader(query url.Values, header, at string) (claim, error) {
	c := claim{query: query}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return c, fmt.Errorf("%w: the algorithm is not %s", ErrIncomplete, algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[k] = v
	}
	return c, c.fill(parts["Credential"], parts["SignedHeaders"], parts["Signature"], at)
}

// fromQuery reads a presigned URL. STS's URLs have no X-Amz-Expires and last 15 minutes.
func fromQuery(query url.Values) (claim, error) {
	c := claim{query: query, presigned: true}
	signature := query.Get("X-Amz-Signature")
	query.Del("X-Amz-Signature")
	if err := c.fill(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), signature, query.Get("X-Amz-Date")); err != nil {
		return c, err
	}
	if a := query.Get("X-Amz-Algorithm"); a != algorithm {
		return c, fmt.Errorf("%w: the algorithm is not %s", ErrIncomplete, algorithm)
	}
	seconds, err := strconv.Atoi(cmp.Or(query.Get("X-Amz-Expires"), "900"))
	c.life = time.Duration(seconds) * time.Second
	if err != nil || seconds < 1 || seconds > int(maxLife/time.Second) {
		return c, fmt.Errorf("%w: X-Amz-Expires must be 1 to 604800 seconds", ErrIncomplete)
	}
	return c, nil
}

func (c *claim) fill(credential, signed, signature, at string) error {
	p := strings.Split(credential, "/")
	if len(p) != 5 || p[4] != "aws4_request" {
		return fmt.Errorf("%w: the credential is not key/date/region/service/aws4_request", ErrIncomplete)
	}
	c.scope = Scope{Key: p[0], Date: p[1], Region: p[2], Service: p[3]}
	if !wellFormed(p[2]) || !wellFormed(p[3]) {
		return fmt.Errorf("%w: the credential is not scoped to a valid region and service", ErrIncomplete)
	}
	c.signed, c.signature = strings.Split(signed, ";"), signature
	if !slices.Contains(c.signed, "host") || signature == "" {
		return fmt.Errorf("%w: the host header or the signature is missing", ErrIncomplete)
	}
	var err error
	if c.at, err = time.Parse(stamp, at); err != nil || c.at.Format("20060102") != c.scope.Date {
		return fmt.Errorf("%w: X-Amz-Date is missing or not of the credential's day", ErrIncomplete)
	}
	return nil
}

// wellFormed reports whether s can be a region or a service. Logs and keys contain it.
func wellFormed(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// covers refuses a request that has an X-Amz-* header that was not signed.
func (c *claim) covers(h http.Header) error {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-") && !slices.Contains(c.signed, strings.ToLower(name)) {
			return fmt.Errorf("%w: header %s is not signed", ErrMismatch, name)
		}
	}
	return nil
}
