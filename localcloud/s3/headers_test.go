package s3_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// description returns the headers that describe an object.
var description = []string{
	"Cache-Control", "max-age=60", "Content-Disposition", "inline", "Content-Encoding", "gzip", "Content-Language", "ko",
	"Content-Type", "text/css", "Expires", "Thu, 01 Jan 2037 00:00:00 GMT", "X-Amz-Meta-Who", "me",
}

func checkDescription(t *testing.T, url string, want func(name, value string) string) {
	t.Helper()
	for _, method := range []string{"GET", "HEAD"} {
		resp, _ := do(t, method, url, "", "Accept-Encoding", "identity")
		for i := 0; i < len(description); i += 2 {
			if got, want := resp.Header.Get(description[i]), want(description[i], description[i+1]); got != want {
				t.Errorf("%s %s: %s = %q, want %q", method, url, description[i], got, want)
			}
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "X-Amz-Local") || strings.HasPrefix(name, "X-Amz-Checksum") {
				t.Errorf("%s %s: %s = %q", method, url, name, resp.Header.Get(name))
			}
		}
	}
}

func TestTheLastPutDescribesTheObject(t *testing.T) {
	_, url := server(t)
	same := func(_, value string) string { return value }
	nothing := func(name, _ string) string { return map[string]string{"Content-Type": "binary/octet-stream"}[name] }
	do(t, "PUT", url+"/bkt/k", "one", description...)
	checkDescription(t, url+"/bkt/k", same)
	do(t, "PUT", url+"/bkt/copy", "old", "X-Amz-Meta-Old", "x")
	do(t, "PUT", url+"/bkt/copy", "", append([]string{"X-Amz-Copy-Source", "/bkt/k"}, "X-Amz-Meta-Who", "you")...)
	checkDescription(t, url+"/bkt/copy", same)
	if resp, _ := do(t, "HEAD", url+"/bkt/copy", ""); resp.Header.Get("X-Amz-Meta-Old") != "" {
		t.Error("a copy has the metadata of the object that was there before")
	}
	do(t, "PUT", url+"/bkt/copy", "", append([]string{"X-Amz-Copy-Source", "/bkt/k", "X-Amz-Metadata-Directive", "REPLACE"}, description[10:]...)...)
	checkDescription(t, url+"/bkt/copy", func(name, value string) string {
		if name == "Expires" || name == "X-Amz-Meta-Who" {
			return value
		}
		return nothing(name, value)
	})
	do(t, "PUT", url+"/bkt/k", "two")
	checkDescription(t, url+"/bkt/k", nothing)
	_, begun := do(t, "POST", url+"/bkt/k?uploads", "", description...)
	finish(t, url, between(begun, "<UploadId>", "</UploadId>"), "one", "two")
	checkDescription(t, url+"/bkt/k", same)
}

// finish uploads the parts of bkt/k and completes the upload.
func finish(t *testing.T, url, id string, parts ...string) (*http.Response, string) {
	t.Helper()
	var list string
	for i, p := range parts {
		resp, body := do(t, "PUT", fmt.Sprintf("%s/bkt/k?uploadId=%s&partNumber=%d", url, id, i+1), p)
		if resp.StatusCode != 200 {
			t.Fatal(body)
		}
		list += fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, resp.Header.Get("ETag"))
	}
	return do(t, "POST", url+"/bkt/k?uploadId="+id, "<CompleteMultipartUpload>"+list+"</CompleteMultipartUpload>")
}

