package s3_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/s3"
	"beansprout/localcloud/sigv4"
	"beansprout/localcloud/wire"
)

func open(t *testing.T, file string) *s3.Store {
	t.Helper()
	store, err := s3.Open(s3.Config{File: file, Now: time.Now, Sign: func(bucket, key string, life time.Duration) string {
		return bucket + "/" + key + "?" + life.String()
	}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// server serves a new store with the bucket "bkt". Reading a body that starts with "FORGED" ends with
// sigv4.ErrPayload, as after a failed signature check.
func server(t *testing.T) (*s3.Store, string) {
	t.Helper()
	store := open(t, filepath.Join(t.TempDir(), "s3.db"))
	if err := store.EnsureBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		end := io.EOF
		if strings.HasPrefix(string(body), "FORGED") {
			end = sigv4.ErrPayload
		}
		r.Body = io.NopCloser(&ending{strings.NewReader(string(body)), end})
		store.Handler().ServeHTTP(w, wire.WithCall(r, wire.Call{ID: "request-1", Account: "123456789012"}))
	}))
	t.Cleanup(func() {
		srv.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, srv.URL
}

type ending struct {
	io.Reader
	err error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF {
		err = e.err
	}
	return n, err
}

func do(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

func TestRefusals(t *testing.T) {
	store, url := server(t)
	if err := store.Put("bkt", "kept", []byte("content")); err != nil {
		t.Fatal(err)
	}
	deletion := "<Delete><Object><Key>kept</Key></Object></Delete>"
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"tagging would overwrite", "PUT", "/bkt/kept?tagging", "<Tagging/>", nil, 501, "NotImplemented"},
		{"policy", "GET", "/bkt?policy", "", nil, 501, "NotImplemented"},
		{"streamed body", "PUT", "/bkt/kept", "7\r\ncontent\r\n0\r\n\r\n", []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, 501, "NotImplemented"},
		{"conditional delete", "DELETE", "/bkt/kept", "", []string{"If-None-Match", `"x"`}, 501, "NotImplemented"},
		{"changed object, delete", "DELETE", "/bkt/kept", "", []string{"If-Match", `"00"`}, 412, "PreconditionFailed"},
		{"part copy", "PUT", "/bkt/kept?uploadId=1&partNumber=1", "", []string{"X-Amz-Copy-Source", "/bkt/kept"}, 501, "NotImplemented"},
		{"copy to itself", "PUT", "/bkt/kept", "", []string{"X-Amz-Copy-Source", "/bkt/kept"}, 400, "InvalidRequest"},
		{"part of an object", "GET", "/bkt/kept?partNumber=1", "", nil, 501, "NotImplemented"},
		{"tags in a presigned query", "PUT", "/bkt/kept?x-amz-tagging=a%3Db", "x", nil, 501, "NotImplemented"},
		{"another owner's bucket", "GET", "/bkt/kept", "", []string{"X-Amz-Expected-Bucket-Owner", "999999999999"}, 403, "AccessDenied"},
		{"too much metadata", "PUT", "/bkt/kept", "x", []string{"X-Amz-Meta-A", strings.Repeat("x", 2048)}, 400, "MetadataTooLarge"},
		{"buckets by prefix", "GET", "/?prefix=b", "", nil, 501, "NotImplemented"},
		{"unknown encoding", "GET", "/bkt?encoding-type=base64", "", nil, 400, "InvalidArgument"},
		{"bucket elsewhere", "PUT", "/new", "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>", nil, 400, "IllegalLocationConstraintException"},
		{"bucket with tags", "PUT", "/new", "<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>", nil, 501, "NotImplemented"},
		{"own records", "PUT", "/_meta/bucket/bkt", "x", nil, 400, "InvalidBucketName"},
		{"browser upload", "POST", "/bkt", "x", nil, 405, "MethodNotAllowed"},
		{"other body than signed", "PUT", "/bkt/kept", "FORGED", nil, 400, "XAmzContentSHA256Mismatch"},
		{"other part than signed", "PUT", "/bkt/kept?uploadId=1&partNumber=1", "FORGED", nil, 400, "XAmzContentSHA256Mismatch"},
		{"other document than signed", "POST", "/bkt?delete", "FORGED" + deletion, nil, 400, "XAmzContentSHA256Mismatch"},
		{"changed object", "PUT", "/bkt/kept", "x", []string{"If-Match", `"00"`}, 412, "PreconditionFailed"},
		{"present object", "PUT", "/bkt/kept", "x", []string{"If-None-Match", "*"}, 412, "PreconditionFailed"},
		{"absent object to match", "PUT", "/bkt/new", "x", []string{"If-Match", `"00"`}, 404, "NoSuchKey"},
		{"changed object, get", "GET", "/bkt/kept", "", []string{"If-Match", `"00"`}, 412, "PreconditionFailed"},
		{"changed object, range", "GET", "/bkt/kept", "", []string{"If-Match", `"00"`, "Range", "bytes=0-1"}, 412, "PreconditionFailed"},
		{"changed object, head", "HEAD", "/bkt/kept", "", []string{"If-Match", `"00"`}, 412, ""},
		{"absent object", "GET", "/bkt/new", "", nil, 404, "NoSuchKey"},
		{"absent bucket", "GET", "/nobody/new", "", nil, 404, "NoSuchBucket"},
		{"bucket again", "PUT", "/bkt", "", nil, 409, "BucketAlreadyOwnedByYou"},
		{"bucket in use", "DELETE", "/bkt", "", nil, 409, "BucketNotEmpty"},
		{"absent object, head", "HEAD", "/bkt/new", "", nil, 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := do(t, tt.method, url+tt.path, tt.body, tt.headers...)
			if resp.StatusCode != tt.status || tt.code != "" && !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("%d %s, want %d %s", resp.StatusCode, body, tt.status, tt.code)
			}
			if tt.code != "" && !strings.Contains(body, "<RequestId>request-1</RequestId>") {
				t.Errorf("no request id in %s", body)
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("Access-Control-Allow-Origin = %q", got)
			}
			if _, body := do(t, "GET", url+"/bkt/kept", ""); body != "content" {
				t.Errorf("the object is now %q", body)
			}
		})
	}
}

