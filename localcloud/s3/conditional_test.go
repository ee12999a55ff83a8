package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The times before and after that of the object.
var (
	before = time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	after  = time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
)

// kept puts the object "kept" and returns its ETag.
func kept(t *testing.T, url string) string {
	t.Helper()
	put, body := do(t, "PUT", url+"/bkt/kept", "content")
	if put.StatusCode != 200 {
		t.Fatal(body)
	}
	return put.Header.Get("ETag")
}

func TestConditionsOfReads(t *testing.T) {
	_, url := server(t)
	own, other := kept(t, url), `"00"`
	for _, tt := range []struct {
		headers []string
		want    int
	}{
		{[]string{"If-Match", own}, 200},
		{[]string{"If-Match", strings.Trim(own, `"`)}, 200},
		{[]string{"If-Match", other + ", " + own}, 200},
		{[]string{"If-Match", "*"}, 200},
		{[]string{"If-Match", other}, 412},
		{[]string{"If-None-Match", own}, 304},
		{[]string{"If-None-Match", "*"}, 304},
		{[]string{"If-None-Match", other}, 200},
		{[]string{"If-Modified-Since", before}, 200},
		{[]string{"If-Modified-Since", after}, 304},
		{[]string{"If-Modified-Since", "nonsense"}, 200},
		{[]string{"If-Unmodified-Since", after}, 200},
		{[]string{"If-Unmodified-Since", before}, 412},
		{[]string{"If-Match", own, "If-Unmodified-Since", before}, 200},
		{[]string{"If-Match", other, "If-Unmodified-Since", after}, 412},
		{[]string{"If-None-Match", own, "If-Modified-Since", before}, 304},
		{[]string{"If-None-Match", other, "If-Modified-Since", after}, 200},
		{[]string{"If-Match", own, "If-None-Match", own}, 304},
		{[]string{"If-Match", other, "If-None-Match", own}, 412},
		{[]string{"If-Range", own}, 501},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			resp, body := do(t, method, url+"/bkt/kept", "", tt.headers...)
			if resp.StatusCode != tt.want || tt.want == 304 && (body != "" || resp.Header.Get("ETag") != own) {
				t.Errorf("%s %q: %d %q %q, want %d", method, tt.headers, resp.StatusCode, body, resp.Header.Get("ETag"), tt.want)
			}
		}
		if resp, _ := do(t, "GET", url+"/bkt/none", "", tt.headers...); resp.StatusCode != 404 && tt.want != 501 {
			t.Errorf("absent object, %q: %d, want 404", tt.headers, resp.StatusCode)
		}
	}
}

// writing lists the ways to write an object. Each writes the key "kept" or "none".
var writing = map[string]func(t *testing.T, url, key string, headers ...string) (*http.Response, string){
	"put": func(t *testing.T, url, key string, headers ...string) (*http.Response, string) {
		return do(t, "PUT", url+"/bkt/"+key, "new", headers...)
	},
	"copy": func(t *testing.T, url, key string, headers ...string) (*http.Response, string) {
		do(t, "PUT", url+"/bkt/source", "new")
		return do(t, "PUT", url+"/bkt/"+key, "", append(headers, "X-Amz-Copy-Source", "/bkt/source")...)
	},
	"completion": func(t *testing.T, url, key string, headers ...string) (*http.Response, string) {
		_, begun := do(t, "POST", url+"/bkt/"+key+"?uploads", "")
		id := between(begun, "<UploadId>", "</UploadId>")
		part, _ := do(t, "PUT", fmt.Sprintf("%s/bkt/%s?uploadId=%s&partNumber=1", url, key, id), "new")
		document := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + part.Header.Get("ETag") + "</ETag></Part></CompleteMultipartUpload>"
		return do(t, "POST", fmt.Sprintf("%s/bkt/%s?uploadId=%s", url, key, id), document, headers...)
	},
}

func between(s, left, right string) string {
	_, s, _ = strings.Cut(s, left)
	s, _, _ = strings.Cut(s, right)
	return s
}

func TestConditionsOfWrites(t *testing.T) {
	_, url := server(t)
	for name, write := range writing {
		for _, tt := range []struct {
			header, value, key string
			want               int
			code               string
		}{
			{"If-None-Match", "*", "none", 200, ""},
			{"If-None-Match", "*", "kept", 412, "PreconditionFailed"},
			{"If-None-Match", `"00"`, "kept", 501, "NotImplemented"},
			{"If-Match", "own", "kept", 200, ""},
			{"If-Match", `"00"`, "kept", 412, "PreconditionFailed"},
			{"If-Match", `"00"`, "none", 404, "NoSuchKey"},
			{"If-Match", "*", "kept", 501, "NotImplemented"},
			{"If-Modified-Since", before, "kept", 501, "NotImplemented"},
			{"If-Unmodified-Since", after, "kept", 501, "NotImplemented"},
		} {
			do(t, "DELETE", url+"/bkt/none", "")
			own := kept(t, url)
			resp, body := write(t, url, tt.key, tt.header, strings.Replace(tt.value, "own", own, 1))
			if resp.StatusCode != tt.want || !strings.Contains(body, tt.code) {
				t.Errorf("%s, %s: %s: %d %s, want %d %s", name, tt.header, tt.value, resp.StatusCode, body, tt.want, tt.code)
			}
			want := map[bool]string{true: "new", false: "content"}[tt.want == 200]
			if _, got := do(t, "GET", url+"/bkt/"+tt.key, ""); tt.key == "kept" && got != want {
				t.Errorf("%s, %s: %s: the object is %q, want %q", name, tt.header, tt.value, got, want)
			}
		}
	}
}