func TestUnservedHeadersAreAnswered501(t *testing.T) {
	_, url := server(t)
	kept(t, url)
	for _, header := range []string{
		"X-Amz-Tagging", "X-Amz-Tagging-Directive", "X-Amz-Acl", "X-Amz-Grant-Read", "X-Amz-Grant-Read-Acp", "X-Amz-Grant-Write-Acp",
		"X-Amz-Grant-Full-Control", "X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Context", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
		"X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Server-Side-Encryption-Customer-Algorithm",
		"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key", "X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date",
		"X-Amz-Object-Lock-Legal-Hold", "X-Amz-Website-Redirect-Location", "X-Amz-Write-Offset-Bytes", "X-Amz-Mfa",
		"X-Amz-Bypass-Governance-Retention", "X-Amz-Checksum-Xxhash64", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership",
		"X-Amz-Something-Of-Tomorrow",
	} {
		for _, request := range []string{
			"PUT /bkt/kept", "PUT /bkt/new", "POST /bkt/kept?uploads", "PUT /bkt/kept?uploadId=1&partNumber=1", "POST /bkt/kept?uploadId=1",
			"GET /bkt/kept", "HEAD /bkt/kept", "DELETE /bkt/kept", "POST /bkt?delete", "GET /bkt", "PUT /bucket", "DELETE /bkt",
		} {
			method, path, _ := strings.Cut(request, " ")
			if resp, body := do(t, method, url+path, "", header, "x"); resp.StatusCode != 501 {
				t.Errorf("%s with %s: %d %s, want 501", request, header, resp.StatusCode, body)
			}
		}
	}
	if _, body := do(t, "GET", url+"/bkt/kept", ""); body != "content" {
		t.Errorf("the object is now %q", body)
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestChecksumsOfObjects(t *testing.T) {
	store, url := server(t)
	for header, want := range map[string]string{ // of "hello"
		"X-Amz-Checksum-Crc32": "NhCmhg==", "X-Amz-Checksum-Crc32c": "mnG7TA==", "X-Amz-Checksum-Crc64nvme": "M3eFcAZSQlc=",
		"X-Amz-Checksum-Sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=", "X-Amz-Checksum-Sha256": hash("hello"),
	} {
		if resp, body := do(t, "PUT", url+"/bkt/k", "hello!", header, want); resp.StatusCode != 400 || !strings.Contains(body, "BadDigest") {
			t.Errorf("another body than %s says: %d %s", header, resp.StatusCode, body)
		}
		put, _ := do(t, "PUT", url+"/bkt/k", "hello", header, want)
		for name, resp := range map[string]*http.Response{
			"put": put, "head": second(do(t, "HEAD", url+"/bkt/k", "", "X-Amz-Checksum-Mode", "ENABLED")),
			"get": second(do(t, "GET", url+"/bkt/k", "", "X-Amz-Checksum-Mode", "ENABLED")),
		} {
			if got := resp.Header.Get(header); got != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
		for _, h := range [][]string{{}, {"X-Amz-Checksum-Mode", "ENABLED", "Range", "bytes=0-1"}, {"X-Amz-Checksum-Mode", "ENABLED", "If-None-Match", "*"}} {
			if resp, _ := do(t, "GET", url+"/bkt/k", "", h...); resp.Header.Get(header) != "" {
				t.Errorf("GET with %q tells %s", h, header)
			}
		}
	}
	do(t, "PUT", url+"/bkt/k", "other", "X-Amz-Sdk-Checksum-Algorithm", "SHA256")
	checkSum(t, url, "Sha256", hash("other"), "FULL_OBJECT")
	do(t, "PUT", url+"/bkt/copy", "", "X-Amz-Copy-Source", "/bkt/k")
	do(t, "PUT", url+"/bkt/k", "", "X-Amz-Copy-Source", "/bkt/copy")
	checkSum(t, url, "Sha256", hash("other"), "FULL_OBJECT")
	if err := store.Put("bkt", "k", []byte("other")); err != nil {
		t.Fatal(err)
	}
	checkSum(t, url, "Sha256", "", "FULL_OBJECT")
	for _, headers := range [][]string{
		{"X-Amz-Checksum-Sha256", hash("x"), "X-Amz-Checksum-Crc32", "AAAAAA=="}, {"X-Amz-Sdk-Checksum-Algorithm", "MD4"},
	} {
		if resp, body := do(t, "PUT", url+"/bkt/k", "x", headers...); resp.StatusCode != 400 {
			t.Errorf("%q: %d %s", headers, resp.StatusCode, body)
		}
	}
}

func second(resp *http.Response, _ string) *http.Response { return resp }

func checkSum(t *testing.T, url, name, want, kind string) {
	t.Helper()
	resp, _ := do(t, "HEAD", url+"/bkt/k", "", "X-Amz-Checksum-Mode", "ENABLED")
	if got := resp.Header.Get("X-Amz-Checksum-" + name); got != want || resp.Header.Get("X-Amz-Checksum-Type") != kind {
		t.Errorf("%s = %q of kind %q, want %q of kind %q", name, got, resp.Header.Get("X-Amz-Checksum-Type"), want, kind)
	}
}

func TestAnObjectInPartsHasACompositeChecksumAndETag(t *testing.T) {
	_, url := server(t)
	_, begun := do(t, "POST", url+"/bkt/k?uploads", "", "X-Amz-Checksum-Algorithm", "SHA256")
	_, done := finish(t, url, between(begun, "<UploadId>", "</UploadId>"), "one", "two")
	one, two := sha256.Sum256([]byte("one")), sha256.Sum256([]byte("two"))
	checkSum(t, url, "Sha256", hash(string(one[:])+string(two[:]))+"-2", "COMPOSITE")
	etag := strings.ReplaceAll(between(done, "<ETag>", "</ETag>"), "&#34;", `"`)
	if resp, body := do(t, "GET", url+"/bkt/k", "", "If-Match", etag); resp.StatusCode != 200 || body != "onetwo" || resp.Header.Get("ETag") != etag {
		t.Errorf("If-Match %s: %d %s, its ETag is %s", etag, resp.StatusCode, body, resp.Header.Get("ETag"))
	}
	if _, list := do(t, "GET", url+"/bkt?list-type=2", ""); !strings.Contains(list, strings.Trim(etag, `"`)) {
		t.Errorf("the list does not have %s: %s", etag, list)
	}
	_, begun = do(t, "POST", url+"/bkt/k?uploads", "")
	finish(t, url, between(begun, "<UploadId>", "</UploadId>"), "hel", "lo")
	checkSum(t, url, "Crc64nvme", "M3eFcAZSQlc=", "FULL_OBJECT")
	if resp, _ := do(t, "POST", url+"/bkt/k?uploads", "", "X-Amz-Checksum-Algorithm", "SHA256", "X-Amz-Checksum-Type", "FULL_OBJECT"); resp.StatusCode != 400 {
		t.Errorf("SHA-256 of a whole object in parts: %d, want 400", resp.StatusCode)
	}
}