func TestAmzHeadersDoNotBecomeMetadata(t *testing.T) {
	_, url := server(t)
	do(t, "PUT", url+"/bkt/k", "hello", "X-Amz-Meta-Who", "me", "X-Amz-Security-Token", "secret", "X-Amz-Checksum-Crc32", "NhCmhg==",
		"X-Amz-Date", "20200101T000000Z")
	resp, body := do(t, "GET", url+"/bkt/k", "", "Range", "bytes=1-2")
	if resp.StatusCode != 206 || body != "el" {
		t.Errorf("range: %d %q", resp.StatusCode, body)
	}
	for name, want := range map[string]string{
		"X-Amz-Meta-Who": "me", "X-Amz-Security-Token": "", "X-Amz-Checksum-Crc32": "", "Access-Control-Allow-Origin": "", "X-Amz-Request-Id": "request-1",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestNamesOfAListAreURLEncoded(t *testing.T) {
	store, url := server(t)
	for _, key := range []string{"a b+c/ü", "p%2Fq&<"} {
		if err := store.Put("bkt", key, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{"encoding-type=url", "list-type=2&encoding-type=url"} {
		_, list := do(t, "GET", url+"/bkt?"+query, "")
		for _, want := range []string{"<Key>a+b%2Bc/%C3%BC</Key>", "<Key>p%252Fq%26%3C</Key>", "<EncodingType>url</EncodingType>"} {
			if !strings.Contains(list, want) {
				t.Errorf("%s: no %s in %s", query, want, list)
			}
		}
	}
}

func TestConditionalGet(t *testing.T) {
	_, url := server(t)
	put, _ := do(t, "PUT", url+"/bkt/k", "hello")
	for _, match := range []string{put.Header.Get("ETag"), "*", ""} {
		if resp, body := do(t, "GET", url+"/bkt/k", "", "If-Match", match); resp.StatusCode != 200 || body != "hello" {
			t.Errorf("If-Match %s: %d %q", match, resp.StatusCode, body)
		}
	}
	if resp, body := do(t, "GET", url+"/bkt/k", "", "If-None-Match", put.Header.Get("ETag")); resp.StatusCode != 304 || body != "" {
		t.Errorf("If-None-Match: %d %q", resp.StatusCode, body)
	}
}

func TestConditionalDelete(t *testing.T) {
	_, url := server(t)
	put, _ := do(t, "PUT", url+"/bkt/k", "hello")
	for _, want := range []int{204, 404} {
		if resp, body := do(t, "DELETE", url+"/bkt/k", "", "If-Match", put.Header.Get("ETag")); resp.StatusCode != want {
			t.Errorf("DELETE: %d %q, want %d", resp.StatusCode, body, want)
		}
	}
	if resp, _ := do(t, "GET", url+"/bkt/k", ""); resp.StatusCode != 404 {
		t.Errorf("it is still there: %d", resp.StatusCode)
	}
}

func TestStoreAndProtocolShareObjects(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s3.db")
	store := open(t, file)
	for range 2 {
		if err := store.EnsureBucket("bkt"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Put("bkt", "../a b//ü", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, file)
	defer store.Close()
	body, size, err := store.Get("bkt", "../a b//ü")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); string(got) != "x" || size != 1 || err != nil {
		t.Errorf("after a restart: %q, %d bytes, %v", got, size, err)
	}
	for range 2 {
		if err := store.Delete("bkt", "../a b//ü"); err != nil {
			t.Error(err)
		}
	}
	for _, bucket := range []string{"bkt", "nobody"} {
		if _, _, err := store.Get(bucket, "../a b//ü"); !errors.Is(err, s3.ErrNotFound) {
			t.Errorf("get from %s: %v, want %v", bucket, err, s3.ErrNotFound)
		}
		if err := store.Delete(bucket, "k"); err != nil {
			t.Error(err)
		}
	}
	if got := store.URL("bkt", "k", time.Minute); got != "bkt/k?1m0s" {
		t.Errorf("URL = %q", got)
	}
}

func TestActions(t *testing.T) {
	for _, tt := range []struct{ method, target, want string }{
		{"GET", "/", "ListBuckets"},
		{"GET", "/b?list-type=2&prefix=x", "ListObjectsV2"},
		{"GET", "/b/?prefix=x", "ListObjects"},
		{"GET", "/b?location", "GetBucketLocation"},
		{"HEAD", "/b", "HeadBucket"},
		{"PUT", "/b", "CreateBucket"},
		{"POST", "/b?delete", "DeleteObjects"},
		{"GET", "/b/k/l", "GetObject"},
		{"PUT", "/b/k", "PutObject"},
		{"HEAD", "/b/k", "HeadObject"},
		{"DELETE", "/b/k", "DeleteObject"},
		{"POST", "/b/k?uploads", "CreateMultipartUpload"},
		{"PUT", "/b/k?uploadId=1&partNumber=2", "UploadPart"},
		{"PATCH", "/b/k", "PATCH"},
	} {
		if got := s3.ActionOf(httptest.NewRequest(tt.method, tt.target, nil)); got != tt.want {
			t.Errorf("%s %s = %s, want %s", tt.method, tt.target, got, tt.want)
		}
	}
}