func TestConditionsOfTheSourceOfACopy(t *testing.T) {
	_, url := server(t)
	own := kept(t, url)
	for _, tt := range []struct {
		headers []string
		want    int
	}{
		{[]string{"If-Match", own}, 200},
		{[]string{"If-Match", `"00"`}, 412},
		{[]string{"If-None-Match", own}, 412},
		{[]string{"If-None-Match", `"00"`}, 200},
		{[]string{"If-Modified-Since", before}, 200},
		{[]string{"If-Modified-Since", after}, 412},
		{[]string{"If-Unmodified-Since", after}, 200},
		{[]string{"If-Unmodified-Since", before}, 412},
		{[]string{"If-Match", own, "If-Unmodified-Since", before}, 200},
		{[]string{"If-None-Match", own, "If-Modified-Since", before}, 412},
	} {
		headers := []string{"X-Amz-Copy-Source", "/bkt/kept"}
		for i, h := range tt.headers {
			if i%2 == 0 {
				h = "X-Amz-Copy-Source-" + h
			}
			headers = append(headers, h)
		}
		if resp, body := do(t, "PUT", url+"/bkt/copy", "", headers...); resp.StatusCode != tt.want {
			t.Errorf("%q: %d %s, want %d", tt.headers, resp.StatusCode, body, tt.want)
		}
	}
	if resp, _ := do(t, "PUT", url+"/bkt/copy", "", "X-Amz-Copy-Source", "/bkt/none", "X-Amz-Copy-Source-If-Match", own); resp.StatusCode != 404 {
		t.Errorf("absent source: %d, want 404", resp.StatusCode)
	}
}

func TestConditionsOfDeletes(t *testing.T) {
	_, url := server(t)
	for _, tt := range []struct {
		key, header, value string
		want               int
	}{
		{"kept", "If-Match", "own", 204},
		{"kept", "If-Match", "*", 204},
		{"kept", "If-Match", `"00"`, 412},
		{"none", "If-Match", "*", 404},
		{"none", "If-Match", `"00"`, 404},
		{"none", "X-Amz-Request-Payer", "requester", 204},
		{"kept", "If-None-Match", `"00"`, 501},
		{"kept", "If-Unmodified-Since", after, 501},
		{"kept", "X-Amz-If-Match-Size", "7", 501},
		{"kept", "X-Amz-If-Match-Last-Modified-Time", after, 501},
	} {
		own := kept(t, url)
		resp, body := do(t, "DELETE", url+"/bkt/"+tt.key, "", tt.header, strings.Replace(tt.value, "own", own, 1))
		if resp.StatusCode != tt.want {
			t.Errorf("%s, %s: %s: %d %s, want %d", tt.key, tt.header, tt.value, resp.StatusCode, body, tt.want)
		}
		if resp, _ := do(t, "HEAD", url+"/bkt/kept", ""); tt.key == "kept" && (resp.StatusCode == 404) != (tt.want == 204) {
			t.Errorf("%s: %s: afterwards the object is %d", tt.header, tt.value, resp.StatusCode)
		}
	}
}

func TestDeleteObjectsChecksEachETag(t *testing.T) {
	store, url := server(t)
	own := kept(t, url)
	for _, key := range []string{"changed", "any", "old", "plain"} {
		if err := store.Put("bkt", key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	_, body := do(t, "POST", url+"/bkt?delete", `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
		<Object><Key>kept</Key><ETag>`+own+`</ETag></Object><Object><Key>changed</Key><ETag>"00"</ETag></Object>
		<Object><Key>any</Key><ETag>*</ETag></Object><Object><Key>gone</Key><ETag>*</ETag></Object><Object><Key>plain</Key></Object>
		<Object><Key>never</Key></Object><Object><Key>old</Key><VersionId>7</VersionId></Object></Delete>`)
	for key, want := range map[string]string{
		"kept": "Deleted", "any": "Deleted", "plain": "Deleted", "never": "Deleted",
		"changed": "PreconditionFailed", "gone": "NoSuchKey", "old": "NotImplemented",
	} {
		row := between(body, "<Key>"+key+"</Key>", "<Key>")
		if got := strings.HasPrefix(row, "</Deleted>"); got != (want == "Deleted") || !got && !strings.HasPrefix(row, "<Code>"+want) {
			t.Errorf("%s: %q, want %s", key, row, want)
		}
		if resp, _ := do(t, "HEAD", url+"/bkt/"+key, ""); (resp.StatusCode == 404) != (want == "Deleted" || want == "NoSuchKey") {
			t.Errorf("%s: afterwards it is %d", key, resp.StatusCode)
		}
	}
	for _, header := range []string{"If-Match", "If-None-Match"} {
		if resp, _ := do(t, "POST", url+"/bkt?delete", "<Delete><Object><Key>changed</Key></Object></Delete>", header, own); resp.StatusCode != 501 {
			t.Errorf("%s of all: %d, want 501", header, resp.StatusCode)
		}
	}
}
