package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"beansprout/localcloud/sigv4"
)

const (
	keyID  = "AKIDLOCAL"
	secret = "s3cr3t/with+signs"
)

var at = time.Date(2026, 5, 1, 2, 3, 4, 0, time.UTC)

func lookup(key string) (string, bool) { return secret, key == keyID }

func verify(r *http.Request, now time.Time) (sigv4.Scope, error) {
	return sigv4.Verify(r, lookup, now, now)
}

func sum(body string) string {
	s := sha256.Sum256([]byte(body))
	return hex.EncodeToString(s[:])
}

// arrived returns r as a server gets it: written to the wire and parsed again.
func arrived(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func signed(t *testing.T, service, method, target, body, hash string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "a token"}
	if err := signer.SignHTTP(context.Background(), creds, r, hash, service, "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return arrived(t, r)
}

func presigned(t *testing.T, service, method, target, hash string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	signedURL, _, err := signer.PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret},
		r, hash, service, "eu-west-1", at)
	if err != nil {
		t.Fatal(err)
	}
	r, err = http.NewRequest(method, signedURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return arrived(t, r)
}

func requests(t *testing.T) map[string]*http.Request {
	form := "Action=DescribeEnvironments&Version=2010-12-01"
	return map[string]*http.Request{
		"query":            signed(t, "elasticbeanstalk", "POST", "http://127.0.0.1:2326/", form, sum(form)),
		"empty body":       signed(t, "sts", "POST", "http://127.0.0.1:2326/", "", sum("")),
		"odd query":        signed(t, "route53", "GET", "http://127.0.0.1:2326/a%20b/c%2Fd?name=x+y%2Bz&empty&a=%C3%BC", "", sum("")),
		"s3 put":           signed(t, "s3", "PUT", "http://127.0.0.1:2326/b/a%20b+c/%C3%BC//..", "hello", sum("hello")),
		"s3 unsigned body": signed(t, "s3", "PUT", "http://127.0.0.1:2326/b/k", "hello", "UNSIGNED-PAYLOAD"),
		"presigned s3":     presigned(t, "s3", "GET", "http://127.0.0.1:2326/b/a%20b?X-Amz-Expires=60", "UNSIGNED-PAYLOAD"),
		"presigned sts":    presigned(t, "sts", "GET", "http://127.0.0.1:2326/?Action=GetCallerIdentity", sum("")),
	}
}

func TestRightSignaturesAreAccepted(t *testing.T) {
	for name, r := range requests(t) {
		t.Run(name, func(t *testing.T) {
			scope, err := verify(r, at.Add(59*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if scope.Region != "eu-west-1" || scope.Key != keyID {
				t.Errorf("scope = %+v", scope)
			}
			if body, err := io.ReadAll(r.Body); err != nil {
				t.Errorf("body %q: %v", body, err)
			}
		})
	}
}

func TestTamperedRequestsAreRefused(t *testing.T) {
	for name, tamper := range map[string]func(r *http.Request){
		"method": func(r *http.Request) { r.Method = "DELETE" },
		"path":   func(r *http.Request) { r.RequestURI = strings.Replace(r.RequestURI, "/", "/x", 1) },
		"host":   func(r *http.Request) { r.Host = "127.0.0.1:80" },
		"query": func(r *http.Request) {
			q := r.URL.Query()
			q.Set("more", "1")
			r.URL.RawQuery = q.Encode()
		},
		"signature": func(r *http.Request) {
			flip := strings.NewReplacer("Signature=", "Signature=0")
			r.Header.Set("Authorization", flip.Replace(r.Header.Get("Authorization")))
			r.URL.RawQuery = flip.Replace(r.URL.RawQuery)
		},
		"region": func(r *http.Request) {
			move := strings.NewReplacer("eu-west-1", "us-east-1")
			r.Header.Set("Authorization", move.Replace(r.Header.Get("Authorization")))
			r.URL.RawQuery = move.Replace(r.URL.RawQuery)
		},
		"added X-Amz header": func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "/b/other") },
	} {
		for kind, r := range requests(t) {
			t.Run(name+" of "+kind, func(t *testing.T) {
				tamper(r)
				if r.Header.Get("Authorization") == "" {
					r.Header.Del("Authorization")
				}
				if _, err := verify(r, at); !errors.Is(err, sigv4.ErrMismatch) {
					t.Errorf("err = %v, want %v", err, sigv4.ErrMismatch)
				}
			})
		}
	}
}

func TestTamperedBodies(t *testing.T) {
	r := requests(t)["query"]
	r.Body = io.NopCloser(strings.NewReader("Action=TerminateEnvironment"))
	if _, err := verify(r, at); !errors.Is(err, sigv4.ErrMismatch) {
		t.Errorf("query: err = %v, want %v", err, sigv4.ErrMismatch)
	}
	r = requests(t)["s3 put"]
	r.Body = io.NopCloser(strings.NewReader("hellp"))
	if _, err := verify(r, at); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r.Body); !errors.Is(err, sigv4.ErrPayload) {
		t.Errorf("s3: err = %v, want %v", err, sigv4.ErrPayload)
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		change     func(r *http.Request)
		now        time.Time
		want       error
	}{
		{"foreign key", "query", func(r *http.Request) { auth(r, keyID, "AKIDOTHER") }, at, sigv4.ErrUnknownKey},
		{"foreign key in a URL", "presigned s3", func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, keyID, "AKID", 1) }, at, sigv4.ErrUnknownKey},
		{"stale", "query", nil, at.Add(15*time.Minute + time.Second), sigv4.ErrStale},
		{"from the future", "query", nil, at.Add(-15*time.Minute - time.Second), sigv4.ErrStale},
		{"expired", "presigned s3", nil, at.Add(61 * time.Second), sigv4.ErrExpired},
		{"URL without expiry", "presigned sts", nil, at.Add(901 * time.Second), sigv4.ErrExpired},
		{"URL from the future", "presigned s3", nil, at.Add(-time.Hour), sigv4.ErrStale},
		{"unsigned", "query", func(r *http.Request) { r.Header.Del("Authorization") }, at, sigv4.ErrUnsigned},
		{"basic auth", "query", func(r *http.Request) { r.SetBasicAuth("a", "b") }, at, sigv4.ErrIncomplete},
		{"both ways", "presigned s3", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, at, sigv4.ErrIncomplete},
		{"no date", "query", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, at, sigv4.ErrIncomplete},
		{"date of another day", "query", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260502T000000Z") }, at, sigv4.ErrIncomplete},
		{"host not signed", "query", func(r *http.Request) { auth(r, ";host", "") }, at, sigv4.ErrIncomplete},
		{"short credential", "query", func(r *http.Request) { auth(r, "/aws4_request", "") }, at, sigv4.ErrIncomplete},
		{"region with a slash in it", "query", func(r *http.Request) { auth(r, "eu-west-1", "eu/west-1") }, at, sigv4.ErrIncomplete},
		{"region of another alphabet", "query", func(r *http.Request) { auth(r, "eu-west-1", "eu_west|1") }, at, sigv4.ErrIncomplete},
		{"no region", "query", func(r *http.Request) { auth(r, "eu-west-1", "") }, at, sigv4.ErrIncomplete},
		{"no hash", "s3 put", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, at, sigv4.ErrIncomplete},
		{"ten days", "presigned s3", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=60", "Expires=864000", 1)
		}, at, sigv4.ErrIncomplete},
		{"bad escape in the query", "query", func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, at, sigv4.ErrIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := requests(t)[tt.kind]
			if tt.change != nil {
				tt.change(r)
			}
			if _, err := verify(r, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAMovedClockAcceptsTheTimesBetween(t *testing.T) {
	const far = 24 * time.Hour
	for _, kind := range []string{"query", "s3 put", "presigned s3", "presigned sts"} {
		for _, tt := range []struct {
			earliest, latest time.Time
			ok               bool
		}{
			{at, at.Add(far), true}, {at.Add(-far), at, true}, {at.Add(-far), at.Add(far), true},
			{at.Add(far), at.Add(2 * far), false}, {at.Add(-2 * far), at.Add(-far), false},
		} {
			if _, err := sigv4.Verify(requests(t)[kind], lookup, tt.earliest, tt.latest); (err == nil) != tt.ok {
				t.Errorf("%s between %s and %s: %v", kind, tt.earliest, tt.latest, err)
			}
		}
	}
}

func auth(r *http.Request, old, with string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
}

func TestPresignedGetIsAcceptedUntilItExpires(t *testing.T) {
	endpoint, err := url.Parse("http://127.0.0.1:2326")
	if err != nil {
		t.Fatal(err)
	}
	scope := sigv4.Scope{Key: keyID, Region: "us-east-1", Service: "s3"}
	for _, key := range []string{"k", "a b+c/ü", "x//y", "p%2Fq", "../..", "t~il.de_-*'()!", "?#&="} {
		u := sigv4.PresignGet(endpoint, "bkt", key, scope, secret, at, time.Minute)
		out, err := http.NewRequest("GET", u, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := arrived(t, out)
		if want := "/bkt/" + key; r.URL.Path != want {
			t.Errorf("path = %q, want %q", r.URL.Path, want)
		}
		if _, err := verify(r, at.Add(time.Minute)); err != nil {
			t.Errorf("%s: %v", u, err)
		}
		if _, err := verify(arrived(t, out), at.Add(61*time.Second)); !errors.Is(err, sigv4.ErrExpired) {
			t.Errorf("after a minute: err = %v, want %v", err, sigv4.ErrExpired)
		}
	}
}

func FuzzVerifyRefusesUnsignedRequests(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDLOCAL/20260501/r/s3/aws4_request, SignedHeaders=host, Signature=00", "X-Amz-Signature=1", "20260501T020304Z")
	f.Add("", "X-Amz-Signature=1&X-Amz-Credential=AKIDLOCAL/20260501/r/s3/aws4_request&X-Amz-SignedHeaders=host&X-Amz-Date=20260501T020304Z&X-Amz-Algorithm=AWS4-HMAC-SHA256", "")
	f.Fuzz(func(t *testing.T, header, query, date string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{"Authorization": {header}, "X-Amz-Date": {date}}
		r.URL.RawQuery = query
		if _, err := verify(r, at); err == nil {
			t.Errorf("accepted %q %q %q", header, query, date)
		}
	})
}

// botocore made the URLs for the key AKIDLOCAL. They expire at 1777601000.
func TestSignatureVersion2OfPresignedGets(t *testing.T) {
	end := time.Unix(1777601000, 0)
	const good = "/bkt/dir/small%20b%2Bc.zip?AWSAccessKeyId=AKIDLOCAL&Signature=DN4pW3bkpQxLsh0Tsh65aWx9OSw%3D&Expires=1777601000"
	const named = "/bkt/k?response-content-type=text%2Fplain&AWSAccessKeyId=AKIDLOCAL&Signature=jTDSrZGXDPz6z764U2tOT%2FOw4%2BM%3D&Expires=1777601000"
	for _, tt := range []struct {
		name, method, url string
		header            string
		now               time.Time
		want              error
	}{
		{"right", "GET", good, "", end, nil},
		{"right with a response header", "GET", named, "", end, nil},
		{"other response header", "GET", strings.Replace(named, "plain", "html", 1), "", end, sigv4.ErrMismatch},
		{"expired", "GET", good, "", end.Add(time.Second), sigv4.ErrExpired},
		{"longer life", "GET", strings.Replace(good, "1777601000", "1777609999", 1), "", end, sigv4.ErrMismatch},
		{"other object", "GET", strings.Replace(good, "small", "large", 1), "", end, sigv4.ErrMismatch},
		{"other key", "GET", strings.Replace(good, "AKIDLOCAL", "AKIDOTHER", 1), "", end, sigv4.ErrUnknownKey},
		{"other method", "DELETE", good, "", end, sigv4.ErrIncomplete},
		{"head", "HEAD", good, "", end, sigv4.ErrMismatch},
		{"added parameter", "GET", good + "&uploads", "", end, sigv4.ErrMismatch},
		{"added header", "GET", good, "X-Amz-Meta-X", end, sigv4.ErrMismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.url, nil)
			if tt.header != "" {
				r.Header.Set(tt.header, "x")
			}
			if _, err := verify(r, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
}
